"""uvicorn's WebSocket protocol, made patient with odd frames, firm with dead peers, and cheap for the usual frame.

The widget protocol answers what it can't read with an `error` frame and keeps the socket; uvicorn would close it, with
a traceback in the log. And a peer that stopped reading would keep its socket for as long as TCP tries.

Streams are thousands of small text frames a second: the application may hand them over without a task, an event and a
message each (`conversations.consumers.outlet` says how it is asked).
"""

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request
from websockets.protocol import State

from conversations.consumers.outlet import EXTENSION, OUTLET

TEXT_FRAME: Final = 0x81
"""A whole text message in one frame (RFC 6455, 5.2); a server masks nothing."""
SHORT, MEDIUM, LONG = 126, 1 << 16, 127


class PatientWebSocket(WebSocketsSansIOProtocol):
    """One socket."""

    MAX_BYTES: Final = 1024 * 1024 + 64 * 1024
    """Far above the protocol's 64 KiB, so that the consumer can say what is wrong; beyond it uvicorn closes (1009)."""

    def handle_connect(self, event: Request) -> None:
        """Open a socket, and tell the application of the short way out."""
        super().handle_connect(event)
        if not self.close_sent:
            self.scope.get("extensions", {})[EXTENSION] = {OUTLET: self}

    def send_receive_event_to_app(self) -> None:
        """Hand a message to the application; text that isn't UTF-8 goes as bytes, which no text frame is."""
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self.curr_msg_data_type = "bytes"
        if self.read_paused or not self.queue.empty():
            super().send_receive_event_to_app()
            return
        # Nothing waits, so reading goes on. uvicorn stops and starts it at each message: two calls of the system.
        self.read_paused = True
        super().send_receive_event_to_app()
        self.read_paused = False

    def keepalive_timeout(self) -> None:
        """Give a peer up that answers no pings, with whatever it hasn't read."""
        super().keepalive_timeout()
        self.transport.abort()

    def can_take(self) -> bool:
        """Say whether a frame can go out at once: the socket is open and its peer reads."""
        return (
            self.handshake_complete
            and self.writable.is_set()
            and not self.close_sent
            and self.conn.state is State.OPEN
            and not self.transport.is_closing()
        )

    def take(self, text: str) -> None:
        """Send a text frame at once; only where `can_take` says so."""
        payload = text.encode()
        length = len(payload)
        if length < SHORT:
            head = bytes((TEXT_FRAME, length))
        elif length < MEDIUM:
            head = bytes((TEXT_FRAME, SHORT)) + length.to_bytes(2)
        else:
            head = bytes((TEXT_FRAME, LONG)) + length.to_bytes(8)
        self.transport.write(head + payload)


def _is_utf8(pieces: list[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
