"""Whether a person of the shop is on duty, until when, or from when."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from conversations.actions.sentences import clock
from conversations.models import Site

DAYS_IN_WEEK = 7


@dataclass(frozen=True)
class Duty:
    """`changes_at` is when duty ends (on duty) or begins (off duty), in the shop's time; None: never."""

    is_on: bool
    now: datetime
    changes_at: datetime | None

    def clock(self, locale: str) -> str:
        """Return `changes_at` as people say it: the time, with the weekday where that isn't today."""
        if self.changes_at is None:
            return "-"
        is_today = self.changes_at.date() == self.now.date()
        weekday = None if is_today else self.changes_at.weekday()
        return clock(self.changes_at.strftime("%H:%M"), weekday=weekday, locale=locale)


def duty_at(site: Site, *, now: datetime) -> Duty:
    """Return the shop's duty at `now`, by the hours staff entered."""
    local = now.astimezone(ZoneInfo(site.timezone))
    for days_ahead in range(DAYS_IN_WEEK + 1):
        day = local.date() + timedelta(days=days_ahead)
        if day.weekday() not in site.duty_days:
            continue
        begins = datetime.combine(day, site.duty_from, tzinfo=local.tzinfo)
        ends = datetime.combine(day, site.duty_until, tzinfo=local.tzinfo)
        if begins <= local < ends:
            return Duty(is_on=True, now=local, changes_at=ends)
        if local < begins:
            return Duty(is_on=False, now=local, changes_at=begins)
    return Duty(is_on=False, now=local, changes_at=None)
