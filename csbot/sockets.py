"""uvicorn's WebSocket protocol, made patient with odd frames and firm with dead peers.

The widget protocol answers what it can't read with an `error` frame and keeps the socket; uvicorn would close it, with
a traceback in the log. And a peer that stopped reading would keep its socket for as long as TCP tries.
"""

from typing import Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol


class PatientWebSocket(WebSocketsSansIOProtocol):
    """One socket."""

    MAX_BYTES: Final = 1024 * 1024 + 64 * 1024
    """Far above the protocol's 64 KiB, so that the consumer can say what is wrong; beyond it uvicorn closes (1009)."""

    def send_receive_event_to_app(self) -> None:
        """Hand a message to the application; text that isn't UTF-8 goes as bytes, which no text frame is."""
        if self.curr_msg_data_type == "text" and not _is_utf8(self.frames):
            self.curr_msg_data_type = "bytes"
        super().send_receive_event_to_app()

    def keepalive_timeout(self) -> None:
        """Give a peer up that answers no pings, with whatever it hasn't read."""
        super().keepalive_timeout()
        self.transport.abort()


def _is_utf8(pieces: list[bytes]) -> bool:
    try:
        b"".join(pieces).decode()
    except UnicodeDecodeError:
        return False
    return True
