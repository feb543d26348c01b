"""What a student learns from: questions with the decision that the model or a person gave, read from the database.

Only questions that mean something by themselves; never one that a known answer served, whose label would be the
student's own, or one that it sent to an economical model, which is no teacher; never an evaluation case. A person's
decision stands above the model's. Every row is masked, and read anew for each training: what was erased is gone.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from typing import Any, Final

import orjson
from django.db import connection

from conversations.answers.normal import question_key
from conversations.answers.selfcontained import Unfit, unfit
from conversations.answers.student.rows import MAX_ROWS, Labelled
from conversations.playbook.models import Correction, EvaluationCase, Example, Intent
from conversations.text.masking import mask

DEPENDS: Final = frozenset({Unfit.TOO_SHORT, Unfit.HIDDEN_SIGNS, Unfit.FOLLOW_UP, Unfit.POINTS_ELSEWHERE})
"""What rests on what was said before has no intent of its own."""
MAX_OF_CUSTOMER: Final = 20
"""Nobody may teach it alone."""
MAX_OF_QUESTION: Final = 5
PERSON_COUNTS: Final = 3.0
HELD_PERCENT: Final = 20
CUSTOMER: Final = "customer "
HASH_BITS: Final = 32

# The newest first. A run's question is what the customer said since the last answer.
TURNS: Final = """
    SELECT m.id, c.customer_id, cu.name, m.intent, coalesce(m.action_required, false), coalesce(m.escalate, false),
           (SELECT string_agg(q.text, E'\\n' ORDER BY q.seq) FROM conversations_message q
            WHERE q.conversation_id = r.conversation_id AND q.sender = 'customer' AND q.seq <= r.covers_seq
              AND q.seq > coalesce((SELECT max(b.covers_seq) FROM conversations_run b
                                    WHERE b.conversation_id = r.conversation_id AND b.covers_seq < r.covers_seq
                                      AND b.state = 'closed'), 0))
    FROM conversations_message m
    JOIN conversations_run r ON r.id = m.run_id
    JOIN conversations_conversation c ON c.id = m.conversation_id
    JOIN conversations_customer cu ON cu.id = c.customer_id
    WHERE m.sender = 'bot' AND m.intent <> '' AND NOT m.is_stopped AND m.id > %s
      AND r.outcome IN ('answered', 'escalated') AND NOT coalesce(r.trace -> 'known' ? 'served', false) {teachers}
    ORDER BY m.id {order} LIMIT %s
"""
# A label of a small model that the student itself chose says less than the student's own.
ONLY_TEACHERS: Final = """
    AND NOT (r.trace ? 'is_simple' AND EXISTS (
        SELECT FROM conversations_languagemodel l JOIN conversations_provider p ON p.id = l.provider_id
        WHERE l.name = r.model AND p.name = r.provider AND l.tier = 'economy'))
"""


@dataclass(frozen=True, slots=True)
class Page:
    """Models' labels of what customers said, and the last message that was looked at (0: there was none)."""

    rows: tuple[Labelled, ...]
    last_message_id: int


@dataclass(frozen=True)
class Material:
    """What there is to learn from and to be examined on, where it comes from, and its hash."""

    learnt: tuple[Labelled, ...]
    held: tuple[Labelled, ...]
    sources: dict[str, int]
    data_hash: str


def gather() -> Material:
    """Return all rows that may be learnt from, a fifth of the customers held back.

    Which customers those are never changes, so a student of today can be compared with one of last month on rows that
    neither learnt from.
    """
    known = set(Intent.objects.on().values_list("key", flat=True))
    corrections = list(correction_rows())
    people = [*corrections, *example_rows()]
    forbidden = evaluation_keys()
    decided = {question_key(row.text) for row in people} | forbidden
    turns = newest_turns(limit=MAX_ROWS).rows
    usable = [row for row in turns if row.intent in known and question_key(row.text) not in decided]
    rows = few_of_each(usable)
    rows.reverse()
    decisions = [row for row in people if row.intent in known and question_key(row.text) not in forbidden]
    everything = [*rows, *decisions]
    held = [row for row in everything if is_held(row.group)]
    learnt = [row for row in everything if not is_held(row.group)]
    sources = {"model": len(rows), "people": len(decisions)}
    return Material(tuple(learnt), tuple(held), sources, hash_of(everything))


