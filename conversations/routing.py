"""Which address leads to which socket."""

from collections.abc import Mapping
from typing import Final

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, Scope
from channels.generic.websocket import AsyncWebsocketConsumer

from conversations.consumers.desk import DeskConsumer
from conversations.consumers.playground import PlaygroundConsumer
from conversations.consumers.widget import WidgetConsumer


class Nowhere(AsyncWebsocketConsumer):
    """Turns away a socket for an address that isn't there, as a page would answer 404."""

    async def connect(self) -> None:
        """Refuse the handshake."""
        await self.close()


DOORS: Final[Mapping[str, ASGI3Application]] = {
    "/ws/widget/": WidgetConsumer.as_asgi(),
    "/ws/desk/": DeskConsumer.as_asgi(),
    "/ws/desk/playground/": PlaygroundConsumer.as_asgi(),
}
NOWHERE: Final[ASGI3Application] = Nowhere.as_asgi()


async def open_socket(scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
    """Serve a socket at its address. Two exact addresses need no router that copies every socket's scope."""
    path = scope["path"] if scope["type"] == "websocket" else ""
    await DOORS.get(path, NOWHERE)(scope, receive, send)
