"""The pages beside the list of known answers: figures, "what would this question hit?", and the coverage map."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from conversations.answers.board import SHELF, Scope, policy_row, touch
from conversations.answers.coverage import QUESTIONS_SHOWN, Cluster, clusters
from conversations.answers.keeping import NotKnowableError, approve
from conversations.answers.ladder import Decision, Why
from conversations.answers.limit import interval
from conversations.answers.models import (
    SERVED_STATES,
    AnswerPolicy,
    AnswerState,
    KnownAnswer,
    KnownDay,
    KnownLabel,
    KnownQuestion,
)
from conversations.answers.trying import Tried, try_question
from conversations.desk.numbers import milliseconds, money, percent
from conversations.models import Locale, Site
from conversations.playbook.audit import record
from conversations.playbook.models import Verb

DAYS: Final = 30
MAX_QUESTION_CHARS: Final = 2000
WHY: Final[dict[str, Promise]] = {
    Why.SERVED: gettext_lazy("would be served"),
    Why.EXPLORED: gettext_lazy("would be served (and is checked now and then)"),
    Why.OFF: gettext_lazy("known answers are switched off"),
    Why.STOPPED: gettext_lazy("serving was stopped"),
    Why.NOTHING_KNOWN: gettext_lazy("nothing is known for this site and language"),
    Why.UNFIT: gettext_lazy("the question doesn't stand for itself"),
    Why.NO_ENTRY: gettext_lazy("nothing known"),
    Why.NOT_REUSABLE: gettext_lazy("answers of this intent may not be used again"),
    Why.IN_DOUBT: gettext_lazy("its own checks speak against it"),
    Why.NO_STUDENT: gettext_lazy("no student to agree with it"),
    Why.STUDENT_UNSURE: gettext_lazy("the student is unsure"),
    Why.STUDENT_DISAGREES: gettext_lazy("the student takes it for another intent"),
    Why.NEEDS_ACTION: gettext_lazy("something must be done, or a person is wanted"),
    Why.GUARDED: gettext_lazy("it differs in something that matters"),
    Why.ABOVE_LIMIT: gettext_lazy("not sure enough yet"),
    Why.ENCODER_AWAY: gettext_lazy("no vectors yet"),
}
STEPS: Final[dict[str, Promise]] = {
    "fit": gettext_lazy("Stands for itself"),
    "exact": gettext_lazy("The same question"),
    "near": gettext_lazy("A similar question"),
    "fixed": gettext_lazy("Fixed text of the intent"),
}


def may_see(request: HttpRequest) -> bool:
    """Whether this person may read known answers."""
    return bool(request.user.has_perm("conversations.view_knownanswer"))


def may_change(request: HttpRequest) -> bool:
    """Whether this person may change known answers."""
    return bool(request.user.has_perm("conversations.change_knownanswer"))


def figures_now() -> dict[str, Any]:
    """Return what known answers did in the last thirty days."""
    policy = policy_row()
    since = timezone.now() - timedelta(days=DAYS)
    days = KnownDay.objects.filter(day__gte=since.date()).aggregate(
        exact=Sum("exact", default=0),
        near=Sum("near", default=0),
        fixed=Sum("fixed", default=0),
        asked=Sum("asked", default=0),
        money=Sum("money_saved", default=Decimal(0)),
        ms=Sum("milliseconds_saved", default=0),
    )
    checked = KnownLabel.objects.filter(was_served=True, created_at__gt=since).aggregate(
        wrong=Count("pk", filter=Q(is_right=False)), total=Count("pk")
    )
    seen = interval(checked["wrong"], checked["total"])
    served = days["exact"] + days["near"] + days["fixed"]
    replies = served + days["asked"]
    entries = KnownAnswer.objects.aggregate(
        served=Count("pk", filter=Q(state__in=SERVED_STATES)),
        waiting=Count("pk", filter=Q(state__in=[AnswerState.SHADOW, AnswerState.CONFIRMED, AnswerState.STALE])),
    )
    wrong = percent(seen.share) if checked["total"] else "–"
    return {
        "is_stopped": policy.stopped_at is not None,
        "stopped_at": policy.stopped_at,
        "mode": policy.get_mode_display(),
        "lines": [
            (_("Answers served"), f"{entries['served']:,}"),
            (_("Waiting for a look"), f"{entries['waiting']:,}"),
            (_("Questions"), f"{KnownQuestion.objects.count():,}"),
            (_("Served, 30 days"), f"{served:,} ({percent(served / replies if replies else None)})"),
            (_("of it similar questions"), f"{days['near'] + days['fixed']:,}"),
            (_("Checked"), f"{checked['total']:,}"),
            (_("Wrong of the checked"), f"{wrong} ({percent(seen.low)} – {percent(seen.high)})"),
            (_("Tolerated"), percent(policy.tolerated_share)),
            (_("Money saved"), money(days["money"], "")),
            (_("Waiting saved"), milliseconds(days["ms"])),
        ],
    }


def page(request: HttpRequest, template: str, title: str, **context: object) -> HttpResponse:
    """Return a page in the admin's frame."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def try_view(request: HttpRequest) -> HttpResponse:
    """Show what each step of the ladder would say to a question. Nothing is stored or counted."""
    if not may_see(request):
        raise PermissionDenied
    question = request.GET.get("question", "").replace("\x00", "").strip()[:MAX_QUESTION_CHARS]
    sites = list(Site.objects.order_by("pk"))
    site = next((each for each in sites if str(each.pk) == request.GET.get("site")), sites[0] if sites else None)
    locale = request.GET.get("locale") if request.GET.get("locale") in Locale.values else Locale.TH.value
    tried = try_question(question, Scope(site.pk, str(locale)), board=SHELF.current()) if question and site else None
    return page(
        request,
        "admin/answers/try.html",
        _("What would this question hit?"),
        question=question,
        sites=[(each.pk, str(each), each == site) for each in sites],
        locales=[(value, label, value == locale) for value, label in Locale.choices],
        steps=step_lines(tried) if tried else [],
        answer=tried.answer if tried else "",
    )


