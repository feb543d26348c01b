"""The short way out of a socket, where the server offers one: a frame handed over at once, without a task or a wait."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

EXTENSION: Final = "csbot.outlet"
OUTLET: Final = "outlet"


class Outlet(Protocol):
    """What the server's side of a socket offers (`csbot.sockets`)."""

    def can_take(self) -> bool:
        """Say whether a frame can go out at once: the socket is open and its peer reads."""

    def take(self, text: str) -> None:
        """Send a text frame at once; only where `can_take` says so."""


def outlet_of(scope: Mapping[str, Any]) -> Outlet | None:
    """Return the outlet of a socket's scope; None under a server that offers none."""
    offered = (scope.get("extensions") or {}).get(EXTENSION)
    outlet: Outlet | None = offered[OUTLET] if offered else None
    return outlet
