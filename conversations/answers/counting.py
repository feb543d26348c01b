"""Counts what known answers do: hits of each answer, and a row per site and day for the dashboard."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.db import connection

from conversations.answers.models import Step

HIT: Final = """
    UPDATE conversations_knownanswer SET hits = hits + 1, last_used_at = now(), money_saved = money_saved + %s
    WHERE id = %s
"""
DAY: Final = """
    INSERT INTO conversations_knownday AS d
        (day, site_id, asked, exact, near, fixed, checked, money_saved, milliseconds_saved)
    VALUES (current_date, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (day, site_id) DO UPDATE SET
        asked = d.asked + excluded.asked, exact = d.exact + excluded.exact, near = d.near + excluded.near,
        fixed = d.fixed + excluded.fixed, checked = d.checked + excluded.checked,
        money_saved = d.money_saved + excluded.money_saved,
        milliseconds_saved = d.milliseconds_saved + excluded.milliseconds_saved
"""
# The day is the run's own: what was left lying is counted late, but not as of today.
ASKED: Final = """
    INSERT INTO conversations_knownday AS d
        (day, site_id, asked, exact, near, fixed, checked, money_saved, milliseconds_saved)
    SELECT r.ended_at::date, c.site_id, count(*), 0, 0, 0, 0, 0, 0
    FROM conversations_run r JOIN conversations_conversation c ON c.id = r.conversation_id
    WHERE r.id > %s AND r.id <= %s AND r.outcome IN ('answered', 'escalated')
      AND NOT coalesce(r.trace -> 'known' ? 'served', false)
    GROUP BY 1, 2
    ON CONFLICT (day, site_id) DO UPDATE SET asked = d.asked + excluded.asked
"""


@dataclass(frozen=True, slots=True)
class Served:
    """A known answer that a customer got."""

    answer_id: int
    site_id: int
    step: Step
    money: Decimal = Decimal(0)
    milliseconds: int = 0


def count_served(served: Served) -> None:
    """Count a hit."""
    with connection.cursor() as cursor:
        cursor.execute(HIT, [served.money, served.answer_id])
    count_day(served.site_id, step=served.step, money=served.money, milliseconds=served.milliseconds)


def count_asked(*, after: int, until: int) -> None:
    """Count what the model answered, of the runs with these ids. Beside the replies: no reply waits for a day's row."""
    with connection.cursor() as cursor:
        cursor.execute(ASKED, [after, until])


def count_day(
    site_id: int,
    *,
    step: Step | None = None,
    checked: int = 0,
    money: Decimal = Decimal(0),
    milliseconds: int = 0,
) -> None:
    """Add to a site's day."""
    steps = [int(step == each) for each in (Step.EXACT, Step.NEAR, Step.FIXED)]
    with connection.cursor() as cursor:
        cursor.execute(DAY, [site_id, 0, *steps, checked, money, milliseconds])
