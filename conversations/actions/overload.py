"""Telling a customer honestly that the answer takes longer, at most once per wait."""

from django.utils import timezone

from conversations.actions import statements
from conversations.actions.append import message_item
from conversations.actions.sentences import Sentence, say
from conversations.database import row_of
from conversations.events.publisher import announce
from conversations.models import Locale, Message, Sender


def ask_to_wait(conversation_id: int, *, seq: int) -> Message | None:
    """Say "please wait" about customer message `seq`. None if it is answered, being answered, or was said already.

    In one round trip: it is said when there is too much to do already.
    """
    now, code = timezone.now(), Sentence.PLEASE_WAIT
    message = Message(sender=Sender.SYSTEM, code=code.value, created_at=now, conversation_id=conversation_id)
    thai, english = (say(code, locale=locale) for locale in (Locale.TH, Locale.EN))
    given = statements.WAIT_NOTICE.parameters(message)
    row = row_of(
        statements.ask_to_wait(), (now, conversation_id, seq, code.value, Locale.EN.value, english, thai, *given)
    )
    if row is None:
        return None
    message.pk, message.seq, message.text = row
    announce(message_item(message))
    return message
