"""Telling customers honestly that the answer takes longer, at most once per wait."""

from collections.abc import Mapping

from django.utils import timezone

from conversations.actions import statements
from conversations.actions.append import message_item
from conversations.actions.sentences import Sentence, say
from conversations.database import rows_of
from conversations.events.publisher import announce
from conversations.models import Locale, Message, Sender


def ask_to_wait(seqs: Mapping[int, int]) -> list[Message]:
    """Say "please wait" in each conversation about the customer's message with that seq; return what was said.

    Nothing is said where it is answered, being answered, or was said already; nor where somebody else is changing the
    conversation at this very moment, who mostly opens its run. In one round trip for all: it is said when there is too
    much to do already.
    """
    if not seqs:
        return []
    now, code = timezone.now(), Sentence.PLEASE_WAIT
    thai, english = (say(code, locale=locale) for locale in (Locale.TH, Locale.EN))
    given = statements.WAIT_NOTICE.parameters(Message(sender=Sender.SYSTEM, code=code.value, created_at=now))
    rows = rows_of(
        statements.ask_to_wait(),
        (list(seqs), list(seqs.values()), code.value, now, Locale.EN.value, english, thai, *given),
    )
    said = []
    for pk, conversation_id, seq, text in rows:
        message = Message(pk=pk, conversation_id=conversation_id, seq=seq, sender=Sender.SYSTEM, text=text)
        message.code, message.created_at = code.value, now
        said.append(message)
    if said:
        announce(*map(message_item, said))
    return said
