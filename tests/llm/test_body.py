"""The body of a stream, on its short way past aiohttp: cut anywhere, by any loop, over TLS too, and back in order."""

import asyncio
import random
import ssl
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TypeAlias, TypeVar

import pytest
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID
from openai import DefaultAioHttpClient

from conversations.llm.body import pour, whole_chunks
from conversations.llm.client import Client, Finished
from conversations.llm.requests import Sampling
from tests.llm.server import CHUNKED_HEAD, DONE, MESSAGES, PATIENT, Act, Server, Step, delta, finish, serving

T = TypeVar("T")
Run: TypeAlias = Callable[[Coroutine[object, object, T]], T]
WORDS = [f"คำที่ {number} " for number in range(80)]
EVENTS = [*map(delta, WORDS), finish(), DONE]


def as_chunks(*pieces: bytes) -> list[bytes]:
    """Return each piece as an HTTP chunk, and the end of the body."""
    return [*(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces), b"0\r\n\r\n"]


async def read(client: Client, *, pause_seconds: float = 0.0) -> tuple[str, Finished]:
    """Return what a client reads, and how it ended."""
    pieces: list[str] = []

    def on_text(text: str) -> float:
        pieces.append(text)
        return pause_seconds

    end = await client.read(MESSAGES, sampling=Sampling(), deadlines=PATIENT, on_text=on_text)
    return "".join(pieces), end


def cut(wire: bytes, dice: random.Random) -> list[Step]:
    """Cut a body into reads of all sizes: at its chunks' ends most often, also within their sizes and line ends."""
    steps: list[Step] = []
    at, last = 0, len(wire) - len(b"0\r\n\r\n")
    while at < last:
        end = wire.find(b"\n\n\r\n", at) + 4 if dice.random() < 0.6 else at + dice.randrange(1, 400)
        steps += [wire[at : min(end, last)], 0.001]
        at = end
    return [*steps, wire[last:]]


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("seed", range(4))
def test_a_body_cut_anywhere_is_read_whole_and_its_connection_used_again(run: Run[None], seed: int) -> None:
    async def main() -> None:
        steps = cut(b"".join(as_chunks(*EVENTS)), random.Random(seed))
        async with serving(CHUNKED_HEAD, *steps) as (client, server):
            for _ in range(2):
                said, end = await read(client)
                assert said == "".join(WORDS)
                assert end.finish_reason == "stop"
            assert len(server.requests) == 2
            assert len(server.connections) == 1

    run(main())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
@pytest.mark.parametrize("pause_seconds", [0.0, 0.02])
def test_ten_calls_over_one_connection_leave_it_in_order(run: Run[None], pause_seconds: float) -> None:
    async def main() -> None:
        steps = [*spread(as_chunks(*EVENTS[-12:]))[:-1]]
        async with serving(CHUNKED_HEAD, *steps) as (client, server):
            for _ in range(10):
                said, _end = await read(client, pause_seconds=pause_seconds)
                assert said == "".join(WORDS[-10:])
            assert len(server.connections) == 1

    run(main())


def test_a_body_with_a_length_is_read_too() -> None:
    async def main() -> None:
        body = b"".join(EVENTS)
        head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
        async with serving(head, body[:500], 0.02, body[500:900], 0.02, body[900:]) as (client, _server):
            said, _end = await read(client)
            assert said == "".join(WORDS)

    asyncio.run(main())


async def poured(
    server: Server, *, verify: ssl.SSLContext | bool = True, listen: ssl.SSLContext | None = None
) -> bytes:
    """Return a body as it is given on, with nothing but aiohttp's client around."""
    heard: list[bytes] = []

    def take(data: bytes) -> float:
        heard.append(data)
        return 0.0

    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=listen)
    address = f"{'https' if listen else 'http'}://127.0.0.1:{listener.sockets[0].getsockname()[1]}/"
    async with listener, DefaultAioHttpClient(verify=verify) as http, http.stream("POST", address, json={}) as answer:
        await pour(answer, take)
    await asyncio.gather(*server.connections, return_exceptions=True)
    return b"".join(heard)


