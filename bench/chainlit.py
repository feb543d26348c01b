"""Chainlit as a peer: installed into a throw-away environment outside the repository, driven over its own protocol.

Chainlit speaks socket.io; `ChainlitVisitor` speaks the little of it that a question and its answer need.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import orjson
import psutil

from bench.client import QUESTIONS, Address, Exchange, Faults
from bench.processes import HOST, Group, ModelServer, Running, StartError, free_port, run_quietly, start_process
from bench.websocket import WebSocket, open_socket

INSTALL_SECONDS: Final = 300.0
SOCKET_PATH: Final = "/ws/socket.io/?EIO=4&transport=websocket"
CONNECT, PING, PONG, EVENT = b"40", b"2", b"3", b"42"
APP: Final = """
import os
import chainlit as cl
from openai import AsyncOpenAI

model = AsyncOpenAI(base_url=os.environ["MODEL_URL"], api_key="x", max_retries=0)

@cl.on_message
async def answer(question: cl.Message) -> None:
    reply = cl.Message(content="")
    chunks = await model.chat.completions.create(
        model="any", stream=True, messages=[{"role": "user", "content": question.content}]
    )
    async for chunk in chunks:
        if chunk.choices and (token := chunk.choices[0].delta.content):
            await reply.stream_token(token)
    await reply.update()
"""


class ChainlitVisitor:
    """One browser with one chat. Does what `bench.client.Visitor` does, as far as Chainlit has it."""

    def __init__(self, address: Address, *, name: str) -> None:
        self.address = address
        self.name = name
        self.exchange: Exchange | None = None
        self.faults = Faults()
        self.asked = 0
        self._socket: WebSocket | None = None
        self._ready: asyncio.Future[None] | None = None
        self._done: asyncio.Future[Exchange] | None = None

    async def connect(self) -> None:
        """Open the chat."""
        self._ready = asyncio.get_running_loop().create_future()
        host, port = self.address.host, self.address.port
        self._socket = await open_socket(
            host=host, port=port, path=SOCKET_PATH, on_text=self._read, on_close=lambda _code: None
        )
        who = {"sessionId": str(uuid4()), "clientType": "webapp", "userEnv": "{}", "threadId": ""}
        self._socket.send_text(CONNECT + orjson.dumps(who))
        await self._ready
        self._emit("connection_successful")

    def ask(self) -> asyncio.Future[Exchange]:
        """Ask the next question; the future holds the exchange once it is answered."""
        self.asked += 1
        marker = f"bench-{self.name}-{self.asked}"
        self._done = asyncio.get_running_loop().create_future()
        self.exchange = Exchange(marker, client_id=str(uuid4()), sent_at=time.monotonic())
        question = f"{QUESTIONS[self.asked % len(QUESTIONS)]} {marker}"
        message = {
            "id": self.exchange.client_id,
            "threadId": "",
            "name": "user",
            "type": "user_message",
            "output": question,
            "createdAt": "2026-01-01T00:00:00.000Z",
        }
        self._emit("client_message", {"message": message, "fileReferences": []})
        return self._done

    def close(self) -> None:
        """Close the chat."""
        if self._socket:
            self._socket.close()

    def _emit(self, *event: object) -> None:
        if self._socket:
            self._socket.send_text(EVENT + orjson.dumps(event))

    def _read(self, packet: bytes) -> None:
        if packet.startswith(EVENT):
            self._read_event(*orjson.loads(packet[len(EVENT) :]))
        elif packet.startswith(CONNECT) and self._ready and not self._ready.done():
            self._ready.set_result(None)
        elif packet == PING and self._socket:
            self._socket.send_text(PONG)

    def _read_event(self, name: str, content: object = None) -> None:
        exchange = self.exchange
        if exchange is None or exchange.done_at:
            return
        if name in ("stream_start", "stream_token") and isinstance(content, dict):
            exchange.first_delta_at = exchange.first_delta_at or time.monotonic()
            exchange.deltas += 1
            exchange.shown += str(content["output" if name == "stream_start" else "token"])
        elif name == "update_message" and isinstance(content, dict) and content.get("type") == "assistant_message":
            exchange.text, exchange.sender = str(content["output"]), "bot"
        elif name == "task_end" and exchange.text:
            exchange.done_at = time.monotonic()
            if self._done and not self._done.done():
                self._done.set_result(exchange)


def start_chainlit_visitors(address: Address, *, number: int, prefix: str) -> list[ChainlitVisitor]:
    """Return so many new visitors, not yet connected."""
    return [ChainlitVisitor(address, name=f"{prefix}{index}") for index in range(number)]


def install(folder: Path) -> Path:
    """Return a Python that has Chainlit, installed where it isn't yet. Raises StartError where that can't be."""
    python = folder / "venv" / "bin" / "python"
    if (folder / "installed").exists():
        return python
    folder.mkdir(parents=True, exist_ok=True)
    commands = [
        ["uv", "venv", "--clear", "--python", "3.11", "venv"],
        ["uv", "pip", "install", "--python", str(python), "chainlit", "openai"],
    ]
    if not all(run_quietly(command, folder=folder, timeout_seconds=INSTALL_SECONDS) for command in commands):
        raise StartError("Chainlit could not be installed here")
    (folder / "installed").touch()
    return python


@asynccontextmanager
async def chainlit(model: ModelServer) -> AsyncGenerator[Running]:
    """Run Chainlit. Raises StartError where it can't be installed or doesn't start."""
    folder = Path(tempfile.gettempdir()) / "csbot-bench-chainlit"
    python = await asyncio.to_thread(install, folder)
    (folder / "app.py").write_text(APP)
    port = free_port()
    command = [str(python), "-m", "chainlit", "run", str(folder / "app.py"), "--headless"]
    environment = {"MODEL_URL": model.base_url, "CHAINLIT_APP_ROOT": str(folder)}
    process = await start_process(
        [*command, "--host", HOST, "--port", str(port)],
        ready=port,
        environment=environment,
        log=folder / "log",
        folder=folder,
    )
    try:
        yield Running("Chainlit", Address(HOST, port), Group([psutil.Process(process.pid)]))
    finally:
        await process.stop()
