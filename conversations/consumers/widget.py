"""The widget's socket (docs/protocol.md): lets a browser in, reads its frames, and ends; `feed` is the way back.

Holds no database connection and no Redis connection of its own, so that thousands can lie idle. No frame, however
odd, takes the consumer down.
"""

import asyncio
import logging
import secrets
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import orjson
from asgiref.typing import WebSocketSendEvent
from channels.exceptions import StopConsumer
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from django.db import Error as DatabaseError
from django.http.request import split_domain_port, validate_host

from conversations.actions.customers import change_locale
from conversations.actions.sessions import Greeted
from conversations.consumers.busy import busy
from conversations.consumers.client_frames import BadFrameError, ClientFrame, Hello, parse_frame
from conversations.consumers.feed import Feed
from conversations.consumers.greeting import loop_greeting
from conversations.consumers.outlet import Outlet, outlet_of
from conversations.consumers.reading import Standing
from conversations.consumers.sentences import Code
from conversations.consumers.wishes import Visitor, error_frame, fulfil
from conversations.database import persistently
from conversations.events.counts import FRAMES_IN
from conversations.events.frames import PROTOCOL_VERSION, to_json
from conversations.events.hub import process_hub
from conversations.events.lane import conversation_topic
from conversations.events.snapshots import read_snapshot
from conversations.gateway.endpoints import is_simulated, look_at_catalog
from conversations.limits import (
    SOCKET_FRAMES,
    SUBNET_FRAMES,
    Charge,
    client_address,
    local_buckets,
    loop_limiter,
    secret_key,
    subnet,
)
from conversations.models import Locale, Site
from conversations.redis import loop_client
from conversations.text.origins import is_listed_origin, is_own_origin

logger = logging.getLogger(__name__)

HELLO_SECONDS: Final = 10.0
LONGEST_PAUSE_SECONDS: Final = 2.0
BAD_FRAME_CREDITS: Final = 10
BAD_HELLO: Final = 4401
BAD_ORIGIN: Final = 4403
BAD_VERSION: Final = 4400
TRY_AGAIN_LATER: Final = 1013


def header(scope: Mapping[str, Any], name: bytes) -> str | None:
    """Return a header of the handshake as text."""
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), None)


@lru_cache(maxsize=1024)
def is_own_page(origin: str, host: str) -> bool:
    """Say whether a page is ours: of the address by which the browser reached us, if that is one of ours."""
    domain, _port = split_domain_port(host)
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS) and is_own_origin(origin, host=host)


def allowed_origins() -> list[str]:
    """Return the origins that any site allows."""
    return [origin for origins in Site.objects.values_list("allowed_origins", flat=True) for origin in origins]