def step_lines(tried: Tried) -> list[dict[str, Any]]:
    """Return each step's verdict in words."""
    fit = {"title": STEPS["fit"], "verdict": _("no: %(why)s") % {"why": tried.unfit} if tried.unfit else _("yes")}
    return [fit, *(step_line(name, decision) for name, decision in tried.decisions.items())]


def step_line(name: str, decision: Decision) -> dict[str, Any]:
    """Return one step's verdict in words."""
    return {
        "title": STEPS[name],
        "verdict": WHY.get(decision.why, decision.why.value),
        "detail": str(decision.detail),
        "score": f"{decision.score:.3f}" if decision.score else "",
        "risk": percent(decision.risk) if decision.score else "",
        "features": ", ".join(f"{value:.2f}" for value in decision.features),
        "is_hit": decision.is_hit,
        "url": reverse("admin:conversations_knownanswer_change", args=[decision.entry.answer_id])
        if decision.entry
        else "",
    }


def coverage_view(request: HttpRequest) -> HttpResponse:
    """Show which questions the model keeps answering the same way; one click approves."""
    if not may_see(request):
        raise PermissionDenied
    if request.method == "POST":
        return approve_cluster(request)
    found = clusters()
    return page(
        request,
        "admin/answers/coverage.html",
        _("What the model keeps answering the same way"),
        clusters=[cluster_line(each) for each in found],
        may_change=may_change(request),
    )


def cluster_line(cluster: Cluster) -> dict[str, Any]:
    """Return a cluster as the page shows it."""
    return {
        "id": cluster.answer.pk,
        "questions": cluster.questions,
        "more": cluster.more,
        "answer": cluster.answer.text,
        "intent": cluster.answer.intent,
        "state": cluster.answer.get_state_display(),
        "asked": f"{cluster.asked:,}",
        "customers": f"{cluster.customers:,}",
        "money": money(cluster.money, ""),
        "verified": f"{cluster.answer.right} / {cluster.answer.wrong}",
        "url": reverse("admin:conversations_knownanswer_change", args=[cluster.answer.pk]),
    }


def approve_cluster(request: HttpRequest) -> HttpResponse:
    """Approve the answer that a button names."""
    if not may_change(request) or not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    wanted = request.POST.get("answer", "")
    answer = KnownAnswer.objects.filter(pk=wanted).first() if wanted.isdigit() else None
    if answer is not None:
        try:
            approve(answer, by=request.user, seen=QUESTIONS_SHOWN)
            messages.success(request, _("Approved. It is served from the next question on."))
        except NotKnowableError:
            messages.error(request, _("Answers of this intent may not be used again."))
    return HttpResponseRedirect(reverse("admin:answers-coverage"))


@require_POST
def resume_view(request: HttpRequest) -> HttpResponse:
    """Serve again after serving stopped by itself; what was counted before counts no more."""
    if not request.user.has_perm("conversations.change_answerpolicy") or not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    policy = policy_row()
    record(request.user, Verb.CHANGE, policy, changes={"stopped_at": (str(policy.stopped_at), "")})
    AnswerPolicy.objects.update(stopped_at=None, watched_since=timezone.now())
    touch()
    messages.success(request, _("Known answers are served again."))
    return HttpResponseRedirect(reverse("admin:conversations_knownanswer_changelist"))
