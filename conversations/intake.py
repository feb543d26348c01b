"""A customer said or wants something: store it, then start the work. Called by the doors, outside of transactions."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.conf import settings

from conversations.actions.customers import Asked, Stored, add_customer_message, add_questions
from conversations.actions.overload import ask_to_wait
from conversations.actions.ownership import escalate
from conversations.events.control import Order
from conversations.events.publisher import tell_workers
from conversations.models import Reason, Run
from conversations.queue import ask_for_replies


@dataclass(frozen=True, slots=True)
class Received:
    """What became of messages that came together: each as stored, or None where it has to be received by itself.

    `doubtful`: where nobody may begin soon; whether somebody did is worth a look after CSBOT_BUSY_QUEUE_SECONDS
    (`ask_to_wait`). By conversation, the seq of the message.
    """

    stored: Sequence[Stored | None]
    doubtful: Mapping[int, int]


def receive_messages(asked: Sequence[Asked]) -> Received:
    """Store what many customers write and see to it that it is answered, in a few round trips for all."""
    stored = add_questions(asked)
    owed: dict[int, int] = {}
    for each, message in zip(asked, stored, strict=True):
        if message is not None and not _joins_run(message):
            owed[each.conversation_id] = message.seq
    return Received(stored, doubtful=_ask_for_replies(owed))


def receive_message(conversation_id: int, *, client_id: UUID, text: str) -> Stored:
    """Store a customer's message, once per `client_id`, and see to it that it is answered. Raises ConflictError."""
    stored = add_customer_message(conversation_id, client_id=client_id, text=text)
    if not _joins_run(stored) and stored.wants_reply:
        _ask_for_replies({conversation_id: stored.seq})
    return stored


def _joins_run(stored: Stored) -> bool:
    """Say whether a run is at the customer's earlier messages, after telling it of this one.

    It takes it along if nothing of its reply was shown yet; else it is answered right after.
    """
    if stored.open_run_id is None:
        return False
    tell_workers(Order.EXTEND, run_id=stored.open_run_id)
    return True


def _ask_for_replies(owed: Mapping[int, int]) -> Mapping[int, int]:
    """Queue the conversations; whoever comes last waits longest: told at once, not when the wait has become long."""
    queued = ask_for_replies(list(owed))
    if queued.waited_seconds < settings.CSBOT_BUSY_QUEUE_SECONDS:
        return owed if queued.ahead else {}
    ask_to_wait(owed)
    return {}


def ask_human(conversation_id: int, *, reason: str) -> bool:
    """Bring in a person because the customer wants one. False if people already have the conversation."""
    return escalate(conversation_id, reason=Reason.CUSTOMER, detail=reason[:500]) is not None


def stop_reply(conversation_id: int, *, run_id: int) -> bool:
    """Stop writing a reply. False if the run isn't an open one of this conversation: an id is not a right."""
    if not Run.objects.open().filter(pk=run_id, conversation_id=conversation_id).exists():
        return False
    tell_workers(Order.STOP, run_id=run_id)
    return True
