"""How conversations stand, read for many widgets at once, is what each would read by itself."""

import uuid

import pytest

from conversations.actions.customers import add_customer_message
from conversations.actions.ownership import escalate
from conversations.actions.runs import open_run
from conversations.actions.sessions import open_session, read_greeted
from conversations.consumers import reading
from conversations.consumers.reading import Client, Standing, read_standing, read_standings
from conversations.models import Conversation, Customer, Reason, Site, WidgetSession


def ask(talk: Conversation) -> None:
    add_customer_message(talk.pk, client_id=uuid.uuid4(), text="ส่งของกี่วันคะ")


@pytest.fixture
def talks(conversation: Conversation) -> list[Conversation]:
    """One with nothing in it, one with two messages, one that is being answered."""
    more = [
        Conversation.objects.create(site=conversation.site, customer=Customer.objects.create(site=conversation.site))
        for _ in range(2)
    ]
    for talk in more:
        ask(talk)
        ask(talk)
    open_run(more[1].pk, worker="w")
    return [conversation, *more]


def told(standing: Standing | None) -> object:
    """Return all that a client is told."""
    assert standing is not None
    talk, run = standing.conversation, standing.open_run
    whole = (talk.pk, talk.public_id, talk.head_seq, talk.read_seq, talk.owner_epoch, talk.rating)
    return *whole, standing.owner_frame, run and (run.pk, run.covers_seq), standing.messages, standing.is_complete


@pytest.mark.parametrize("after_seq", [0, 1, 2, 99])
def test_many_are_read_together_as_each_by_itself(talks: list[Conversation], after_seq: int) -> None:
    together = read_standings([Client(talk.pk, after_seq) for talk in talks])
    assert [told(standing) for standing in together] == [
        told(read_standing(talk.pk, after_seq=after_seq)) for talk in talks
    ]


def test_two_tabs_of_one_conversation_each_get_what_they_miss(talks: list[Conversation]) -> None:
    behind, ahead = read_standings([Client(talks[1].pk, 0), Client(talks[1].pk, 1)])
    assert behind is not None and [message.seq for message in behind.messages] == [1, 2]
    assert ahead is not None and [message.seq for message in ahead.messages] == [2]


def test_a_page_that_is_full_is_not_all(talks: list[Conversation], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PAGE", 1)
    (standing,) = read_standings([Client(talks[1].pk, 0)])
    assert standing is not None and not standing.is_complete
    assert [message.seq for message in standing.messages] == [1]


def test_where_a_person_is_concerned_the_long_way_is_gone(talks: list[Conversation]) -> None:
    escalate(talks[0].pk, reason=Reason.CUSTOMER)
    gone = talks[1].pk
    talks[1].customer.delete()
    found = read_standings([Client(talks[0].pk, 0), Client(gone, 0), Client(talks[2].pk, 0)])
    assert [standing is not None for standing in found] == [False, False, True]


def test_tokens_are_read_together_and_a_bad_one_harms_no_other(db: None, site: Site) -> None:
    good, expired = (open_session(site, locale="th") for _ in range(2))
    WidgetSession.objects.filter(key=expired.token.split(":")[0]).update(expires_at="2020-01-01T00:00:00Z")
    first, bad, late, again = read_greeted([good.token, "nonsense:x", expired.token, good.token])
    assert first is not None and first == again
    assert Conversation.objects.get(pk=first.conversation_id).public_id == good.conversation
    assert (bad, late) == (None, None)
    assert read_greeted(["nonsense"]) == [None]
