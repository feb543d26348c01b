"""The HTTP server: chat completions as DeepSeek serves them, the list of models, health, and the control desk."""

import asyncio
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace

import orjson
from aiohttp import web
from pydantic import ValidationError

from conversations.llm.simulator.answering import answer
from conversations.llm.simulator.asked import Asked, RefusedError, read_request
from conversations.llm.simulator.cache import PrefixCache
from conversations.llm.simulator.control import Control, Figures, Order
from conversations.llm.simulator.delivery import Call, Delivery, Pace, error, streamed, whole
from conversations.llm.simulator.draft import Draft, draft_of, limited
from conversations.llm.simulator.faults import FAULTS, Fault, find_faults, redelivered, rewritten
from conversations.llm.simulator.knowledge import RESPONSE, Envelope
from conversations.llm.simulator.luck import Dice, Luck
from conversations.llm.simulator.sending import LABEL, send

MODEL = "csbot-simulator"
MAX_BODY_BYTES = 8 * 1024 * 1024
SHUTDOWN_SECONDS = 1.0
MILLISECONDS = 1000.0


@dataclass(frozen=True, slots=True)
class Setup:
    """How a simulator is set up. `api_key` empty: any key will do. `places` 0: no limit on answers at once.

    `noise` 0: the same prompt always gets the same answer.
    """

    pace: Pace = field(default_factory=Pace)
    api_key: str = ""
    places: int = 0
    noise: float = 0.0


class Simulator:
    """One simulated provider."""

    def __init__(self, setup: Setup) -> None:
        self.setup = setup
        self.control = Control()
        self.figures = Figures()
        self._cache = PrefixCache()
        self._dice = Dice()
        self._gate = asyncio.Semaphore(setup.places) if setup.places else None

    def application(self) -> web.Application:
        """Return the server's application."""
        application = web.Application(client_max_size=MAX_BODY_BYTES)
        for prefix in ("/v1", ""):
            application.router.add_post(f"{prefix}/chat/completions", self.complete)
            application.router.add_get(f"{prefix}/models", self.list_models)
        application.router.add_get("/healthz", self.show_health)
        application.router.add_get("/control", self.show_control)
        application.router.add_post("/control", self.take_order)
        return application

    async def complete(self, request: web.Request) -> web.StreamResponse:
        """Answer a request for a chat completion."""
        body = await request.read()
        with self.counted():
            try:
                self.check_key(request)
                asked = read_request(body)
                faults = find_faults(asked.modes) or self.control.faults_for(is_stream=asked.stream)
            except RefusedError as refusal:
                return await send(request, error(refusal.status, refusal.message))
            self.figures.count(faults)
            return await send(request, self.delivery(asked, faults=faults), gate=self._gate)

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Count a request, and whether the client waited for its end."""
        self.figures.requests += 1
        self.figures.open += 1
        try:
            yield
        except (asyncio.CancelledError, ConnectionError):
            self.figures.disconnected += 1
            raise
        else:
            self.figures.served += 1
        finally:
            self.figures.open -= 1

    def check_key(self, request: web.Request) -> None:
        """Raise RefusedError for a wrong key, where the simulator has one."""
        if self.setup.api_key and request.headers.get("Authorization") != f"Bearer {self.setup.api_key}":
            raise RefusedError(401, "Authentication Fails, Your api key is invalid")

    def delivery(self, asked: Asked, *, faults: tuple[Fault, ...]) -> Delivery:
        """Return the answer, wrong in the ways asked for, and count its tokens."""
        draft = draft_of(self.answer_to(asked), is_thinking=asked.is_thinking)
        # A verdict on two answers has no response that could be wrong.
        draft = rewritten(draft, faults) if RESPONSE in draft.envelope else draft
        draft = limited(draft, max_tokens=asked.limit)
        prompt_tokens, cached_tokens = self._cache.look_up(asked.prompt, user=asked.user_id)
        self._cache.add_answer(asked.prompt, answer=draft.text, user=asked.user_id)
        call = Call(
            call_id=secrets.token_hex(16),
            created=int(time.time()),
            model=asked.model,
            prompt_tokens=prompt_tokens,
            cached_tokens=cached_tokens,
            has_usage_chunk=asked.has_usage_chunk,
        )
        self.count_tokens(call, draft=draft)
        make = streamed if asked.stream else whole
        return redelivered(make(draft, call=call, pace=self.pace), faults)

    def answer_to(self, asked: Asked) -> Envelope:
        """Return what is answered, out of the prompt alone."""
        return answer(asked.prompt, self.luck(asked))

    def luck(self, asked: Asked) -> Luck:
        """Return how the dice fall for this answer: the hotter, the wilder; steady at temperature 0."""
        noise = self.setup.noise if self.control.order.noise is None else self.control.order.noise
        return self._dice.luck(asked.prompt, spread=noise * asked.temperature)

    def count_tokens(self, call: Call, *, draft: Draft) -> None:
        """Add what an answer costs."""
        self.figures.prompt_tokens += call.prompt_tokens
        self.figures.cached_tokens += call.cached_tokens
        self.figures.completion_tokens += len(draft.pieces) + len(draft.thoughts)

    @property
    def pace(self) -> Pace:
        """The pace in force."""
        pace, order = self.setup.pace, self.control.order
        if order.first_token_ms is not None:
            pace = replace(pace, first_token_seconds=order.first_token_ms / MILLISECONDS)
        if order.token_ms is not None:
            pace = replace(pace, token_seconds=order.token_ms / MILLISECONDS)
        return pace

    async def list_models(self, _request: web.Request) -> web.Response:
        """List the one model."""
        model = {"id": MODEL, "object": "model", "owned_by": "csbot (development tool)"}
        return in_json({"object": "list", "data": [model]})

    async def show_health(self, _request: web.Request) -> web.Response:
        """Say that the process runs."""
        return in_json({"status": "ok"})

    async def show_control(self, _request: web.Request) -> web.Response:
        """Show the order in force, what has been served, and all modes."""
        return in_json(
            {
                "order": self.control.order.model_dump(),
                "left": self.control.left,
                "figures": asdict(self.figures),
                "modes": sorted(FAULTS),
            }
        )

    async def take_order(self, request: web.Request) -> web.StreamResponse:
        """Follow a new order."""
        try:
            self.check_key(request)
            self.control.follow(Order.model_validate_json(await request.read()))
            self._dice = Dice(self.control.order.seed)
        except RefusedError as refusal:
            return await send(request, error(refusal.status, refusal.message))
        except ValidationError as invalid:
            fields = ", ".join(str(part) for part in invalid.errors()[0]["loc"]) or "body"
            return await send(request, error(400, f"Not an order: {fields}"))
        return await self.show_control(request)


def in_json(value: object) -> web.Response:
    """Return a JSON response with the label."""
    return web.Response(body=orjson.dumps(value), content_type="application/json", headers=LABEL)


async def start(simulator: Simulator, *, host: str, port: int) -> tuple[web.AppRunner, int]:
    """Start serving; return the runner, whose `cleanup` stops it, and the port (another one where 0 was asked for).

    Without `handler_cancellation` an answer would go on being written after its client has left.
    """
    runner = web.AppRunner(
        simulator.application(), access_log=None, handler_cancellation=True, shutdown_timeout=SHUTDOWN_SECONDS
    )
    await runner.setup()
    await web.TCPSite(runner, host, port).start()
    return runner, int(runner.addresses[0][1])
