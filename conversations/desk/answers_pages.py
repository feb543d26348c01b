"""The pages beside the list of known answers: the coverage map, and the doors of the buttons."""

from decimal import Decimal
from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from conversations.answers.board import policy_row, touch
from conversations.answers.coverage import QUESTIONS_SHOWN, Cluster, clusters
from conversations.answers.keeping import NotKnowableError, approve, put_away, take_out, vouch
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, KnownQuestion
from conversations.desk.answers_card import WAYS_SHOWN
from conversations.desk.answers_figures import currency_paid
from conversations.desk.answers_words import unfit_words, why_words
from conversations.desk.audited import reason_of
from conversations.desk.numbers import money
from conversations.playbook.audit import record
from conversations.playbook.models import Verb

LIST: Final = "admin:conversations_knownanswer_changelist"
MOVES: Final = {"retire": AnswerState.RETIRED, "ban": AnswerState.BANNED}


def may_see(request: HttpRequest) -> bool:
    """Whether this person may read known answers."""
    return bool(request.user.has_perm("conversations.view_knownanswer"))


def may_change(request: HttpRequest) -> bool:
    """Whether this person may change known answers."""
    return bool(request.user.has_perm("conversations.change_knownanswer"))


def person_who_may_change(request: HttpRequest) -> AbstractBaseUser:
    """Return who asks, if they may change known answers. Raises PermissionDenied."""
    if not may_change(request) or not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    return request.user


def page(request: HttpRequest, template: str, title: str, **context: object) -> HttpResponse:
    """Return a page in the admin's frame."""
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


def answer_url(answer_id: int) -> str:
    """Return where an answer is shown."""
    return reverse("admin:conversations_knownanswer_change", args=[answer_id])


def coverage_view(request: HttpRequest) -> HttpResponse:
    """Show which questions the model keeps answering the same way; one click approves, another bans."""
    if not may_see(request):
        raise PermissionDenied
    if request.method == "POST":
        return move_cluster(request)
    found = clusters()
    currency = currency_paid()
    return page(
        request,
        "admin/answers/coverage.html",
        _("What the model keeps answering the same way"),
        clusters=[cluster_line(each, currency=currency) for each in found],
        asked=f"{sum(each.asked for each in found):,}",
        money=money(sum((each.money for each in found), start=Decimal(0)), currency),
        may_change=may_change(request),
    )


def cluster_line(cluster: Cluster, *, currency: str) -> dict[str, Any]:
    """Return a cluster as the page shows it."""
    answer = cluster.answer
    return {
        "id": answer.pk,
        "questions": cluster.questions,
        "more": cluster.more,
        "last": cluster.last_id,
        "answer": answer.text,
        "intent": answer.intent,
        "site": str(answer.site),
        "language": answer.get_locale_display(),
        "state": answer.state,
        "title": answer.get_state_display(),
        "why": why_words(answer.why),
        "asked": f"{cluster.asked:,}",
        "customers": f"{cluster.customers:,}",
        "money": money(cluster.money, currency),
        "verified": f"{answer.right} / {answer.wrong}",
        "url": answer_url(answer.pk),
    }


def move_cluster(request: HttpRequest) -> HttpResponse:
    """Approve or ban the answer that a button names."""
    person = person_who_may_change(request)
    wanted = request.POST.get("answer", "")
    answer = KnownAnswer.objects.filter(pk=wanted).first() if wanted.isdigit() else None
    if answer is not None:
        move_answer(request, answer, request.POST.get("move", "approve"), by=person, seen=QUESTIONS_SHOWN)
    return HttpResponseRedirect(reverse("admin:answers-coverage"))


@require_POST
def move_view(request: HttpRequest, answer_id: int, move: str) -> HttpResponse:
    """Approve, retire or ban an answer from its own page."""
    person = person_who_may_change(request)
    answer = get_object_or_404(KnownAnswer, pk=answer_id)
    move_answer(request, answer, move, by=person, seen=WAYS_SHOWN)
    return HttpResponseRedirect(answer_url(answer.pk))


def move_answer(request: HttpRequest, answer: KnownAnswer, move: str, *, by: AbstractBaseUser, seen: int) -> None:
    """Do what a button says, and say so. Raises Http404 for a button that there isn't."""
    if move in MOVES:
        why = reason_of(request)
        put_away(answer, MOVES[move], by=by, why=why)
        messages.success(request, _("Done. It is not served any more."))
        return
    if move != "approve":
        raise Http404
    last = request.POST.get("last", "")
    try:
        if answer.state == AnswerState.APPROVED:
            vouch(answer, until=int(last) if last.isdigit() else 0, seen=seen, by=by)
        else:
            approve(answer, by=by, seen=seen)
        messages.success(request, _("Approved. It is served from the next question on."))
    except NotKnowableError as error:
        messages.error(request, unfit_words(str(error)))


@require_POST
def take_out_view(request: HttpRequest, question_id: int) -> HttpResponse:
    """Let a question lead to its answer no more."""
    person = person_who_may_change(request)
    question = get_object_or_404(KnownQuestion.objects.select_related("answer"), pk=question_id)
    take_out(question, by=person)
    messages.success(request, _("Taken out. The model answers this question from now on."))
    return HttpResponseRedirect(answer_url(question.answer_id))


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
    return HttpResponseRedirect(reverse(LIST))
