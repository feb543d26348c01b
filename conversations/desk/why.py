"""The page "Why this answer": from a reply back to release, examples, calls, guards and the model's own words."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from typing_extensions import override

from conversations.actions.rights import may_read
from conversations.desk.look import ModelAdmin
from conversations.desk.why_examples import EDIT, SHOWN_FIRST, ExampleLine, example_lines, switch_view
from conversations.desk.why_facts import Why, why
from conversations.models import Run
from conversations.playbook.models import Release
from conversations.playbook.reading import playbook_of_release

LARGEST_ID: Final = 2**63 - 1


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
        """Serve the page itself, and the switch for examples; none of Django's own."""
        views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("<int:run_id>/why/", why_view, "run-why"),
            ("example/<int:example_id>/switch/", switch_view, "example-switch"),
        )
        return [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in views]


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
        "raw_trace": json.dumps(told.trace, ensure_ascii=False, indent=2),
        **examples_of(told),
    }
    return TemplateResponse(request, "admin/why.html", context)


def read_run(run_id: int) -> Run:
    """Return the run with its conversation. Raises Http404."""
    related = Run.objects.select_related("conversation__customer", "conversation__site")
    run = related.filter(pk=run_id).first() if run_id <= LARGEST_ID else None
    if run is None:
        raise Http404
    return run


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
