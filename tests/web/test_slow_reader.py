"""A browser that doesn't read grows no memory, holds nobody up, and is brought up to date when it reads again."""

import uuid

from conversations.actions.customers import add_customer_message
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import publish
from conversations.models import Conversation
from tests.web.server import Frame, WebProcess

ROUNDS = 120
FRAMES = 20
PAD = "x" * 10_000


def noise(talk: Conversation) -> list[Item]:
    """Return 200 KB of live frames."""
    frame = f'{{"type":"mark","pad":"{PAD}"}}'
    return [Item(conversation_topic(talk.pk), Kind.LIVE, frame) for _ in range(FRAMES)]


def count(frames: list[Frame], field: str) -> int:
    """Return how many frames have a field: `pad` noise does, `seq` messages do."""
    return sum(field in frame for frame in frames)


def test_a_slow_reader_is_bounded_and_catches_up(web: WebProcess, session: Frame, talk: Conversation) -> None:
    with web.socket(max_queue=1) as slow, web.widget(session["token"]) as quick:
        slow.say(type="hello", v=1, token=session["token"], after_seq=0)
        slow.welcome = slow.receive()
        before = web.memory_kib()
        # 24 MB of live frames; `quick` reads them all, `slow` none.
        for number in range(ROUNDS):
            publish(noise(talk))
            if number % 12 == 0:
                add_customer_message(talk.pk, client_id=uuid.uuid4(), text=f"message {number}")
            quick.all_so_far()
        assert count(quick.seen, "pad") == ROUNDS * FRAMES and count(quick.seen, "seq") == 10
        assert web.memory_kib() - before < 8_000
        assert [slow.next("message", seconds=30)["seq"] for _ in range(10)] == list(range(1, 11))
        add_customer_message(talk.pk, client_id=uuid.uuid4(), text="live again")
        assert slow.next("message")["seq"] == 11
        assert count(slow.seen, "pad") < ROUNDS * FRAMES / 2
