"""What staff are told on every page: that the bot doesn't answer, and for operators what to look at and where."""

from collections.abc import Callable, Iterator
from typing import Final, TypedDict

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.actions.rights import may_read
from conversations.answers.models import AnswerPolicy
from conversations.desk.gateway import may_operate
from conversations.desk.numbers import budget_line
from conversations.gateway.alerts import BOARD, Alert, AlertKind


class Notice(TypedDict):
    """A sentence, plain text, where it leads ("" for nowhere), and whether customers feel it already."""

    text: str
    url: str
    is_grave: bool


FOR_EVERYBODY: Final = frozenset({AlertKind.NO_MODEL, AlertKind.KNOWN_ONLY, AlertKind.PEOPLE_ONLY})
GRAVE: Final = FOR_EVERYBODY | {AlertKind.BUDGET_OUT, AlertKind.ACCOUNT_EMPTY, AlertKind.KEY_REFUSED}


def notices_for(request: HttpRequest) -> list[Notice]:
    """Return what this person should know now."""
    known = known_answers_notice(request)
    if not (may_read(request.user) or may_operate(request)):
        return known
    return [*worded(BOARD.alerts(), is_operator=may_operate(request)), *known]


def known_answers_notice(request: HttpRequest) -> list[Notice]:
    """Return that known answers are served no more because too many were wrong, for who may look at them."""
    if not request.user.has_perm("conversations.view_knownanswer"):
        return []
    if not AnswerPolicy.objects.filter(stopped_at__isnull=False).exists():
        return []
    words = _("Known answers are not served any more: more of them were wrong than tolerated. Have a look.")
    return [Notice(text=words, url=reverse("admin:conversations_knownanswer_changelist"), is_grave=True)]


def worded(alerts: tuple[Alert, ...], *, is_operator: bool) -> Iterator[Notice]:
    """Yield alerts in words; who doesn't operate providers hears what concerns customers, and no names."""
    for alert in alerts:
        if is_operator or alert.kind in FOR_EVERYBODY:
            url = address_of(alert) if is_operator else ""
            yield Notice(text=WORDS[alert.kind](alert), url=url, is_grave=alert.kind in GRAVE)


def address_of(alert: Alert) -> str:
    """Return where an operator can do something about it."""
    if alert.level is not None:
        return reverse("admin:conversations_budget_change", args=[alert.level.id])
    if alert.kind in (AlertKind.KNOWN_ONLY, AlertKind.PEOPLE_ONLY):
        return reverse("admin:conversations_budget_changelist")
    if alert.account_id is not None:
        return reverse("admin:conversations_account_change", args=[alert.account_id])
    return reverse("admin:conversations_route_changelist")


def budget_words(alert: Alert) -> str:
    """Return how full a budget is, and what happens then."""
    if alert.level is None:
        return ""
    line = budget_line(alert.level)
    return _("Budget (%(whose)s): %(spent)s (%(percent)s). %(words)s") % {
        "whose": line.title,
        "spent": line.spent,
        "percent": line.percent,
        "words": line.words,
    }


def left_alone_words(alert: Alert) -> str:
    """Return why a model is left alone."""
    why = str(alert.outcome.label) if alert.outcome else "–"
    return _("%(what)s is left alone for the moment: %(why)s.") % {"what": alert.what, "why": why}


def asked_wrongly_words(alert: Alert) -> str:
    """Return how often a provider refused what csbot asked."""
    words = ngettext(
        "%(what)s refused %(count)d request as wrong within 15 minutes: check the model's name and extra fields.",
        "%(what)s refused %(count)d requests as wrong within 15 minutes: check the model's name and extra fields.",
        alert.count,
    )
    return words % {"what": alert.what, "count": alert.count}


WORDS: Final[dict[AlertKind, Callable[[Alert], str]]] = {
    AlertKind.NO_MODEL: lambda _alert: _("No model answers at the moment: questions come to people."),
    AlertKind.KNOWN_ONLY: lambda _alert: _("The bot's budget is used up: it gives known answers only, else people do."),
    AlertKind.PEOPLE_ONLY: lambda _alert: _("The bot's budget is used up: people answer."),
    AlertKind.BUDGET_OUT: budget_words,
    AlertKind.BUDGET_CLOSE: budget_words,
    AlertKind.ACCOUNT_EMPTY: lambda alert: _("The account at %(what)s is empty: top it up.") % {"what": alert.what},
    AlertKind.KEY_REFUSED: lambda alert: _("A key is refused: %(what)s. Replace it.") % {"what": alert.what},
    AlertKind.LEFT_ALONE: left_alone_words,
    AlertKind.ASKED_WRONGLY: asked_wrongly_words,
}
