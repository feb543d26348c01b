"""Finding what is known, in the database: one indexed row for the same question, an index walk for similar ones."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from django.db import connection

from conversations.answers.board import Scope
from conversations.answers.bound import Curve
from conversations.answers.ladder import Entry, Neighbour
from conversations.answers.models import AnswerState, KnownAnswer

NEIGHBOURS: Final = 20
COLUMNS: Final = 'a.id, q.id, a.text, a.intent, a."right", a.wrong, a.curve, a.state'
EXACT: Final = f"""
    SELECT {COLUMNS}
    FROM conversations_knownquestion q JOIN conversations_knownanswer a ON a.id = q.answer_id
    WHERE q.site_id = %s AND q.locale = %s AND q.segment = %s AND q.key = %s
      AND a.state = ANY(%s) AND a.playbook_version = %s AND a.expires_at > now()
      AND (q.is_by_staff OR q.customers >= %s)
"""  # noqa: S608 - fixed words


def exact(scope: Scope, key: str, *, version: str, states: Sequence[str], customers: int) -> Entry | None:
    """Return what is known to this very question in this release, if staff or so many customers brought it.

    By hand: the ORM costs five times as much.
    """
    with connection.cursor() as cursor:
        cursor.execute(EXACT, [*scope, key, list(states), version, customers])
        row = cursor.fetchone()
    return entry_of(row) if row else None


def fixed(answer_id: int, *, version: str, states: Sequence[str]) -> Entry | None:
    """Return an intent's fixed text, if it holds in this release."""
    found = KnownAnswer.objects.of_release(version).filter(pk=answer_id, state__in=states).first()
    if found is None:
        return None
    curve = Curve(*found.curve) if found.curve else None
    return Entry(found.pk, None, found.text, found.intent, found.right, found.wrong, curve)


def entry_of(row: Sequence[Any]) -> Entry:
    """Return the entry that a row of `COLUMNS` holds."""
    answer_id, question_id, text, intent, right, wrong, curve, state = row[:8]
    values = as_floats(curve)
    return Entry(
        answer_id,
        question_id,
        text,
        intent,
        right,
        wrong,
        curve=Curve(*values) if values else None,
        is_approved=state == AnswerState.APPROVED,
    )


def neighbour_of(row: Sequence[Any]) -> Neighbour:
    """Return the neighbour that a row of `COLUMNS`, question and distance holds."""
    return Neighbour(entry_of(row), question=row[8], similarity=1.0 - float(row[9]))


def as_floats(value: object) -> list[float]:
    """Return a JSON column's list of numbers, however the driver hands it over."""
    if isinstance(value, str):
        value = orjson.loads(value)
    return [float(each) for each in value] if isinstance(value, list) else []
