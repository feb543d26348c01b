"""The web process: `python -m csbot.web --host H --port P`. One loop; several processes can run side by side.

Stops on SIGTERM or SIGINT within about five seconds: no new connections, `go_away` to every socket, what is being
dealt with is finished, then the sockets are closed (1012) and their clients come back to whoever is there.
"""

import argparse
import asyncio
import logging
import signal
import socket
import sys
from typing import Final

import uvicorn
from django.urls import resolve

# First: it sets Django up, without which no model can be imported.
import csbot.asgi
from conversations.consumers.busy import busy
from conversations.events.frames import to_json
from conversations.events.hub import process_hub
from csbot.gate import wait_at_gate
from csbot.pace import set_pace
from csbot.sockets import PatientWebSocket

logger = logging.getLogger(__name__)

PING_SECONDS: Final = 25.0
"""Below the minute after which proxies and carriers forget a silent connection."""
FINISH_SECONDS: Final = 1.5
GRACE_SECONDS: Final = 2
SOCKETS_BACK_PER_SECOND: Final = 400
SHORTEST_DELAY_SECONDS, LONGEST_DELAY_SECONDS = 1, 8
BACKLOG: Final = 4096


class WebServer(uvicorn.Server):
    """uvicorn, which says goodbye to its sockets before it closes them."""

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop listening, let the clients go, and end."""
        for server in self.servers:
            server.close()
        await self._let_go()
        await super().shutdown(sockets)
        await process_hub().stop()

    async def _let_go(self) -> None:
        hub = process_hub()
        open_sockets = sum(hub.sockets().values())
        if open_sockets:
            logger.info("going away: %d sockets", open_sockets)
            hub.broadcast(to_json({"type": "go_away", "delay": spread_seconds(open_sockets)}))
        # One more turn for the frames just queued, then for whatever is being stored.
        await asyncio.sleep(0.1)
        await busy.wait_until_idle(FINISH_SECONDS)


def spread_seconds(open_sockets: int) -> int:
    """Return the time over which clients shall spread their return, so that the next process can take it."""
    return min(LONGEST_DELAY_SECONDS, SHORTEST_DELAY_SECONDS + open_sockets // SOCKETS_BACK_PER_SECOND)


def web_config(*, host: str, port: int) -> uvicorn.Config:
    """Return how we run uvicorn."""
    return uvicorn.Config(
        csbot.asgi.application,
        host=host,
        port=port,
        ws=PatientWebSocket,
        ws_per_message_deflate=False,
        ws_max_size=PatientWebSocket.MAX_BYTES,
        ws_ping_interval=PING_SECONDS,
        ws_ping_timeout=PING_SECONDS,
        lifespan="off",
        # The client's address is found by `conversations.limits`, which knows how many proxies are ours.
        proxy_headers=False,
        server_header=False,
        access_log=False,
        log_config=None,
        log_level="warning",
        backlog=BACKLOG,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )


def main() -> None:
    """Serve until told to stop."""
    parser = argparse.ArgumentParser(description="csbot's web process")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    options = parser.parse_args()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        # uvicorn raises the signal again once it has stopped; a clean stop then ends with 0.
        signal.signal(signal_number, lambda *_: sys.exit(0))
    # Loads all pages now, rather than while the first visitor waits.
    resolve("/")
    set_pace()
    wait_at_gate()
    WebServer(web_config(host=options.host, port=options.port)).run()


if __name__ == "__main__":
    main()