def test_a_body_that_looks_like_chunks_is_not_taken_for_them() -> None:
    parts = as_chunks(*EVENTS)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(b"".join(parts))
    server = Server([head, *spread(parts)])
    assert asyncio.run(poured(server)) == b"".join(parts)


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_body_comes_over_tls_too(run: Run[bytes], tmp_path: Path) -> None:
    listen, trust = tls(tmp_path)
    closing = CHUNKED_HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    server = Server([closing, *spread(as_chunks(*EVENTS))])
    assert run(poured(server, verify=trust, listen=listen)) == b"".join(EVENTS)


def spread(parts: Sequence[bytes]) -> list[Step]:
    """Send each part by itself."""
    return [step for part in parts for step in (part, 0.001)]


def tls(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's side with a certificate of its own, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(hours=1))
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    certificate = builder.add_extension(names, critical=False).sign(key, SHA256())
    plain = serialization.NoEncryption()
    (folder / "key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    (folder / "cert").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    listen = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    listen.load_cert_chain(folder / "cert", folder / "key")
    return listen, ssl.create_default_context(cafile=str(folder / "cert"))


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_what_the_reader_raises_reaches_who_called_and_closes_the_connection(run: Run[None]) -> None:
    async def main() -> None:
        steps = spread(as_chunks(*EVENTS)[:20])

        def on_text(text: str) -> float:
            if WORDS[5] in text:
                raise RuntimeError("a bug of ours")
            return 0.0

        async with serving(CHUNKED_HEAD, *steps, Act.HANG) as (client, server):
            with pytest.raises(RuntimeError, match="a bug of ours"):
                await client.read(MESSAGES, sampling=Sampling(), deadlines=PATIENT, on_text=on_text)
            async with asyncio.timeout(5):
                await asyncio.gather(*server.connections, return_exceptions=True)

    run(main())


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_nothing_is_heard_after_a_cancellation_in_the_middle_of_a_pause(run: Run[None]) -> None:
    async def main() -> None:
        heard: list[str] = []
        first = asyncio.Event()

        def on_text(text: str) -> float:
            heard.append(text)
            first.set()
            return 0.2

        steps = spread(as_chunks(*EVENTS)[:60])
        async with serving(CHUNKED_HEAD, *steps, Act.HANG) as (client, server):
            reading = asyncio.create_task(
                client.read(MESSAGES, sampling=Sampling(), deadlines=PATIENT, on_text=on_text)
            )
            await first.wait()
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
            told = len(heard)
            await asyncio.sleep(0.4)
            assert len(heard) == told
            async with asyncio.timeout(5):
                await asyncio.gather(*server.connections, return_exceptions=True)

    run(main())


CHUNKS = {
    "one": (b"3\r\nabc\r\n", b"abc"),
    "two": (b"3\r\nabc\r\n2\r\nde\r\n", b"abcde"),
    "upper case and zeros": (b"00000A\r\n0123456789\r\n", b"0123456789"),
    "line ends within": (b"4\r\n\r\n\r\n\r\n", b"\r\n\r\n"),
}
NO_CHUNKS = {
    "nothing": b"",
    "the end": b"0\r\n\r\n",
    "one and the end": b"3\r\nabc\r\n0\r\n\r\n",
    "half a size": b"1",
    "a size alone": b"3\r\n",
    "too little": b"3\r\nab",
    "no line end after it": b"3\r\nabc",
    "half a line end": b"3\r\nabc\r",
    "too much": b"3\r\nabcd\r\n",
    "an extension": b"3;x=y\r\nabc\r\n",
    "no size": b"\r\nabc\r\n",
    "a minus": b"-3\r\nabc\r\n",
    "an underscore": b"0_3\r\nabc\r\n",
    "a blank": b" 3\r\nabc\r\n",
    "letters": b"zz\r\nabc\r\n",
    "a size beyond reason": b"1000000000\r\nabc\r\n",
}


@pytest.mark.parametrize(("data", "content"), CHUNKS.values(), ids=CHUNKS.keys())
def test_whole_chunks_give_what_is_in_them(data: bytes, content: bytes) -> None:
    assert whole_chunks(data) == content


@pytest.mark.parametrize("data", NO_CHUNKS.values(), ids=NO_CHUNKS.keys())
def test_what_is_not_whole_chunks_is_left_to_aiohttp(data: bytes) -> None:
    assert whole_chunks(data) == b""
