"""Reads what a rollout's arms did from the calls' rows: by assigned arm, whoever answered in the end.

The rows of one step only, in one statement: what finished steps gave is kept with the decision that ended them.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

from django.db import connection

from conversations.gateway.guard_figures import ArmFigures, Stretch
from conversations.gateway.latency import BOUNDS_MS, BUCKETS
from conversations.gateway.models import Arm, Outcome, Purpose
from conversations.gateway.models.calls import SUCCESSES

BROKEN: Final = (Outcome.REPAIRED, Outcome.BLANK, Outcome.INVALID)

# A run's first call that we didn't give up speaks for its arm: if it was switched, the arm's own model couldn't be had.
SPAN: Final = """
WITH calls AS (
    SELECT * FROM conversations_llmcall
    WHERE started_at >= %(since)s AND started_at < %(until)s
      AND rollout_id = %(rollout)s AND purpose = %(purpose)s
), messages AS (
    SELECT run_id, arm,
        (array_agg(outcome ORDER BY number) FILTER (WHERE outcome <> %(cancelled)s))[1] AS outcome,
        (array_agg(is_switched ORDER BY number) FILTER (WHERE outcome <> %(cancelled)s))[1] AS is_switched,
        (array_agg(first_token_ms ORDER BY number) FILTER (WHERE outcome <> %(cancelled)s))[1] AS first_token_ms,
        bool_or(has_escalated) AS has_escalated,
        sum(cost) AS cost,
        bool_and(cost IS NOT NULL AND (is_metered OR outcome <> ALL(%(successes)s))) AS is_priced,
        max(currency) AS currency
    FROM calls GROUP BY run_id, arm
)
"""
SUMS: Final = """
SELECT arm,
    count(outcome) AS replies,
    count(*) FILTER (WHERE outcome <> ALL(%(successes)s) OR is_switched) AS failures,
    count(*) FILTER (WHERE outcome = ANY(%(broken)s) AND NOT is_switched) AS broken,
    count(*) FILTER (WHERE has_escalated AND outcome IS NOT NULL) AS escalated,
    count(*) FILTER (WHERE outcome IS NOT NULL AND first_token_ms IS NULL) AS silent,
    count(*) AS messages,
    count(*) FILTER (WHERE is_priced) AS priced,
    coalesce(sum(cost) FILTER (WHERE is_priced), 0)::float8 AS cost,
    coalesce(sum(cost * cost) FILTER (WHERE is_priced), 0)::float8 AS cost_squares,
    array_agg(DISTINCT currency) FILTER (WHERE is_priced) AS currencies
FROM messages GROUP BY arm
"""
HISTOGRAM: Final = """
SELECT arm, width_bucket(first_token_ms::float8, %(bounds)s::float8[]) AS bucket, count(*) AS number
FROM messages WHERE first_token_ms IS NOT NULL GROUP BY arm, bucket
"""


def read_stretch(rollout_id: int, *, since: datetime, until: datetime, purpose: str = Purpose.REPLY) -> Stretch:
    """Return both arms' figures of the calls sent in [since, until)."""
    details = {
        "rollout": rollout_id,
        "since": since,
        "until": until,
        "purpose": purpose,
        "cancelled": Outcome.CANCELLED.value,
        "successes": [outcome.value for outcome in SUCCESSES],
        "broken": [outcome.value for outcome in BROKEN],
        "bounds": list(BOUNDS_MS),
    }
    histograms = {arm.value: [0] * BUCKETS for arm in Arm}
    for row in _rows(SPAN + HISTOGRAM, details):
        histograms[row["arm"]][row["bucket"]] = row["number"]
    found = {row["arm"]: row for row in _rows(SPAN + SUMS, details)}
    arms = {arm: _figures(found.get(arm.value), histograms[arm.value]) for arm in Arm}
    return Stretch(canary=arms[Arm.CANARY], stable=arms[Arm.STABLE])


def _figures(row: dict[str, Any] | None, histogram: list[int]) -> ArmFigures:
    if row is None:
        return ArmFigures()
    sums = {name: value for name, value in row.items() if name not in ("arm", "currencies")}
    return ArmFigures(**sums, currencies=frozenset(row["currencies"] or ()), first_token=tuple(histogram))


def _rows(statement: str, details: dict[str, Any]) -> Iterator[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, details)
        names = [column.name for column in cursor.description or ()]
        for row in cursor.fetchall():
            yield dict(zip(names, row, strict=True))
