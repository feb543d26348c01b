"""The bare relay: the widget protocol over aiohttp, straight to the model. No database, no queue, nothing kept.

It is the physical limit that csbot is compared with, and what the load generator tests itself on. Loopback only.
"""

import argparse
import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Final

import aiohttp
import orjson
import uvloop
from aiohttp import web

from bench.client import SESSIONS_PATH, SOCKET_PATH, Frame

MODEL_URL: Final = web.AppKey("model_url", str)
HTTP: Final = web.AppKey("http", aiohttp.ClientSession)
RUNS: Final = count(1)
DATA: Final = b"data: "
AT: Final = "2026-01-01T00:00:00.000+07:00"


@dataclass
class Chat:
    """One socket's conversation: its newest seq and the replies being made."""

    socket: web.WebSocketResponse
    head_seq: int = 0
    replies: set[asyncio.Task[None]] = field(default_factory=set)

    async def send(self, frame: Frame) -> None:
        """Send a frame."""
        await self.socket.send_str(orjson.dumps(frame).decode())

    async def send_message(self, *, sender: str, text: str, **more: str) -> int:
        """Send a message with the next seq, and return that."""
        self.head_seq += 1
        message = {"type": "message", "seq": self.head_seq, "id": str(self.head_seq), "sender": sender, "at": AT}
        await self.send({**message, "text": text, **more})
        return self.head_seq


async def start_session(_request: web.Request) -> web.Response:
    """Give a token that means nothing."""
    return web.json_response({"token": "relay", "conversation": "relay", "expires_at": AT}, status=201)


async def widget_socket(request: web.Request) -> web.WebSocketResponse:
    """Serve one visitor."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    chat = Chat(socket)
    async for packet in socket:
        frame: Frame = orjson.loads(packet.data)
        if frame["type"] == "hello":
            await chat.send({"type": "welcome", "v": 1, "conversation": "relay", "head_seq": 0, "owner": "bot"})
        elif frame["type"] == "send":
            await receive(request.app, chat, frame)
    for reply in chat.replies:
        reply.cancel()
    return socket


async def receive(app: web.Application, chat: Chat, frame: Frame) -> None:
    """Acknowledge a question and start its answer."""
    client_id, text = str(frame["client_id"]), str(frame["text"])
    seq = await chat.send_message(sender="customer", text=text, client_id=client_id)
    await chat.send({"type": "ack", "client_id": client_id, "seq": seq, "at": AT})
    task = asyncio.create_task(reply(app, chat, text))
    chat.replies.add(task)
    task.add_done_callback(chat.replies.discard)


async def reply(app: web.Application, chat: Chat, question: str) -> None:
    """Relay the model's answer, token by token."""
    run, shown = str(next(RUNS)), ""
    prompt = {"model": "any", "stream": True, "messages": [{"role": "user", "content": question}]}
    async with app[HTTP].post(app[MODEL_URL] + "/chat/completions", json=prompt) as answer:
        async for line in answer.content:
            if token := content_of(line):
                await chat.send({"type": "delta", "run": run, "offset": len(shown), "text": token})
                shown += token
    await chat.send_message(sender="bot", text=shown, run=run)


def content_of(line: bytes) -> str:
    """Return the content in a line of the model's stream."""
    if not line.startswith(DATA) or line.startswith(b"data: [DONE]"):
        return ""
    return str(orjson.loads(line[len(DATA) :])["choices"][0]["delta"].get("content", ""))


async def open_http(app: web.Application) -> None:
    """Open the way to the model."""
    app[HTTP] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))


async def close_http(app: web.Application) -> None:
    """Close it."""
    await app[HTTP].close()


def make_app(model_url: str) -> web.Application:
    """Return the application."""
    app = web.Application()
    app[MODEL_URL] = model_url
    app.on_startup.append(open_http)
    app.on_cleanup.append(close_http)
    app.router.add_post(SESSIONS_PATH, start_session)
    app.router.add_get(SOCKET_PATH, widget_socket)
    return app


def main() -> None:
    """Serve as the command line says; says `ready` once it listens."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--model-url", required=True)
    arguments = parser.parse_args()
    loop = uvloop.new_event_loop()
    app = make_app(arguments.model_url)
    web.run_app(
        app,
        host="127.0.0.1",
        port=arguments.port,
        loop=loop,
        access_log=None,
        print=lambda *_lines: print("ready", flush=True),
    )


if __name__ == "__main__":
    main()
