"""The figures of any span of time: whole hours from the sums, the rest from the rows. Quick at any size."""

from datetime import datetime, timedelta
from typing import Final

from django.utils import timezone

from conversations.gateway.models import CallHour
from conversations.gateway.rollup import HOUR, count_calls, rolled_until, tally_of_hour
from conversations.gateway.tally import Tallies, Tally, by, merged

DAY: Final = timedelta(hours=24)


def tallies_between(since: datetime, until: datetime) -> Tallies:
    """Return the figures of all calls that were sent in [since, until), told apart in all ways."""
    first_hour = _next_hour(since)
    summed_until = min(_hour_of(until), rolled_until() or since)
    if summed_until <= first_hour:
        return count_calls(since, until)
    rows = CallHour.objects.filter(hour__gte=first_hour, hour__lt=summed_until)
    return merged(
        count_calls(since, first_hour) if since < first_hour else {},
        *(dict([tally_of_hour(row)]) for row in rows),
        count_calls(summed_until, until),
    )


def provider_summary(*, span: timedelta = DAY, now: datetime | None = None) -> dict[tuple[object, ...], Tally]:
    """Return the figures of the last hours by (provider id, arm, currency)."""
    until = now or timezone.now()
    return by(tallies_between(until - span, until), "provider_id", "arm", "currency")


def _hour_of(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _next_hour(moment: datetime) -> datetime:
    hour = _hour_of(moment)
    return hour if hour == moment else hour + HOUR