class WidgetConsumer(AsyncWebsocketConsumer):
    """One browser's socket."""

    visitor: Visitor | None = None
    feed: Feed | None = None
    is_closed = False
    outlet: Outlet | None = None
    _hello_timer: asyncio.TimerHandle | None = None
    _farewell: asyncio.Task[None] | None = None

    # The socket's life. Channels' own loop and dispatch make a task and two thread hops per frame.

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's own types
        """Serve one socket until it ends."""
        self.scope, self.base_send = scope, send
        self.outlet = outlet_of(scope)
        try:
            while True:
                await self.dispatch(await receive())
        except StopConsumer:
            return

    async def dispatch(self, message: Any) -> None:  # noqa: ANN401 - as above
        """Deal with an ASGI message."""
        if message["type"] == "websocket.receive":
            await self._hear(message.get("text"))
        elif message["type"] == "websocket.connect":
            await self.connect()
        else:
            await self._leave()
            raise StopConsumer

    async def connect(self) -> None:
        """Accept the socket if the page may speak to us; the browser now has a while to say who it is."""
        if not await self._is_allowed_page():
            await self.close()
            return
        self.origin = secrets.token_hex(8)
        peer = self.scope.get("client")
        address = client_address(peer[0] if peer else None, forwarded_for=header(self.scope, b"x-forwarded-for") or "")
        self.charges = Charge(SOCKET_FRAMES, self.origin), Charge(SUBNET_FRAMES, subnet(address))
        await self.accept()
        self._hello_timer = asyncio.get_running_loop().call_later(HELLO_SECONDS, self._end_waiting)

    async def _leave(self) -> None:
        self.is_closed = True
        if self._hello_timer is not None:
            self._hello_timer.cancel()
        if self.feed is not None and self.visitor is not None:
            process_hub().unsubscribe(conversation_topic(self.visitor.conversation_id), self.feed.take)
            await self.feed.stop()

    async def send_frame(self, frame: str) -> None:
        """Send a frame, waiting for a slow socket; nothing once it is closed."""
        if self.is_closed:
            return
        if self.outlet is not None and self.outlet.can_take():
            self.outlet.take(frame)
        else:
            await self.base_send(WebSocketSendEvent(type="websocket.send", bytes=None, text=frame))

    async def refuse(self, code: Code, *, close_code: int) -> None:
        """Say why, and close."""
        if self.is_closed:
            return
        await self.send_frame(error_frame(code, locale=self.locale))
        self.is_closed = True
        await self.close(code=close_code)

    @property
    def locale(self) -> str:
        """The language to speak with whoever is there."""
        return self.visitor.locale if self.visitor else Locale.EN

    # Frames.

    async def _hear(self, text: str | None) -> None:
        with busy:
            try:
                await self._pace(*self.charges)
                await self._deal_with(text)
            except OSError:
                # The client went away meanwhile; a disconnect is on its way.
                self.is_closed = True
            except DatabaseError as error:
                logger.warning("a frame could not be dealt with (%s)", type(error).__name__)
                await self.refuse(Code.UNAVAILABLE, close_code=TRY_AGAIN_LATER)
            except Exception:
                logger.exception("a frame could not be dealt with")
                await self.refuse(Code.UNAVAILABLE, close_code=TRY_AGAIN_LATER)

    async def _deal_with(self, text: str | None) -> None:
        try:
            frame = parse_frame(text)
        except BadFrameError as bad:
            await self._answer_bad_frame(Code(bad.code))
            return
        FRAMES_IN.labels("ok").inc()
        if self.visitor is not None:
            answer = await fulfil(frame, visitor=self.visitor)
            if answer is not None:
                await self.send_frame(answer)
        else:
            await self._greet(frame)

    async def _pace(self, *charges: Charge) -> None:
        """Let a flood wait: while we don't read, the client's own connection holds it back."""
        wait = local_buckets().spend(*charges)
        if wait:
            FRAMES_IN.labels("paced").inc()
            await asyncio.sleep(min(wait, LONGEST_PAUSE_SECONDS))

    async def _answer_bad_frame(self, code: Code) -> None:
        """Answer a frame that can't be understood; it costs credit that messages need too."""
        FRAMES_IN.labels("bad").inc()
        if code is Code.UNSUPPORTED_VERSION and self.visitor is None:
            await self.refuse(code, close_code=BAD_VERSION)
            return
        socket_charge = Charge(SOCKET_FRAMES, self.origin, BAD_FRAME_CREDITS)
        await self._pace(socket_charge)
        wait = await loop_limiter().spend(*self.visitor.charges()) if self.visitor else 0.0
        if wait:
            code = Code.RATE_LIMITED
        await self.send_frame(error_frame(code, locale=self.locale, retry_after=wait))

    # Hello.

    async def _greet(self, frame: ClientFrame) -> None:
        if not isinstance(frame, Hello):
            await self._answer_bad_frame(Code.HELLO_FIRST)
            return
        session = await loop_greeting().whose(frame.token)
        await look_at_catalog()
        if session is None:
            await self.refuse(Code.NO_SESSION, close_code=BAD_HELLO)
        elif not self._is_allowed_on(session.allowed_origins):
            await self.refuse(Code.BAD_ORIGIN, close_code=BAD_ORIGIN)
        elif not self.is_closed:
            await self._welcome(session, hello=frame)

    async def _welcome(self, session: Greeted, *, hello: Hello) -> None:
        conversation_id = session.conversation_id
        locale = hello.locale or session.locale
        if locale != session.locale:
            await persistently(change_locale, conversation_id, locale=locale)
        visitor = Visitor(conversation_id, locale, secret_key(session.key), self.origin)
        feed = Feed(conversation_id, send=self.send_frame, origin=self.origin, outlet=self.outlet)
        # Subscribed before anything is read, so that nothing falls between what is read and what comes.
        process_hub().subscribe(conversation_topic(conversation_id), feed.take)
        self.visitor, self.feed = visitor, feed
        self._stop_waiting()
        standing = await loop_greeting().standing(conversation_id, after_seq=hello.after_seq)
        if standing is None:
            await self.refuse(Code.NO_SESSION, close_code=BAD_HELLO)
            return
        snapshot = await read_snapshot(loop_client(), standing.open_run.pk) if standing.open_run else ""
        await self.send_frame(welcome_frame(standing, locale=locale, snapshot=snapshot))
        await feed.begin(standing, after_seq=hello.after_seq, snapshot=snapshot)

    def _stop_waiting(self) -> None:
        if self._hello_timer is not None:
            self._hello_timer.cancel()
            self._hello_timer = None

    def _end_waiting(self) -> None:
        self._farewell = asyncio.create_task(self.refuse(Code.HELLO_TIMEOUT, close_code=BAD_HELLO))

    # Origins. Browsers send one with every socket; whoever sends none isn't a browser, and the token decides.

    async def _is_allowed_page(self) -> bool:
        origin = header(self.scope, b"origin")
        if origin is None or is_own_page(origin, header(self.scope, b"host") or ""):
            return True
        return is_listed_origin(origin, allowed=await persistently(allowed_origins))

    def _is_allowed_on(self, allowed_origins: list[str]) -> bool:
        origin = header(self.scope, b"origin")
        if origin is None or is_own_page(origin, header(self.scope, b"host") or ""):
            return True
        return is_listed_origin(origin, allowed=allowed_origins)


def welcome_frame(standing: Standing, *, locale: str, snapshot: str) -> str:
    """Return the `welcome` frame, with how the conversation stands and what is being written."""
    conversation, open_run = standing.conversation, standing.open_run
    owner = orjson.loads(standing.owner_frame)
    frame: dict[str, object] = {
        "type": "welcome",
        "v": PROTOCOL_VERSION,
        "conversation": str(conversation.public_id),
        "head_seq": conversation.head_seq,
        "read_seq": conversation.read_seq,
        "owner": owner["state"],
        "owner_epoch": owner["owner_epoch"],
        "locale": locale,
        "limits": {"max_chars": settings.CSBOT_MAX_MESSAGE_CHARS},
        "run": {"id": str(open_run.pk), "text": snapshot} if open_run else None,
    }
    frame |= {name: owner[name] for name in ("agent", "expect") if name in owner}
    if conversation.rating is not None:
        frame["rating"] = conversation.rating
    if is_simulated():
        frame["simulated"] = True
    return to_json(frame)
