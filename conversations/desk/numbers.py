"""Figures in words: shares, waits, money, budgets."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from django.utils.translation import gettext as _

from conversations.gateway.budgets import Level

NONE: Final = "–"
PER_CENT: Final = 100
MINUTE: Final = 60
HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class BudgetLine:
    """A budget as the page shows it."""

    title: str
    spent: str
    share: float
    percent: str
    state: str
    words: str


def budget_line(level: Level) -> BudgetLine:
    """Return a budget in words."""
    state, words = "good", ""
    if level.is_used_up:
        state, words = "out", _("Used up: %(what)s.") % {"what": level.step_down.label}
    elif level.is_close:
        state, words = "close", _("Nearly used up. At the cap: %(what)s.") % {"what": level.step_down.label}
    whose = level.provider or _("All providers")
    return BudgetLine(
        title=f"{whose}, {level.period.label}",
        spent=f"{money(level.spent, level.currency)} / {money(level.cap, level.currency)}",
        share=min(1.0, level.share),
        percent=percent(level.share),
        state=state,
        words=words,
    )


def percent(share: float | None) -> str:
    """Return a share (0-1) in per cent."""
    return NONE if share is None else f"{share * PER_CENT:.1f} %"


def milliseconds(wait: float | None) -> str:
    """Return a wait."""
    return NONE if wait is None else f"{wait:,.0f} ms"


def duration(wait: float) -> str:
    """Return a time in milliseconds in the unit that people would use: waits of many replies add up to hours."""
    seconds = wait / 1000
    if seconds < 1:
        return milliseconds(wait)
    for size, words in ((HOUR, _("%(count)s h")), (MINUTE, _("%(count)s min"))):
        if seconds >= size:
            return words % {"count": f"{seconds / size:,.1f}"}
    return _("%(count)s s") % {"count": f"{seconds:,.1f}"}


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount as people read it: cents, or four places where cents say nothing."""
    if amount is None:
        return NONE
    places = 2 if abs(amount) >= 1 or not amount else 4
    return f"{amount:,.{places}f} {currency}".strip()


def costs(amounts: dict[str, Decimal]) -> str:
    """Return amounts of several currencies."""
    return " + ".join(money(amount, currency) for currency, amount in sorted(amounts.items())) or NONE


def change(before: Decimal, after: Decimal) -> str:
    """Return by how much something changed."""
    return f"{(after - before) / before * PER_CENT:+.0f} %" if before else ""
