"""The other frames of a client: typing, read, stop, ask_human, rate, ping."""

import time
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from redis.client import PubSub

from conversations.actions.ownership import resolve, take
from conversations.events.lane import CONTROL_CHANNEL, LANE_CHANNEL, Kind, decode
from conversations.models import Conversation, Escalation, Reason
from conversations.redis import redis_client
from tests.web.server import Client, Frame, WebProcess
from tests.web.test_runs import begin


@pytest.fixture
def channel() -> Iterator[PubSub]:
    """A listener on the control channel and the lane."""
    with PubSub(redis_client().connection_pool, ignore_subscribe_messages=True) as subscription:
        subscription.subscribe(CONTROL_CHANNEL, LANE_CHANNEL)
        while subscription.get_message(timeout=0.2) is not None:
            pass
        yield subscription


def published(channel: PubSub, name: str, *, seconds: float = 2.0) -> list[bytes]:
    """Return what was published on one of the channels."""
    deadline, found = time.monotonic() + seconds, []
    while time.monotonic() < deadline:
        message = channel.get_message(timeout=0.1)
        if message is not None and message["channel"] == name.encode():
            found.append(message["data"])
        elif message is None and found:
            break
    return found


def test_typing_reaches_the_other_clients_and_not_its_sender(web: WebProcess, session: Frame, widget: Client) -> None:
    with web.widget(session["token"]) as other:
        widget.say(type="typing", on=True)
        assert other.receive() == {"type": "typing", "who": "customer", "ttl": 6}
        widget.say(type="typing", on=False)
        assert other.receive() == {"type": "typing", "who": "customer", "ttl": 0}
    assert widget.all_so_far() == []


def test_typing_goes_to_the_conversations_topic_where_the_desk_hears_it(
    widget: Client, talk: Conversation, channel: PubSub
) -> None:
    for _ in range(5):
        widget.say(type="typing", on=True)
    items = [item for batch in published(channel, LANE_CHANNEL) for item in decode(batch)]
    assert [(item.topic, item.kind) for item in items] == [(f"c{talk.pk}", Kind.LIVE)]


def test_read_is_noted_and_never_goes_back_or_beyond(widget: Client, talk: Conversation) -> None:
    for _ in range(3):
        widget.send("x")
        widget.next("message")
    for seq, noted in ((2, 2), (1, 2), (99, 2), (3, 3), (0, 3)):
        widget.say(type="read", seq=seq)
        assert widget.all_so_far() is not None
        talk.refresh_from_db()
        assert talk.read_seq == noted


def test_stop_reaches_the_worker_that_makes_the_reply(widget: Client, talk: Conversation, channel: PubSub) -> None:
    run = begin(talk)
    started = time.monotonic()
    widget.say(type="stop", run=str(run.pk))
    assert published(channel, CONTROL_CHANNEL)[-1] == f"stop {run.pk}".encode()
    assert time.monotonic() - started < 2
    widget.say(type="stop", run=run.pk)
    assert published(channel, CONTROL_CHANNEL) == [f"stop {run.pk}".encode()]


def test_nobody_stops_another_customers_reply(
    web: WebProcess, widget: Client, talk: Conversation, channel: PubSub
) -> None:
    run = begin(talk)
    with web.widget(web.session()["token"]) as stranger:
        stranger.say(type="stop", run=str(run.pk))
        assert stranger.all_so_far() == []
    assert b"stop" not in b"".join(published(channel, CONTROL_CHANNEL, seconds=0.5))


def test_asking_for_a_person_escalates_once(widget: Client, talk: Conversation) -> None:
    widget.say(type="ask_human", reason="อยากคุยกับคน")
    assert widget.next("owner")["state"] == "waiting"
    widget.say(type="ask_human")
    widget.all_so_far()
    escalation = Escalation.objects.get(conversation=talk)
    assert (escalation.reason, escalation.detail) == (Reason.CUSTOMER, "อยากคุยกับคน")


def test_a_rating_is_taken_once_the_matter_is_resolved(widget: Client, talk: Conversation) -> None:
    widget.say(type="rate", score=5)
    assert widget.receive()["code"] == "not_resolved"
    agent = get_user_model().objects.create_user("nok")
    assert take(talk.pk, agent=agent) and resolve(talk.pk, agent=agent)
    widget.next("owner")
    widget.say(type="rate", score=4, comment="ขอบคุณค่ะ")
    assert widget.next("rated", "error") == {"type": "rated", "score": 4}
    talk.refresh_from_db()
    assert (talk.rating, talk.rating_comment) == (4, "ขอบคุณค่ะ")


def test_wishes_for_an_erased_conversation_are_answered(widget: Client, talk: Conversation) -> None:
    talk.customer.delete()
    for frame in ({"type": "ask_human"}, {"type": "rate", "score": 1}):
        widget.say(**frame)
        assert widget.receive()["code"] == "closed"
    widget.say(type="read", seq=1)
    widget.say(type="stop", run="1")
    widget.send("hello", client_id=str(uuid.uuid4()))
    assert widget.receive()["code"] == "closed"
