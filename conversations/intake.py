"""A customer said or wants something: store it, then start the work. Called by the doors, outside of transactions."""

from uuid import UUID

from django.conf import settings

from conversations.actions.customers import Stored, add_customer_message
from conversations.actions.overload import ask_to_wait
from conversations.actions.ownership import escalate
from conversations.events.control import Order
from conversations.events.publisher import tell_workers
from conversations.models import Reason, Run
from conversations.queue import ask_for_reply


def receive_message(conversation_id: int, *, client_id: UUID, text: str) -> Stored:
    """Store a customer's message, once per `client_id`, and see to it that it is answered. Raises ConflictError."""
    stored = add_customer_message(conversation_id, client_id=client_id, text=text)
    if stored.open_run_id is not None:
        # The run takes it along if nothing of its reply was shown yet; else it is answered right after.
        tell_workers(Order.EXTEND, run_id=stored.open_run_id)
    elif stored.wants_reply:
        waited_seconds = ask_for_reply(conversation_id)
        if waited_seconds >= settings.CSBOT_BUSY_QUEUE_SECONDS:
            # Whoever comes last waits longest: told at once, not when the wait has become long.
            ask_to_wait(conversation_id, seq=stored.seq)
    return stored


def ask_human(conversation_id: int, *, reason: str) -> bool:
    """Bring in a person because the customer wants one. False if people already have the conversation."""
    return escalate(conversation_id, reason=Reason.CUSTOMER, detail=reason[:500]) is not None


def stop_reply(conversation_id: int, *, run_id: int) -> bool:
    """Stop writing a reply. False if the run isn't an open one of this conversation: an id is not a right."""
    if not Run.objects.open().filter(pk=run_id, conversation_id=conversation_id).exists():
        return False
    tell_workers(Order.STOP, run_id=run_id)
    return True
