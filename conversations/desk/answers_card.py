"""What stands above a known answer's form: its state and why, the buttons, how it did, its ways to ask, its checks."""

from datetime import datetime
from typing import Any, Final

from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from conversations.actions.rights import may_read
from conversations.answers.board import policy_row
from conversations.answers.models import AnswerState, KnownAnswer, KnownLabel, KnownQuestion
from conversations.desk.answers_figures import currency_paid
from conversations.desk.answers_words import STATE_WORDS, why_words
from conversations.desk.numbers import NONE, money
from conversations.playbook.models import Release

WAYS_SHOWN: Final = 50
CHECKS_SHOWN: Final = 10
RETIRED_TOO: Final = (AnswerState.RETIRED, AnswerState.BANNED)


def answer_card(request: HttpRequest, answer: KnownAnswer, *, may_change: bool) -> dict[str, Any]:
    """Return what the page shows of an answer."""
    ways = answer.questions.order_by("pk")
    shown = list(ways[:WAYS_SHOWN])
    new = new_ways(answer, shown)
    return {
        "id": answer.pk,
        "state": answer.state,
        "title": answer.get_state_display(),
        "words": STATE_WORDS[answer.state],
        "why": why_words(answer.why),
        "moves": moves_of(answer, has_new_ways=bool(new)) if may_change else [],
        "last": shown[-1].pk if shown else 0,
        "facts": facts_of(answer),
        "ways": [way_line(way, is_new=way in new) for way in shown],
        "more_ways": max(0, ways.count() - WAYS_SHOWN),
        "may_change": may_change,
        "checks": [check_line(label, may_open=may_read(request.user)) for label in newest_checks(answer)],
    }


def new_ways(answer: KnownAnswer, shown: list[KnownQuestion]) -> list[KnownQuestion]:
    """Return the ways to ask for an approved answer that it isn't served to yet: nobody vouches for them."""
    if answer.state != AnswerState.APPROVED:
        return []
    enough = policy_row().confirm_customers
    return [way for way in shown if not way.is_by_staff and way.customers < enough]


def moves_of(answer: KnownAnswer, *, has_new_ways: bool) -> list[dict[str, Any]]:
    """Return the buttons that an answer has now."""
    moves = []
    if answer.state != AnswerState.APPROVED or has_new_ways:
        title = _("Approve new ways to ask") if has_new_ways else _("Approve")
        moves.append({"name": "approve", "title": title, "look": "desk-primary"})
    if answer.state not in RETIRED_TOO:
        moves.append({"name": "retire", "title": _("Retire"), "look": ""})
    if answer.state != AnswerState.BANNED:
        moves.append({"name": "ban", "title": _("Ban"), "look": "desk-danger"})
    return moves


def facts_of(answer: KnownAnswer) -> list[tuple[str, str]]:
    """Return where an answer holds and how it did."""
    release = Release.objects.slim().filter(content_hash__startswith=answer.playbook_version or NONE).first()
    segment = [(_("Segment"), answer.segment)] if answer.segment else []
    return [
        (_("Site"), str(answer.site)),
        (_("Language"), answer.get_locale_display()),
        *segment,
        (_("Intent"), answer.intent),
        (_("Release"), str(release) if release else NONE),
        (_("Hits"), f"{answer.hits:,}"),
        (_("Right / wrong"), f"{answer.right:,} / {answer.wrong:,}"),
        (_("Last used"), moment(answer.last_used_at)),
        (_("Money saved"), money(answer.money_saved, currency_paid())),
        (_("Approved"), approval(answer)),
        (_("Expires"), moment(answer.expires_at)),
    ]


def approval(answer: KnownAnswer) -> str:
    """Return who approved it and when."""
    if answer.approved_at is None:
        return NONE
    return " · ".join(filter(None, [str(answer.approved_by or ""), moment(answer.approved_at)]))


def moment(at: datetime | None) -> str:
    """Return a moment in the reader's language."""
    return date_format(timezone.localtime(at), "SHORT_DATETIME_FORMAT") if at else NONE


def way_line(way: KnownQuestion, *, is_new: bool) -> dict[str, Any]:
    """Return a way to ask, who brought it, and whether the answer isn't served to it yet."""
    brought = _("by staff") if way.is_by_staff else _("customers: %(count)s") % {"count": f"{way.customers:,}"}
    return {"id": way.pk, "text": way.text, "brought": brought, "is_new": is_new}


def newest_checks(answer: KnownAnswer) -> QuerySet[KnownLabel]:
    """Return what the model last said to its questions, what differed first."""
    return answer.labels.select_related("question").order_by("is_right", "-pk")[:CHECKS_SHOWN]


def check_line(label: KnownLabel, *, may_open: bool) -> dict[str, Any]:
    """Return one comparison, and where to read what the model said."""
    url = reverse("admin:run-why", args=[label.run_id]) if label.run_id and may_open else ""
    return {
        "at": moment(label.created_at),
        "question": label.question.text if label.question else "",
        "step": label.get_step_display(),
        "is_right": label.is_right,
        "judge": label.get_judge_display(),
        "url": url,
    }