def newest_turns(*, limit: int) -> Page:
    """Return the newest labels that models gave to questions that mean something by themselves, the newest first.

    Without those of economical models to which the student sent the question.
    """
    return page_of(TURNS.format(order="DESC", teachers=ONLY_TEACHERS), after=0, limit=limit)


def turns_after(message_id: int, *, limit: int) -> Page:
    """Return the labels given after a message, in order, whatever model gave them."""
    return page_of(TURNS.format(order="ASC", teachers=""), after=message_id, limit=limit)


def page_of(statement: str, *, after: int, limit: int) -> Page:
    """Return a page of labels; `statement` is one of ours."""
    with connection.cursor() as cursor:
        cursor.execute(statement, [after, limit])
        found: list[tuple[Any, ...]] = cursor.fetchall()
    rows = [row for each in found if (row := row_of(each))]
    return Page(tuple(rows), last_message_id=found[-1][0] if found else 0)


def row_of(found: Sequence[Any]) -> Labelled | None:
    """Return a row of the database as one to learn from, masked; None for words that rest on what was said before."""
    _message_id, customer_id, name, intent, action_required, escalate, text = found
    if not text or unfit(text) in DEPENDS:
        return None
    masked = mask(text, with_orders=True, known=(name,) if name else ())
    return Labelled(masked, intent, action_required, escalate, group=f"{CUSTOMER}{customer_id}")


def example_rows() -> Iterator[Labelled]:
    """Return the playbook's examples that are in use."""
    for example in Example.objects.on():
        yield Labelled(
            example.customer_text,
            example.intent.key,
            example.action_required,
            example.escalate,
            group=f"example {example.pk}",
            count=PERSON_COUNTS,
        )


def correction_rows() -> Iterator[Labelled]:
    """Return what agents corrected and editors approved, but not of customers who were erased."""
    approved = Correction.objects.approved().filter(message__isnull=False)
    for correction in approved.select_related("message__conversation"):
        if correction.message is None or correction.dialogue or unfit(correction.question) in DEPENDS:
            continue
        yield Labelled(
            mask(correction.question, with_orders=True),
            correction.intent,
            correction.action_required,
            correction.escalate,
            group=f"{CUSTOMER}{correction.message.conversation.customer_id}",
            count=PERSON_COUNTS,
        )


def evaluation_keys() -> set[str]:
    """Return the keys of all questions that evaluations ask."""
    return {question_key(question) for question in EvaluationCase.objects.values_list("question", flat=True)}


def few_of_each(rows: Iterable[Labelled]) -> list[Labelled]:
    """Return the rows, at most so many of a customer and of the same question, each customer's question once."""
    customers: Counter[str] = Counter()
    questions: Counter[tuple[str, str]] = Counter()
    seen: set[tuple[str, str]] = set()
    kept: list[Labelled] = []
    for row in rows:
        key = question_key(row.text)
        is_new = (row.group, key) not in seen
        if not is_new or customers[row.group] >= MAX_OF_CUSTOMER or questions[key, row.intent] >= MAX_OF_QUESTION:
            continue
        seen.add((row.group, key))
        customers[row.group] += 1
        questions[key, row.intent] += 1
        kept.append(row)
    return kept


def is_held(group: str) -> bool:
    """Whether this customer's rows are held back, for ever. Examples are nobody's, and learnt from."""
    return group.startswith(CUSTOMER) and share_of(group) < HELD_PERCENT / 100


def share_of(group: str) -> float:
    """Return a number from 0 to 1 that belongs to a customer and never changes."""
    digest = hashlib.sha256(f"held {group}".encode()).digest()
    return int.from_bytes(digest[: HASH_BITS // 8]) / (1 << HASH_BITS)


def hash_of(rows: Sequence[Labelled]) -> str:
    """Return a hash of the rows that doesn't depend on their order."""
    lines = sorted(orjson.dumps(astuple(replace(row, group=""))) for row in rows)
    return hashlib.sha256(b"\n".join(lines)).hexdigest()
