"""Telling a customer honestly that the answer takes longer, at most once per wait."""

from django.db import transaction

from conversations.actions.append import append_system_message, message_item
from conversations.actions.sentences import Sentence, say
from conversations.events.publisher import announce
from conversations.models import Conversation, Message, RunState

WAIT_FIELDS = ("head_seq", "last_message_at")


@transaction.atomic
def ask_to_wait(conversation_id: int, *, seq: int) -> Message | None:
    """Say "please wait" about customer message `seq`. None if it is answered, being answered, or was said already."""
    locked = Conversation.objects.locked(conversation_id)
    is_pending = locked.is_unanswered and locked.answered_seq < seq
    if not is_pending or locked.runs.filter(state=RunState.OPEN).exists() or _was_said(locked):
        return None
    text = say(Sentence.PLEASE_WAIT, locale=locked.locale)
    message = append_system_message(locked, sentence=Sentence.PLEASE_WAIT, text=text)
    locked.save(update_fields=WAIT_FIELDS)
    announce(message_item(message))
    return message


def _was_said(locked: Conversation) -> bool:
    return locked.messages.filter(seq__gt=locked.answered_seq, code=Sentence.PLEASE_WAIT.value).exists()
