"""Finds conversations by what was said in them, among twenty million messages.

The index of character trigrams answers rare words at once, but reads every match, and PostgreSQL cannot tell how many
there will be: "สินค้า" would read millions. So a small sample of the newest messages says first whether the words are
common; then the newest messages are read back to front instead, which finds enough of them soon.
"""

from typing import Final

from django.db.models import Max, QuerySet, Subquery

from conversations.models import Conversation, Message
from conversations.models.message import GRAM_CHARS

FOUND_MESSAGES: Final = 2000
SAMPLE_MESSAGES: Final = 10_000
# Half a per cent of the sample. Of words rarer than that the index reads 100,000 of 20 million messages: half a second.
COMMON_IN_SAMPLE: Final = 50
# In as many messages words of that frequency are found FOUND_MESSAGES times.
COMMON_WINDOW: Final = 400_000


def found_in_transcripts(conversations: QuerySet[Conversation], *, words: str) -> QuerySet[Conversation]:
    """Return the conversations in which one of the newest messages that contain `words` was said.

    Fewer than three characters can't use the index; they find nothing rather than read everything.
    """
    if len(words) < GRAM_CHARS:
        return conversations.none()
    newest_id = Message.objects.aggregate(newest=Max("pk"))["newest"] or 0
    is_common = _sample(words, newest_id=newest_id) >= COMMON_IN_SAMPLE
    matches = (
        _newest(COMMON_WINDOW, words=words, newest_id=newest_id) if is_common else Message.objects.containing(words)
    )
    found = matches.order_by("-pk").values("conversation_id")[:FOUND_MESSAGES]
    return conversations.filter(pk__in=Subquery(found))


def _newest(count: int, *, words: str, newest_id: int) -> QuerySet[Message]:
    return Message.objects.filter(pk__gt=newest_id - count, text__icontains=words)


def _sample(words: str, *, newest_id: int) -> int:
    return _newest(SAMPLE_MESSAGES, words=words, newest_id=newest_id)[:COMMON_IN_SAMPLE].count()
