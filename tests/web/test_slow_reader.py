"""A browser that doesn't read grows no memory, holds nobody up, and is brought up to date when it reads again."""

import uuid

from conversations.actions.customers import add_customer_message
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.models import Conversation
from tests.web.server import Frame, WebProcess

BIG = 100_000


def test_a_slow_reader_is_bounded_and_catches_up(web: WebProcess, session: Frame, talk: Conversation) -> None:
    topic = conversation_topic(talk.pk)
    with web.socket(max_queue=1) as slow, web.widget(session["token"]) as quick:
        slow.say(type="hello", v=1, token=session["token"], after_seq=0)
        slow.welcome = slow.receive()
        before = web.memory_kib()
        # 60 MB of live frames; `quick` reads them all, `slow` none.
        for number in range(600):
            publish([Item(topic, Kind.LIVE, f'{{"type":"noise","n":{number},"pad":"{"x" * BIG}"}}')])
            if number % 60 == 0:
                add_customer_message(talk.pk, client_id=uuid.uuid4(), text=f"message {number}")
        assert [quick.next("message", seconds=30)["seq"] for _ in range(10)] == list(range(1, 11))
        assert web.memory_kib() - before < 12_000
        assert [slow.next("message", seconds=30)["seq"] for _ in range(10)] == list(range(1, 11))
        add_customer_message(talk.pk, client_id=uuid.uuid4(), text="live again")
        assert slow.next("message")["seq"] == 11
        noise = [frame for frame in slow.seen if frame["type"] == "noise"]
        assert len(noise) < 300
