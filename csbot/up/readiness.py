"""Asks the web process whether a message can be answered, as anybody outside could: GET /readyz."""

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Final

from csbot.up.address import Address, bracketed

ASK_SECONDS: Final = 3.0
LARGEST_ANSWER_BYTES: Final = 65536


@dataclass(frozen=True)
class Readiness:
    """What /readyz said; `lacking` names what is not "ok", or the web process itself."""

    lacking: tuple[str, ...]

    @property
    def is_ready(self) -> bool:
        """Say whether a message can be answered."""
        return not self.lacking


async def ask_readiness(address: Address, *, host_header: str) -> Readiness:
    """Return what the web process says of itself; never raises."""
    request = f"GET /readyz HTTP/1.1\r\nHost: {host_header}\r\nConnection: close\r\n\r\n"
    try:
        async with asyncio.timeout(ASK_SECONDS):
            # An address, not a name: a name would be looked up in a thread.
            host = "127.0.0.1" if address.local_host == "localhost" else address.local_host
            reader, writer = await asyncio.open_connection(host, address.port)
            with contextlib.closing(writer):
                writer.write(request.encode())
                answer = await reader.read(LARGEST_ANSWER_BYTES)
                while piece := await reader.read(LARGEST_ANSWER_BYTES):
                    answer += piece
    except (OSError, TimeoutError):
        return Readiness(("web",))
    return readiness_in(answer)


def readiness_in(answer: bytes) -> Readiness:
    """Return what an HTTP response says."""
    head, _, body = answer.partition(b"\r\n\r\n")
    try:
        parts = json.loads(body[body.index(b"{") : body.rindex(b"}") + 1])
        status = int(head.split()[1])
    except (ValueError, IndexError):
        return Readiness(("web",))
    lacking = tuple(str(name) for name, state in parts.items() if state != "ok")
    return Readiness(lacking or (() if status == 200 else ("web",)))


def host_header_for(hosts: list[str], address: Address) -> str:
    """Return a Host header that the server accepts."""
    name = next((host.lstrip(".") for host in hosts if host.strip("*.")), bracketed(address.local_host))
    return f"{name}:{address.port}"
