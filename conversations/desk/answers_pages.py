"""The pages beside the list of known answers: figures, "what would this question hit?", and the coverage map."""

from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.db.models import Count, Q, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversations.answers.board import SHELF, Scope, policy_row, touch
from conversations.answers.coverage import QUESTIONS_SHOWN, Cluster, clusters
from conversations.answers.keeping import NotKnowableError, approve
from conversations.answers.ladder import Decision, Opinion
from conversations.answers.limit import interval
from conversations.answers.models import (
    SERVED_STATES,
    AnswerPolicy,
    AnswerState,
    KnownAnswer,
    KnownDay,
    KnownLabel,
    KnownQuestion,
    QuestionVector,
)
from conversations.answers.trying import Tried, try_question
from conversations.desk.answers_words import STEPS, WHY, detail_words, unfit_words
from conversations.desk.numbers import milliseconds, money, percent
from conversations.models import Locale, Site
from conversations.playbook.audit import record
from conversations.playbook.models import Verb

DAYS: Final = 30
MAX_QUESTION_CHARS: Final = 2000


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
            (_("Space in the database"), filesizeformat(size_in_bytes())),
            (_("Served, 30 days"), f"{served:,} ({percent(served / replies if replies else None)})"),
            (_("of it similar questions"), f"{days['near'] + days['fixed']:,}"),
            (_("Checked"), f"{checked['total']:,}"),
            (_("Wrong of the checked"), f"{wrong} ({percent(seen.low)} – {percent(seen.high)})"),
            (_("Tolerated"), percent(policy.tolerated_share)),
            (_("Money saved"), money(days["money"], "")),
            (_("Waiting saved"), milliseconds(days["ms"])),
        ],
    }


def size_in_bytes() -> int:
    """Return how much room known answers take, with their indexes."""
    tables = [model._meta.db_table for model in (KnownAnswer, KnownQuestion, QuestionVector, KnownLabel)]
    with connection.cursor() as cursor:
        cursor.execute("SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) AS name", [tables])
        return int(cursor.fetchone()[0])


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
        is_serving=bool(SHELF.current().states),
    )


def step_lines(tried: Tried) -> list[dict[str, Any]]:
    """Return each step's verdict in words."""
    verdict = _("no: %(why)s") % {"why": unfit_words(tried.unfit)} if tried.unfit else _("yes")
    fit = {"title": STEPS["fit"], "verdict": verdict, "is_hit": not tried.unfit}
    if tried.unfit:
        return [fit]
    return [fit, student_line(tried.opinion), *(step_line(name, each) for name, each in tried.decisions.items())]


def student_line(opinion: Opinion | None) -> dict[str, Any]:
    """Return what the student says of the question."""
    if opinion is None:
        return {"title": STEPS["student"], "verdict": _("There is none yet: nothing similar is served."), "notes": []}
    notes = [_("something must be done")] if opinion.action_required else []
    notes += [_("a person is wanted")] if opinion.escalate else []
    notes += [_("unsure")] if opinion.is_unsure else []
    return {
        "title": STEPS["student"],
        "verdict": f"{opinion.intent} ({percent(opinion.probability)})",
        "notes": notes,
        "is_hit": not notes,
    }


def step_line(name: str, decision: Decision) -> dict[str, Any]:
    """Return one step's verdict in words."""
    entry = decision.entry
    return {
        "title": STEPS[name],
        "verdict": WHY.get(decision.why, decision.why.value),
        "detail": detail_words(decision.detail),
        "notes": [*guard_lines(decision), *feature_lines(decision)],
        "score": f"{decision.score:.3f}" if decision.score else "",
        "risk": percent(decision.risk) if decision.score else "",
        "is_hit": decision.is_hit,
        "url": reverse("admin:conversations_knownanswer_change", args=[entry.answer_id]) if entry else "",
    }


def guard_lines(decision: Decision) -> list[str]:
    """Return for each similar question that a guard kept away what it differs in."""
    texts = dict(KnownQuestion.objects.filter(pk__in=decision.guarded).values_list("pk", "text"))
    return [f"{texts[pk]} – {detail_words(guard)}" for pk, guard in decision.guarded.items() if pk in texts]


def feature_lines(decision: Decision) -> list[str]:
    """Return what speaks for a similar question."""
    if not decision.features:
        return []
    told = dict(zip(("student", "similarity", "lead", "votes"), map("{:.2f}".format, decision.features), strict=True))
    return [_("student %(student)s · similarity %(similarity)s · lead %(lead)s · votes %(votes)s") % told]


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
