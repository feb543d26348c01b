"""What the model's replies show: the questions that stand for themselves, each with the answer that it got.

Only a conversation's first question counts, with nothing before it but a greeting: then the answer follows from the
release and from the words of the question alone, and nobody can slip in what those words don't say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from django.db import connection, transaction

from conversations.answers.board import Scope, policy_row
from conversations.answers.counting import count_asked
from conversations.answers.models import AnswerPolicy
from conversations.answers.selfcontained import is_greeting, unfit
from conversations.models import Sender

BATCH: Final = 200
# A run that ends after a later one must not be passed over: nothing is looked at from the oldest open run on.
RUNS: Final = """
    SELECT r.id, r.covers_seq, r.trace, c.id, c.site_id, c.locale, c.customer_id,
           m.seq, m.text, m.intent, m.action_required, m.escalate
    FROM conversations_run r
    JOIN conversations_conversation c ON c.id = r.conversation_id
    JOIN conversations_message m ON m.run_id = r.id
    WHERE r.id > %s AND r.id <= %s AND r.outcome IN ('answered', 'escalated') AND m.seq <= %s
      AND NOT (r.trace -> 'known' ? 'served')
    ORDER BY r.id
"""
UNTIL: Final = """
    SELECT coalesce((SELECT min(id) - 1 FROM conversations_run WHERE state = 'open'),
                    (SELECT max(id) FROM conversations_run), 0)
"""
SPOKEN: Final = """
    SELECT conversation_id, seq, sender, text FROM conversations_message
    WHERE conversation_id = ANY(%s) AND seq <= %s ORDER BY conversation_id, seq
"""
FIRST_SEQS: Final = 6


@dataclass(frozen=True, slots=True)
class Observation:
    """A question that stands for itself, and what the model answered."""

    run_id: int
    scope: Scope
    customer_id: int
    question: str
    said: str
    intent: str
    has_flags: bool
    version: str
    known: Mapping[str, Any]


def claim_observations() -> list[Observation]:
    """Return what was observed since the last time; nothing where another process is at it. Each run comes once."""
    policy_row()
    with transaction.atomic():
        policy = AnswerPolicy.objects.select_for_update(skip_locked=True).first()
        if policy is None:
            return []
        until = min(_until(), policy.learnt_run_id + BATCH) if policy.learnt_run_id else _until()
        if until <= policy.learnt_run_id:
            return []
        after = max(policy.learnt_run_id, until - BATCH)
        rows = _rows(after, until)
        count_asked(after=after, until=until)
        AnswerPolicy.objects.update(learnt_run_id=until)
    spoken = _spoken([row[3] for row in rows])
    return [seen for row in rows if (seen := _observation(row, spoken.get(row[3], [])))]


def _until() -> int:
    with connection.cursor() as cursor:
        cursor.execute(UNTIL)
        return int(cursor.fetchone()[0])


def _rows(after: int, until: int) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(RUNS, [after, until, FIRST_SEQS])
        return list(cursor.fetchall())


def _spoken(conversation_ids: Sequence[int]) -> dict[int, list[tuple[int, str, str]]]:
    found: dict[int, list[tuple[int, str, str]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(SPOKEN, [list(conversation_ids), FIRST_SEQS])
        for conversation_id, seq, sender, text in cursor.fetchall():
            found.setdefault(conversation_id, []).append((seq, sender, text))
    return found


def _observation(row: Sequence[Any], spoken: Sequence[tuple[int, str, str]]) -> Observation | None:
    run_id, covers_seq, trace, _conversation, site_id, locale, customer_id, seq, said, intent, action, escalate = row
    told = as_dict(trace)
    question = first_question([each for each in spoken if each[0] < seq], covers_seq=covers_seq)
    if question is None or not intent:
        return None
    return Observation(
        run_id=run_id,
        scope=Scope(site_id, locale),
        customer_id=customer_id,
        question=question,
        said=said,
        intent=intent,
        has_flags=bool(action or escalate),
        version=str(told.get("playbook", "")),
        known=as_dict(told.get("known")),
    )


def first_question(before: Sequence[tuple[int, str, str]], *, covers_seq: int) -> str | None:
    """Return the one question that a reply answered, if nothing before it mattered and it stands for itself."""
    if any(sender == Sender.AGENT for _seq, sender, _text in before):
        return None
    texts = [text for seq, sender, text in before if sender == Sender.CUSTOMER and seq <= covers_seq]
    if not texts or not all(map(is_greeting, texts[:-1])) or unfit(texts[-1]) is not None:
        return None
    return texts[-1]


def as_dict(value: object) -> dict[str, Any]:
    """Return a JSON object, however the driver hands it over."""
    if isinstance(value, str):
        value = orjson.loads(value)
    return value if isinstance(value, dict) else {}
