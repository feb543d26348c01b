"""The playground's page: what can be asked of whom, and the doors through which a real question is picked."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from conversations.actions.rights import may_read, may_try
from conversations.desk.playground_words import playground_words
from conversations.desk.why_examples import EDIT
from conversations.desk.why_runs import read_run
from conversations.events.frames import iso
from conversations.gateway.models import ProviderKind, Route
from conversations.models import Message, Run, Sender
from conversations.playbook.models import EvaluationCase, Example, Intent, Release
from conversations.replies.past import past_of

SOCKET_PATH: Final = "/ws/desk/playground/"
QUESTIONS: Final = 20
WORDS_CHARS: Final = 200
RELEASES: Final = 50
BEFORE_SHOWN: Final = 10


def playground_urls() -> list[URLPattern]:
    """Return the page and its doors."""
    views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
        ("playground/", playground_view, "playground"),
        ("playground/questions/", questions_view, "playground-questions"),
        ("playground/questions/<int:run_id>/", question_view, "playground-question"),
    )
    return [path(route, admin.site.admin_view(view), name=name) for route, view, name in views]


@require_GET
def playground_view(request: HttpRequest) -> HttpResponse:
    """Show the playground, with a question in it where the address names one (`run` or `q`)."""
    if not may_try(request.user):
        raise PermissionDenied
    context = {
        **admin.site.each_context(request),
        "title": _("Playground"),
        "may_read": may_read(request.user),
        "page": page_of(request),
    }
    return TemplateResponse(request, "admin/playground.html", context)


def page_of(request: HttpRequest) -> dict[str, Any]:
    """Return all that the page's script needs."""
    user = request.user
    return {
        "socket": SOCKET_PATH,
        "words": playground_words(),
        "language": "th" if (get_language() or "").startswith("th") else "en",
        "routes": routes(),
        "releases": releases(),
        "intents": dict(Intent.objects.values_list("key", "pk")),
        "may_edit": user.has_perm(EDIT),
        "urls": addresses(request),
        "first": first_question(request),
    }


def addresses(request: HttpRequest) -> dict[str, str]:
    """Return the doors that the script knocks at; 0 stands for an id. What a person may not do has none."""
    urls = {
        "questions": reverse("admin:playground-questions"),
        "question": reverse("admin:playground-question", args=[0]),
        "prompt": reverse("admin:playbook-prompt"),
    }
    if request.user.has_perm(EDIT):
        urls["switch"] = reverse("admin:example-switch", args=[0])
        urls["example"] = reverse("admin:conversations_example_change", args=[0])
    if request.user.has_perm("conversations.add_example"):
        urls["add_example"] = add_address(Example)
    if request.user.has_perm("conversations.add_evaluationcase"):
        urls["add_case"] = add_address(EvaluationCase)
    return {name: url for name, url in urls.items() if url}


def add_address(model: type[Example] | type[EvaluationCase]) -> str:
    """Return where an entry is added; "" where there is no page for it."""
    return reverse(f"admin:conversations_{model._meta.model_name}_add") if admin.site.is_registered(model) else ""


def routes() -> list[dict[str, Any]]:
    """Return the routes that can be chosen, those in use first; the stand-in only where it is all there is."""
    rows = Route.objects.select_related("account__provider", "model").order_by("group", "-weight", "pk")
    real = [row for row in rows if row.account.provider.kind != ProviderKind.SIMULATOR]
    listed = [{"id": row.pk, "name": str(row), "is_on": is_on(row)} for row in real or rows]
    return sorted(listed, key=lambda each: not each["is_on"])


def is_on(route: Route) -> bool:
    """Whether customers may be answered over a route."""
    return route.is_on and route.account.is_on and route.account.provider.is_on


def releases() -> list[dict[str, Any]]:
    """Return the newest releases, and the live one."""
    rows = Release.objects.slim().order_by("-is_live", "-number")[:RELEASES]
    return [{"number": row.number, "comment": row.comment, "is_live": row.is_live} for row in rows]


def first_question(request: HttpRequest) -> dict[str, Any]:
    """Return the question that the address names."""
    run = request.GET.get("run", "")
    if run.isascii() and run.isdigit() and may_read(request.user):
        return question_of(read_run(int(run)))
    return {"run": None, "text": request.GET.get("q", "").replace("\x00", ""), "locale": "", "before": []}


@require_GET
def questions_view(request: HttpRequest) -> JsonResponse:
    """Answer with what customers asked, the newest first; `q` are words in it, `before` a message to go on from."""
    if not (may_try(request.user) and may_read(request.user)):
        raise PermissionDenied
    words = request.GET.get("q", "").replace("\x00", "").strip()
    asked = Message.objects.filter(sender=Sender.CUSTOMER)
    asked = asked & Message.objects.containing(words) if words else asked
    before = request.GET.get("before", "")
    if before.isascii() and before.isdigit() and len(before) < 19:
        asked = asked.filter(pk__lt=int(before))
    found = list(asked.select_related("conversation").order_by("-pk")[: QUESTIONS + 1])
    rows = question_rows(found[:QUESTIONS])
    return JsonResponse({"questions": rows, "before": found[QUESTIONS - 1].pk if len(found) > QUESTIONS else None})


def question_rows(asked: Sequence[Message]) -> list[dict[str, Any]]:
    """Return the questions with the reply that answered each, if one did."""
    runs = runs_of(asked)
    return [
        {
            "id": str(message.pk),
            "text": message.text[:WORDS_CHARS],
            "at": iso(message.created_at),
            "locale": message.conversation.locale,
            **answered(runs.get((message.conversation_id, message.seq))),
        }
        for message in asked
    ]


def runs_of(asked: Iterable[Message]) -> dict[tuple[int, int], Run]:
    """Return the first run that covers each message, by conversation and seq."""
    wanted = {(message.conversation_id, message.seq) for message in asked}
    runs = list(Run.objects.filter(conversation_id__in={each for each, _seq in wanted}).order_by("covers_seq", "pk"))
    found = {}
    for conversation_id, seq in wanted:
        own = (run for run in runs if run.conversation_id == conversation_id and run.covers_seq >= seq)
        if (run := next(own, None)) is not None:
            found[conversation_id, seq] = run
    return found


def answered(run: Run | None) -> dict[str, Any]:
    """Return what became of a question."""
    return {"run": run.pk if run else None, "outcome": run.outcome if run else ""}


@require_GET
def question_view(request: HttpRequest, run_id: int) -> JsonResponse:
    """Answer with a question in full, and what was said before it."""
    if not (may_try(request.user) and may_read(request.user)):
        raise PermissionDenied
    return JsonResponse(question_of(read_run(run_id)))


def question_of(run: Run) -> dict[str, Any]:
    """Return the question that a reply answers, with the end of the conversation before it."""
    past = past_of(run)
    return {
        "run": run.pk,
        "text": past.text,
        "locale": run.conversation.locale,
        "before": [{"sender": each.sender, "text": each.text} for each in past.before[-BEFORE_SHOWN:]],
    }
