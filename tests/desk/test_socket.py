"""The staff's socket, over a real connection to a real web process."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conversations.actions.ownership import escalate, take
from conversations.actions.runs import open_run
from conversations.events.frames import delta_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.events.snapshots import snapshot_key
from conversations.models import Conversation, Reason
from conversations.redis import redis_client
from tests.desk.conftest import client_of, make_agent, say
from tests.web.server import SOON, Frame, WebProcess

SIGNED_OUT = 4401


class Page:
    """One open admin page's end of the socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, **frame: object) -> None:
        """Send a frame."""
        self.connection.send(json.dumps(frame))

    def next(self, frame_type: str, *, seconds: float = SOON) -> Frame:
        """Return the next frame of this type; others go by. Raises TimeoutError."""
        deadline = time.monotonic() + seconds
        while True:
            frame: Frame = json.loads(self.connection.recv(max(0.01, deadline - time.monotonic())))
            if frame["type"] == frame_type:
                return frame

    def watch(self, conversation: Conversation) -> Frame:
        """Ask for a conversation's frames and return what the server knows of its reply in progress."""
        self.say(type="watch", conversation=conversation.pk)
        return self.next("watching")


@pytest.fixture
def open_page(desk: WebProcess) -> Iterator[Callable[..., Page]]:
    """Opens admin pages' sockets; they are closed at the end."""
    with ExitStack() as pages:

        def open_one(user: User | None, *, origin: str | None = None) -> Page:
            host = f"127.0.0.1:{desk.port}"
            cookie = client_of(user).cookies[settings.SESSION_COOKIE_NAME].value if user else "nothing"
            connection = connect(
                f"ws://{host}/ws/desk/",
                origin=Origin(origin or f"http://{host}"),
                additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"},
                compression=None,
            )
            return Page(pages.enter_context(connection))

        yield open_one


OpenPage = Callable[..., Page]
NewConversation = Callable[[str], Conversation]


def test_staff_are_welcome(open_page: OpenPage) -> None:
    assert open_page(make_agent("nok", name="นก")).next("welcome")


def test_strangers_and_staff_without_rights_are_put_out(open_page: OpenPage) -> None:
    for user in (None, User.objects.create_user("x"), User.objects.create_user("y", is_staff=True)):
        page = open_page(user)
        with suppress(ConnectionClosed):
            # Before they are put out, or never heard.
            page.connection.send("not a frame")
        with pytest.raises(ConnectionClosed) as closed:
            page.connection.recv(SOON)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == SIGNED_OUT


def test_pages_of_other_sites_cannot_use_an_agents_cookie(open_page: OpenPage) -> None:
    for origin in ("https://evil.example", "http://127.0.0.1:1", "null"):
        with pytest.raises(InvalidStatus):
            open_page(make_agent(f"nok-{uuid.uuid4()}", name="นก"), origin=origin)


def test_who_loses_the_right_is_put_out_at_the_next_heartbeat(open_page: OpenPage) -> None:
    nok = make_agent("nok", name="นก")
    page = open_page(nok)
    page.say(type="ping")
    page.next("pong")
    nok.is_active = False
    nok.save()
    page.say(type="ping")
    with pytest.raises(ConnectionClosed):
        page.next("pong")


def test_every_page_hears_that_the_queue_changed(open_page: OpenPage, new_conversation: NewConversation) -> None:
    pages = [open_page(make_agent("nok", name="นก")), open_page(make_agent("lek", name="เล็ก"))]
    for page in pages:
        page.next("welcome")
    conversation = new_conversation("มะลิ")
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    assert [page.next("queue")["conversation"] for page in pages] == [conversation.pk] * 2


def test_a_watching_page_gets_messages_and_the_reply_as_it_is_written(
    open_page: OpenPage, new_conversation: NewConversation
) -> None:
    page, conversation = open_page(make_agent("nok", name="นก")), new_conversation("มะลิ")
    assert page.watch(conversation)["run"] is None
    say(conversation, "สวัสดี")
    assert page.next("message")["text"] == "สวัสดี"
    opened = open_run(conversation.pk, worker="test")
    assert opened is not None
    run_id = opened.run.pk
    assert page.next("run")["id"] == str(run_id)
    topic = conversation_topic(conversation.pk)
    publish([Item(topic, Kind.DELTA, delta_frame(run_id, offset=0, text="สวัสดี"), run=run_id, end=6)])
    assert page.next("delta")["text"] == "สวัสดี"
    redis_client().set(snapshot_key(run_id), "สวัสดีค่ะ", ex=60)
    late = open_page(make_agent("lek", name="เล็ก"))
    assert late.watch(conversation)["run"] == {"id": str(run_id), "text": "สวัสดีค่ะ"}


def test_a_page_gets_only_the_conversation_it_watches(open_page: OpenPage, new_conversation: NewConversation) -> None:
    page = open_page(make_agent("nok", name="นก"))
    first, second = new_conversation("มะลิ"), new_conversation("สมชาย")
    page.watch(first)
    page.watch(second)
    say(first, "ไม่ควรเห็น")
    say(second, "ควรเห็น")
    assert page.next("message")["text"] == "ควรเห็น"


def test_two_agents_see_each_other_come_type_and_go(open_page: OpenPage, new_conversation: NewConversation) -> None:
    nok, lek = make_agent("nok", name="นก"), make_agent("lek", name="เล็ก")
    mine, conversation = open_page(nok), new_conversation("มะลิ")
    mine.watch(conversation)
    theirs = open_page(lek)
    theirs.watch(conversation)

    def seen(*, typing: list[str], names: list[str]) -> bool:
        people = mine.next("presence")["people"]
        is_as_wanted = [p["name"] for p in people] == names and [p["name"] for p in people if p["is_typing"]] == typing
        return is_as_wanted or seen(typing=typing, names=names)

    assert seen(typing=[], names=["นก", "เล็ก"])
    theirs.say(type="typing", on=True, public=False)
    assert seen(typing=["เล็ก"], names=["นก", "เล็ก"])
    theirs.connection.close()
    assert seen(typing=[], names=["นก"])


def test_the_customer_sees_only_the_owners_typing(desk: WebProcess, open_page: OpenPage, shop_site: object) -> None:
    session = desk.session(locale="th")
    conversation = Conversation.objects.get(public_id=session["conversation"])
    nok, lek = make_agent("nok", name="นก"), make_agent("lek", name="เล็ก")
    take(conversation.pk, agent=nok)
    with desk.widget(session["token"]) as widget:
        for user, is_public in ((lek, True), (nok, False), (nok, True)):
            page = open_page(user)
            page.watch(conversation)
            page.say(type="typing", on=True, public=is_public)
            page.next("presence")
            typing = [frame for frame in widget.all_until_pong() if frame["type"] == "typing"]
            if user == nok and is_public and not typing:
                typing = [widget.next("typing")]
            assert bool(typing) == (user == nok and is_public)


@pytest.mark.parametrize(
    "nonsense", ["", "{", "[]", '{"type": "no"}', '{"type": "watch", "conversation": "x"}', "x" * 9000]
)
def test_nonsense_costs_nothing_but_an_answer(open_page: OpenPage, nonsense: str) -> None:
    page = open_page(make_agent("nok", name="นก"))
    page.connection.send(nonsense)
    page.say(type="ping")
    assert page.next("pong")
