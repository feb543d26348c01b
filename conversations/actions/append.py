"""The one place that gives a message its `seq` and writes it. Needs the conversation's row lock."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.utils import timezone

from conversations.actions.people import display_name
from conversations.actions.sentences import Sentence
from conversations.events.frames import message_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.models import Conversation, Message, Sender

MESSAGE_FIELDS = ("head_seq", "last_message_at")


@dataclass(frozen=True)
class Verdict:
    """What the bot decided about the customer's messages, beside the text of its reply."""

    intent: str
    action_required: bool
    escalate: bool


def _append(conversation: Conversation, message: Message) -> Message:
    conversation.head_seq += 1
    conversation.last_message_at = message.created_at = timezone.now()
    message.conversation = conversation
    message.seq = conversation.head_seq
    message.save(force_insert=True)
    return message


def append_customer_message(locked: Conversation, *, text: str, client_id: UUID) -> Message:
    """Append what the customer wrote."""
    message = _append(locked, Message(sender=Sender.CUSTOMER, text=text, client_id=client_id))
    locked.customer_seq = message.seq
    return message


def append_bot_message(
    locked: Conversation, *, run_id: int, text: str, verdict: Verdict | None, is_stopped: bool
) -> Message:
    """Append a run's reply; without a verdict where the customer stopped it before there was one."""
    flags = {} if verdict is None else vars(verdict)
    return _append(locked, Message(sender=Sender.BOT, text=text, run_id=run_id, is_stopped=is_stopped, **flags))


def append_agent_message(locked: Conversation, *, agent: AbstractBaseUser, text: str, client_id: UUID) -> Message:
    """Append what a person of the shop wrote."""
    name = display_name(agent)
    message = Message(sender=Sender.AGENT, text=text, client_id=client_id, agent_id=agent.pk, agent_name=name)
    return _append(locked, message)


def append_system_message(locked: Conversation, *, sentence: Sentence, text: str) -> Message:
    """Append a sentence of csbot's own."""
    return _append(locked, Message(sender=Sender.SYSTEM, text=text, code=sentence.value))


def message_item(message: Message) -> Item:
    """Return the live item of a stored message."""
    return Item(conversation_topic(message.conversation_id), Kind.MESSAGE, message_frame(message), seq=message.seq)
