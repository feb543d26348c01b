"""Asks the web process how it is, as anybody outside could: GET /readyz, GET /healthz."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from csbot.up.address import Address, bracketed

ASK_SECONDS: Final = 4.0
LARGEST_ANSWER_BYTES: Final = 65536


@dataclass(frozen=True)
class Answer:
    """An HTTP answer; status 0 where there was none."""

    status: int = 0
    body: bytes = b""


async def ask_readiness(address: Address, *, host_header: str) -> tuple[str, ...]:
    """Return what keeps a message from being answered: nothing, parts of /readyz, or "web". Never raises."""
    answer = await ask(address, "/readyz", host_header=host_header)
    try:
        # Whatever the transfer encoding puts around it.
        states = json.loads(answer.body[answer.body.index(b"{") : answer.body.rindex(b"}") + 1])
    except ValueError:
        return ("web",)
    lacking = tuple(str(name) for name, state in states.items() if state != "ok")
    return lacking or (() if answer.status == HTTPStatus.OK else ("web",))


async def is_alive(address: Address, *, host_header: str) -> bool:
    """Say whether the web process answers at all. Never raises."""
    return (await ask(address, "/healthz", host_header=host_header)).status == HTTPStatus.OK


async def ask(address: Address, path: str, *, host_header: str) -> Answer:
    """Return the answer to a GET. Never raises."""
    request = f"GET {path} HTTP/1.1\r\nHost: {host_header}\r\nConnection: close\r\n\r\n"
    # An address, not a name: a name would be looked up in a thread.
    host = "127.0.0.1" if address.local_host == "localhost" else address.local_host
    try:
        async with asyncio.timeout(ASK_SECONDS):
            reader, writer = await asyncio.open_connection(host, address.port)
            with contextlib.closing(writer):
                writer.write(request.encode())
                received = b""
                while piece := await reader.read(LARGEST_ANSWER_BYTES):
                    received += piece
        head, _, body = received.partition(b"\r\n\r\n")
        return Answer(int(head.split()[1]), body)
    except (OSError, TimeoutError, ValueError, IndexError):
        return Answer()


def host_header_for(hosts: list[str], address: Address) -> str:
    """Return a Host header that the server accepts."""
    name = next((host.lstrip(".") for host in hosts if host.strip("*.")), bracketed(address.local_host))
    return f"{name}:{address.port}"
