"""Whether anybody ever reads what belongs to another customer, site, language or segment.

    python -m bench.leaks [--sessions 10000] [--at-once 500] [--seconds 540]

Real sockets against the whole system: several sites in two languages, known answers everywhere (also for a segment
that nobody is of), a third of the customers logged in with the shop's signed identity, personal questions, follow-ups,
order numbers. As much is served as can be: answers confirmed by two customers, similar questions at any risk. The
model repeats what it was asked.
"""

import argparse
import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import aiohttp
import jwt
import psutil
from typing_extensions import override

from bench.client import SESSIONS_PATH, Address, VisitorError
from bench.cost_replay import Shopper
from bench.database import shops
from bench.figures import Report, at_most
from bench.leaks_mix import Session, is_own, sessions
from bench.load import CONNECT_SECONDS
from bench.processes import HOST, ModelServer, Running, csbot
from bench.run import run
from bench.websocket import WebSocketError
from conversations.llm.simulator.asked import Asked
from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.knowledge import Envelope
from conversations.llm.simulator.server import Setup, Simulator, start

if TYPE_CHECKING:
    from bench.leaks_shop import Shops

SITES: Final = 4
ANSWER_SECONDS: Final = 170.0
"""With hundreds at once each waits a while on a small machine; it isn't speed that is measured."""
IDENTITY_SECONDS: Final = 3600
SETTLE_SECONDS: Final = 10.0
LAST_SECONDS: Final = 60.0
PACE: Final = Pace(first_token_seconds=0.0, token_seconds=0.0)

Sites = dict[int, tuple[str, str]]
"""Of each site, its public key and the secret that signs its customers' identities."""


class Echo(Simulator):
    """A model that repeats the customer's words."""

    @override
    def answer_to(self, asked: Asked) -> Envelope:
        """Return them as the answer."""
        said = asked.prompt[-1].content
        return {**super().answer_to(asked), "escalate": False, "action_required": False, "response": f"= {said}"}


@asynccontextmanager
async def echo() -> AsyncGenerator[ModelServer]:
    """Run the model in this process."""
    runner, port = await start(Echo(Setup(pace=PACE)), host=HOST, port=0)
    try:
        yield ModelServer(port, psutil.Process())
    finally:
        await runner.cleanup()


@dataclass
class Seen:
    """What came of all sessions."""

    sessions: int = 0
    answers: int = 0
    unanswered: int = 0
    leaks: list[str] = field(default_factory=list)


class Crowd:
    """The customers."""

    def __init__(self, address: Address, sites: Sites, *, at_once: int, until: float) -> None:
        self.seen = Seen()
        self._address, self._sites, self._until = address, sites, until
        self._turnstile = asyncio.Semaphore(at_once)

    async def come(self, wanted: Sequence[Session]) -> None:
        """Let all come, so many at once, until the time is up; whoever is there then may end the conversation."""
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=20, force_close=True)) as http:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._until + LAST_SECONDS):
                    await asyncio.gather(*(self._one(http, session) for session in wanted))

    async def _one(self, http: aiohttp.ClientSession, session: Session) -> None:
        async with self._turnstile:
            if asyncio.get_running_loop().time() > self._until:
                return
            token = await open_session(http, self._address, session, self._sites[session.site])
            customer = Shopper(self._address, token=token, name=session.name, locale=session.locale)
            try:
                await asyncio.wait_for(customer.connect(), 2 * CONNECT_SECONDS)
                for line in session.lines:
                    await self._say(customer, session, line)
                self.seen.sessions += 1
            except (TimeoutError, OSError, WebSocketError):
                self.seen.unanswered += 1
            finally:
                customer.close()

    async def _say(self, customer: Shopper, session: Session, line: str) -> None:
        exchange = await asyncio.wait_for(customer.say(line), ANSWER_SECONDS)
        if exchange.sender != "bot":
            self.seen.unanswered += 1
            return
        self.seen.answers += 1
        if not is_own(exchange.text, line, session):
            self.seen.leaks.append(f"{session}: {line!r} was answered with {exchange.text!r}")


async def open_session(http: aiohttp.ClientSession, address: Address, session: Session, site: tuple[str, str]) -> str:
    """Return a customer's token, logged in where the session says so. Raises VisitorError."""
    key, secret = site
    body = {"site": key, "locale": session.locale}
    if session.is_logged_in:
        until = int(time.time()) + IDENTITY_SECONDS
        claims = {"sub": session.name, "name": session.name, "email": f"{session.name}@mail.example", "exp": until}
        body["identity"] = jwt.encode(claims, secret, algorithm="HS256")
    async with http.post(address.url + SESSIONS_PATH, json=body) as response:
        if response.status != 201:
            raise VisitorError(f"sessions answered {response.status}: {(await response.text())[:200]}")
        return str((await response.json())["token"])


async def measure(*, count: int, at_once: int, seconds: float) -> int:
    """Let them all come, and print what they read; the exit code is 0 where nobody read what isn't theirs."""
    async with echo() as model, csbot(model) as running:
        people = await asyncio.to_thread(shops, running.environment)
        sites = await asyncio.to_thread(people.open, SITES)
        await asyncio.sleep(SETTLE_SECONDS)
        began = time.monotonic()
        crowd = Crowd(running.address, sites, at_once=at_once, until=asyncio.get_running_loop().time() + seconds)
        await crowd.come(list(sessions(count, sites=list(sites))))
        took = time.monotonic() - began
        return await report(crowd.seen, people, running, took=took)


async def report(seen: Seen, people: "Shops", running: Running, *, took: float) -> int:
    """Print the figures."""
    await asyncio.sleep(SETTLE_SECONDS)
    served = await asyncio.to_thread(people.served)
    others, own = await asyncio.to_thread(people.others_served), await asyncio.to_thread(people.own_words_known)
    await asyncio.to_thread(people.close)
    print(f"{running.name}: {seen.sessions:,} sessions, {seen.answers:,} answers in {took:.0f} s; by step {served}")
    print("\n".join(seen.leaks[:10]))
    told = Report("What belongs to another customer, site, language or segment")
    told.add(at_most("answers read by somebody else", len(seen.leaks), limit=0, unit=""))
    told.add(at_most("runs that served another scope's answer, by the rows", others, limit=0, unit=""))
    told.add(at_most("answers made for one customer that others could get", own, limit=0, unit=""))
    told.add(at_most("questions without an answer by the bot", seen.unanswered, limit=0, unit=""))
    return told.close()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10_000)
    parser.add_argument("--at-once", type=int, default=500)
    parser.add_argument("--seconds", type=float, default=540.0, help="nobody new comes after that")
    given = parser.parse_args()
    run(measure(count=given.sessions, at_once=given.at_once, seconds=given.seconds))


if __name__ == "__main__":
    main()
