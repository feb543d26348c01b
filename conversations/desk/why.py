"""The page "Why this answer": from a reply back to release, examples, calls, guards and the model's own words."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from typing_extensions import override

from conversations.actions.rights import may_read, may_try
from conversations.desk.look import ModelAdmin
from conversations.desk.playground import add_address, playground_urls
from conversations.desk.prompt_page import SEE, prompt_urls
from conversations.desk.why_examples import EDIT, SHOWN_FIRST, ExampleLine, example_lines, switch_view
from conversations.desk.why_facts import Why, why
from conversations.desk.why_runs import read_run
from conversations.models import Run
from conversations.playbook.models import EvaluationCase, Release
from conversations.playbook.reading import playbook_of_release


@admin.register(Run)
class RunAdmin(ModelAdmin):
    """Runs have no list of their own: each is a page that its reply leads to."""

    @override
    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show runs in no menu."""
        return False

    @override
    def has_view_permission(self, request: HttpRequest, obj: Run | None = None) -> bool:
        """Those who may read conversations."""
        return may_read(request.user)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Serve the page itself, the switch for examples, playground and prompt; none of Django's own."""
        views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("<int:run_id>/why/", why_view, "run-why"),
            ("example/<int:example_id>/switch/", switch_view, "example-switch"),
        )
        own = [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in views]
        return [*own, *playground_urls(), *prompt_urls()]


def why_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Show why a reply is what it is."""
    if not may_read(request.user):
        raise PermissionDenied
    run = read_run(run_id)
    told = why(run)
    context = {
        **admin.site.each_context(request),
        "title": _("Why this answer"),
        "why": told,
        "may_edit": request.user.has_perm(EDIT),
        "ways": ways_on(request, told),
        "raw_trace": json.dumps(told.trace, ensure_ascii=False, indent=2),
        **examples_of(told),
    }
    return TemplateResponse(request, "admin/why.html", context)


def ways_on(request: HttpRequest, told: Why) -> list[tuple[str, str]]:
    """Return where a person may go on from a reply: address and words."""
    user, run = request.user, told.run
    ways = []
    if may_try(user):
        ways.append((f"{reverse('admin:playground')}?run={run.pk}", _("Ask again in the playground")))
    if user.has_perm(SEE) and run.attempts:
        ways.append((f"{reverse('admin:playbook-prompt')}?run={run.pk}", _("The exact prompt")))
    if user.has_perm("conversations.add_evaluationcase") and (address := add_address(EvaluationCase)):
        ways.append((f"{address}?{urlencode(case_of(told))}", _("Make this a case")))
    return ways


def case_of(told: Why) -> dict[str, str]:
    """Return what a case made of this question starts with."""
    intent = told.message.intent if told.message else ""
    return {"question": told.question, "locale": told.run.conversation.locale, "intent": intent}


def examples_of(told: Why) -> dict[str, Any]:
    """Return the examples that the reply was made with: the likest, and the others; none where no model was asked."""
    lines = [] if told.is_known_answer else lines_of(told)
    return {"examples": lines[:SHOWN_FIRST], "other_examples": lines[SHOWN_FIRST:]}


def lines_of(told: Why) -> list[ExampleLine]:
    """Return the examples of the reply's release, as the prompt had them."""
    release: Release | None = told.release
    if release is None or not told.run.attempts:
        return []
    chosen = told.trace.get("examples")
    return example_lines(
        playbook_of_release(release.pk), told.question, chosen=chosen if isinstance(chosen, list) else ()
    )
