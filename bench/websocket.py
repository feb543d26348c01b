"""A WebSocket client for thousands of sockets in one process: an asyncio protocol without tasks, queues or masking.

Only what a benchmark needs of RFC 6455: text frames both ways, pings answered, closes noticed. Never used by csbot.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

CONTINUATION, TEXT, CLOSE, PING = 0x0, 0x1, 0x8, 0x9
PONG: Final = 0x8A
FINAL_BIT, MASK_BIT = 0x80, 0x80
# A fixed key is as valid as a random one on loopback and makes masking free; this one leaves the payload as it is.
MASK_KEY: Final = b"\x00\x00\x00\x00"
HEAD_END: Final = b"\r\n\r\n"
ABNORMAL_CLOSE: Final = 1006


class WebSocketError(Exception):
    """The server refused the upgrade or went away before it."""


class WebSocket(asyncio.Protocol):
    """One client socket. `on_text` gets each message's bytes, `on_close` the close code, once."""

    def __init__(self, *, request: bytes, on_text: Callable[[bytes], None], on_close: Callable[[int], None]) -> None:
        self._request = request
        self._on_text = on_text
        self._on_close = on_close
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._fragments = b""
        self._close_code = ABNORMAL_CLOSE
        self._is_open = False
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the upgrade."""
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the owner, or whoever still waits for the upgrade."""
        if not self.opened.done():
            self.opened.set_exception(WebSocketError(f"closed before the upgrade ({exc})"))
        elif self._is_open:
            self._is_open = False
            self._on_close(self._close_code)

    def data_received(self, data: bytes) -> None:
        """Read the upgrade, then frames."""
        buffer = self._buffer + data if self._buffer else data
        if not self._is_open:
            head, found, buffer = buffer.partition(HEAD_END)
            if not found:
                self._buffer = head
                return
            if not self._upgraded(head):
                return
        self._buffer = self._read_frames(buffer)

    def _upgraded(self, head: bytes) -> bool:
        if self.opened.done():
            return False
        if b" 101 " not in head[:16]:
            status = head.split(b"\r\n", 1)[0].decode("latin-1")
            self.opened.set_exception(WebSocketError(f"refused: {status}"))
            self.abort()
            return False
        self._is_open = True
        self.opened.set_result(None)
        return True

    def _read_frames(self, buffer: bytes) -> bytes:
        position, available = 0, len(buffer)
        while available - position >= 2:
            opcode, length, start = buffer[position], buffer[position + 1], position + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                length, start = int.from_bytes(buffer[start : start + width]), start + width
            if start + length > available:
                break
            position = start + length
            self._frame(opcode, buffer[start:position])
        return buffer[position:]

    def _frame(self, first_byte: int, payload: bytes) -> None:
        opcode = first_byte & 0x0F
        if opcode in (TEXT, CONTINUATION):
            if first_byte & FINAL_BIT:
                payload, self._fragments = self._fragments + payload, b""
                self._on_text(payload)
            else:
                self._fragments += payload
        elif opcode == PING:
            self._send(PONG, payload)
        elif opcode == CLOSE:
            self._close_code = int.from_bytes(payload[:2]) if len(payload) >= 2 else 1005
            self.abort()

    def send_text(self, payload: bytes) -> None:
        """Send one text message; does nothing on a closed socket."""
        self._send(FINAL_BIT | TEXT, payload)

    def _send(self, first_byte: int, payload: bytes) -> None:
        if self._transport is None or self._transport.is_closing():
            return
        length = len(payload)
        if length < 126:
            head = bytes((first_byte, MASK_BIT | length))
        elif length < 65536:
            head = bytes((first_byte, MASK_BIT | 126)) + length.to_bytes(2)
        else:
            head = bytes((first_byte, MASK_BIT | 127)) + length.to_bytes(8)
        self._transport.write(head + MASK_KEY + payload)

    def close(self) -> None:
        """Say goodbye and close."""
        self._send(FINAL_BIT | CLOSE, (1000).to_bytes(2))
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close without a word, as a phone does that loses its network."""
        if self._transport is not None:
            self._transport.abort()


def upgrade_request(*, host: str, port: int, path: str) -> bytes:
    """Return the request that asks for a WebSocket, from a page of the same origin."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\nOrigin: http://{host}:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


async def open_socket(
    *, host: str, port: int, path: str, on_text: Callable[[bytes], None], on_close: Callable[[int], None]
) -> WebSocket:
    """Return an open socket. Raises WebSocketError or OSError."""
    request = upgrade_request(host=host, port=port, path=path)
    _transport, socket = await asyncio.get_running_loop().create_connection(
        lambda: WebSocket(request=request, on_text=on_text, on_close=on_close), host, port
    )
    try:
        await socket.opened
    except asyncio.CancelledError:
        socket.abort()
        raise
    return socket
