"""Works through an evaluation in a process of its own, without a worker: for `manage.py evaluate`."""

import os
import socket
from typing import Final

from django.conf import settings

from conversations.gateway.admission import Admission
from conversations.gateway.dispatch import Dispatcher
from conversations.llm.client import Client
from conversations.llm.requests import Endpoint
from conversations.redis import loop_client
from conversations.replies.evaluating import Evaluator

NAME: Final = "shell-{host}-{process}"


class Shell:
    """What an evaluation needs, for the running loop."""

    def __init__(self) -> None:
        self.worker = NAME.format(host=socket.gethostname(), process=os.getpid())
        self.dispatcher = Dispatcher(Admission(loop_client(), hold_seconds=settings.CSBOT_ANSWER_SECONDS))
        self._clients: dict[Endpoint, Client] = {}

    def client(self, endpoint: Endpoint) -> Client:
        """Return the client of an endpoint."""
        if endpoint not in self._clients:
            self._clients[endpoint] = Client(endpoint)
        return self._clients[endpoint]

    async def aclose(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.aclose()
        await loop_client().aclose()


async def evaluate_here(run_id: int) -> bool:
    """Work through a run. False if a worker is at it, or at another one."""
    shell = Shell()
    try:
        return await Evaluator(shell).work(run_id)
    finally:
        await shell.aclose()
