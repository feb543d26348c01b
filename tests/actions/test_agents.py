import uuid

import orjson
import pytest
from django.contrib.auth.models import User

from conversations.actions.agents import add_agent_message, take_and_say
from conversations.actions.customers import ConflictError, add_customer_message
from conversations.actions.ownership import escalate, take, take_over
from conversations.events.frames import message_frame
from conversations.models import Conversation, Owner, Reason


@pytest.fixture
def nok(db: None) -> User:
    return User.objects.create_user("nok", first_name="นก")


@pytest.fixture
def lek(db: None) -> User:
    return User.objects.create_user("lek", first_name="เล็ก")


def test_the_same_id_again_is_the_same_message(conversation: Conversation, nok: User) -> None:
    take(conversation.pk, agent=nok)
    client_id = uuid.uuid4()
    said = [add_agent_message(conversation.pk, agent=nok, text="ครับ", client_id=client_id) for _ in range(3)]
    assert said[0] is not None
    assert said == [said[0]] * 3
    assert conversation.messages.filter(sender="agent").count() == 1


def test_a_message_counts_as_said_even_when_the_conversation_has_moved_on(
    conversation: Conversation, nok: User, lek: User
) -> None:
    client_id = uuid.uuid4()
    said = take_and_say(conversation.pk, agent=nok, text="ครับ", client_id=client_id)
    assert take_over(conversation.pk, agent=lek, holder_id=nok.pk)
    assert take_and_say(conversation.pk, agent=nok, text="ครับ", client_id=client_id) == said
    assert add_agent_message(conversation.pk, agent=nok, text="ครับ", client_id=uuid.uuid4()) is None


def test_an_id_of_one_side_never_stands_for_a_message_of_the_other(conversation: Conversation, nok: User) -> None:
    theirs, ours = uuid.uuid4(), uuid.uuid4()
    add_customer_message(conversation.pk, client_id=theirs, text="สวัสดี")
    take_and_say(conversation.pk, agent=nok, text="สวัสดี", client_id=ours)
    with pytest.raises(ConflictError):
        add_agent_message(conversation.pk, agent=nok, text="สวัสดี", client_id=theirs)
    with pytest.raises(ConflictError):
        add_customer_message(conversation.pk, client_id=ours, text="สวัสดี")


def test_customers_are_shown_their_own_ids_alone(conversation: Conversation, nok: User) -> None:
    client_id = uuid.uuid4()
    add_customer_message(conversation.pk, client_id=client_id, text="สวัสดี")
    take_and_say(conversation.pk, agent=nok, text="สวัสดี", client_id=uuid.uuid4())
    frames = [orjson.loads(message_frame(message)) for message in conversation.messages.order_by("seq")]
    assert [frame.get("client_id") for frame in frames] == [str(client_id), None, None]


def test_taking_over_moves_everything_to_the_new_agent(conversation: Conversation, nok: User, lek: User) -> None:
    escalate(conversation.pk, reason=Reason.CUSTOMER)
    take(conversation.pk, agent=nok)
    before = Conversation.objects.get(pk=conversation.pk)
    taken_at = before.escalations.get().taken_at
    assert take_over(conversation.pk, agent=lek, holder_id=nok.pk)
    now = Conversation.objects.get(pk=conversation.pk)
    assert (now.owner, now.agent, now.owner_epoch) == (Owner.AGENT, lek, before.owner_epoch + 1)
    escalation = now.escalations.get()
    assert (escalation.taken_by, escalation.taken_at, escalation.closed_at) == (lek, taken_at, None)
    assert [message.code for message in now.messages.order_by("seq")][1:] == ["agent_joined"] * 2
    assert "เล็ก" in now.messages.get(seq=now.head_seq).text


def test_taking_over_again_changes_nothing(conversation: Conversation, nok: User, lek: User) -> None:
    take(conversation.pk, agent=nok)
    assert take_over(conversation.pk, agent=lek, holder_id=nok.pk)
    head = Conversation.objects.heads([conversation.pk])
    assert take_over(conversation.pk, agent=lek, holder_id=nok.pk)
    assert not take_over(conversation.pk, agent=nok, holder_id=nok.pk)
    assert Conversation.objects.heads([conversation.pk]) == head


@pytest.mark.parametrize("owner", [Owner.BOT, Owner.WAITING])
def test_what_no_colleague_holds_cannot_be_taken_over(
    conversation: Conversation, nok: User, lek: User, owner: Owner
) -> None:
    if owner == Owner.WAITING:
        escalate(conversation.pk, reason=Reason.CUSTOMER)
    assert not take_over(conversation.pk, agent=lek, holder_id=nok.pk)
    assert Conversation.objects.get(pk=conversation.pk).owner == owner
