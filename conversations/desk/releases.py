"""Releases in the admin: what the draft would change, a release's own page, and the buttons that change what is live.

Doors only: each checks the right, calls one function of the playbook, and says what came of it.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from typing_extensions import override

from conversations.desk.audited import Kept, actor_of, reason_of
from conversations.desk.changes import change_groups, object_url
from conversations.desk.look import ModelAdmin, coloured
from conversations.playbook.drafts import read_draft
from conversations.playbook.evaluation.starting import start_check
from conversations.playbook.models import CheckState, EvaluationRun, Publication, Release
from conversations.playbook.models.evaluation import OPEN_STATES
from conversations.playbook.reading import EMPTY
from conversations.playbook.releases import (
    RefusedError,
    check_problem,
    diff,
    freeze,
    live_release,
    playbook_of,
    publish,
    roll_back,
    same_as,
)
from conversations.playbook.taking_back import take_back

SEE: Final = "conversations.view_release"
EDIT: Final = "conversations.change_example"
CHECK: Final = "conversations.add_evaluationrun"
PUBLISH: Final = "conversations.publish_release"
SHOWN_CHANGES: Final = 100
SHOWN_PUBLICATIONS: Final = 10
EVERYTHING: Final = "0"
LIVE: Final = "live"


@admin.register(Release)
class ReleaseAdmin(Kept, ModelAdmin):
    """The releases. None is ever changed or deleted."""

    list_display = ("name", "state", "comment", "author_name", "created_at")
    list_display_links = ("name",)
    search_fields = ("comment", "author_name")
    list_per_page = 50
    change_list_template = "admin/playbook/releases.html"

    @admin.display(description=gettext_lazy("release"), ordering="number")
    def name(self, release: Release) -> str:
        """Return the release's number in words."""
        return str(release)

    @coloured(
        description=gettext_lazy("state"),
        colours={LIVE: "info", CheckState.GREEN: "success", CheckState.RED: "danger", CheckState.UNCHECKED: "warning"},
        ordering="check_state",
    )
    def state(self, release: Release) -> tuple[str, str]:
        """Return whether it is live, else what its check found."""
        return (LIVE, _("live")) if release.is_live else (release.check_state, release.get_check_state_display())

    @override
    def get_queryset(self, request: HttpRequest) -> Any:
        """Leave the contents out."""
        return super().get_queryset(request).defer("content", "check_summary")

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the draft's page and the buttons' doors."""
        views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("draft/", draft_view, "playbook-draft"),
            ("draft/freeze/", freeze_view, "playbook-freeze"),
            ("<int:release_id>/check/", check_view, "playbook-check"),
            ("<int:release_id>/publish/", publish_view, "playbook-publish"),
            ("<int:release_id>/roll-back/", roll_back_view, "playbook-roll-back"),
            ("<int:release_id>/take-back/", take_back_view, "playbook-take-back"),
        )
        own = [path(route, self.admin_site.admin_view(view), name=name) for route, view, name in views]
        return [*own, *super().get_urls()]

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show a release: how it stands, who published it, what it changes."""
        if not request.user.has_perm(SEE):
            raise PermissionDenied
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if object_id is None or not object_id.isdigit():
            raise Http404
        release = get_object_or_404(Release, pk=object_id)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": str(release)}
        return TemplateResponse(request, "admin/playbook/release.html", context | release_page(request, release))


def release_page(request: HttpRequest, release: Release) -> dict[str, Any]:
    """Return what a release's page shows."""
    live = live_release()
    against = compared_with(request.GET.get("against", ""), release=release, live=live)
    old = playbook_of(against) if against else EMPTY
    changes = diff(old, playbook_of(release))
    return {
        "release": release,
        "live": live,
        "problem": "" if release.is_live else check_problem(release, live=live),
        **check_of(release),
        "was_live": release.publications.exists(),
        "publications": release.publications.select_related("previous")[:SHOWN_PUBLICATIONS],
        "against": against,
        "others": Release.objects.slim().exclude(pk=release.pk),
        "total": len(changes),
        "groups": change_groups(changes, limit=SHOWN_CHANGES),
        **rights(request),
    }


def compared_with(asked: str, *, release: Release, live: Release | None) -> Release | None:
    """Return the release to compare with: the one asked for, else the live one, or what was live before this one."""
    if asked == EVERYTHING:
        return None
    if asked.isdigit():
        return get_object_or_404(Release, number=int(asked))
    if live is not None and not release.is_live:
        return live
    return Release.objects.filter(number__lt=release.number).first()


def rights(request: HttpRequest) -> dict[str, bool]:
    """Return which buttons a person has."""
    user = request.user
    return {
        "may_edit": user.has_perm(EDIT),
        "may_check": user.has_perm(CHECK),
        "may_publish": user.has_perm(PUBLISH),
    }


def check_of(release: Release | None) -> dict[str, Any]:
    """Return the newest check of a release as a page shows it."""
    runs = EvaluationRun.objects.filter(release=release, is_check=True).order_by("-pk")
    run = runs.first() if release else None
    if run is None:
        return {"run": None}
    return {"run": run, "run_url": object_url("evaluationrun", run.pk), "is_checking": run.state in OPEN_STATES}


@require_GET
def draft_view(request: HttpRequest) -> HttpResponse:
    """Show what would change if the draft were published, and what to do next."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    live, draft = live_release(), read_draft()
    changes = diff(playbook_of(live) if live else EMPTY, draft)
    frozen = same_as(draft) if changes else None
    context = {
        **admin.site.each_context(request),
        "title": _("Draft: what would change"),
        "live": live,
        "release": frozen,
        "problem": check_problem(frozen, live=live) if frozen else "",
        **check_of(frozen),
        "publications": recent_publications(),
        "before": release_before(live),
        "total": len(changes),
        "groups": change_groups(changes, limit=SHOWN_CHANGES),
        **rights(request),
    }
    return TemplateResponse(request, "admin/playbook/draft.html", context)


def recent_publications() -> Sequence[Publication]:
    """Return what went live lately, the newest first."""
    found = Publication.objects.select_related("release", "previous").defer("release__content", "previous__content")
    return list(found[:SHOWN_PUBLICATIONS])


def release_before(live: Release | None) -> Release | None:
    """Return the release that was live before the live one; None where there was none."""
    last = Publication.objects.filter(release=live).first()
    return last.previous if last else None


Work = Callable[[HttpRequest, Release], str]
"""Does what a button says and returns the sentence that tells it."""


def door(work: Work, *, right: str) -> Callable[[HttpRequest, int], HttpResponse]:
    """Make a POST door of `work`: it needs a right; a refusal is told on the release's page."""

    @require_POST
    def view(request: HttpRequest, release_id: int) -> HttpResponse:
        if not request.user.has_perm(right):
            raise PermissionDenied
        release = get_object_or_404(Release, pk=release_id)
        try:
            messages.success(request, work(request, release))
        except RefusedError as error:
            messages.error(request, str(error))
        return HttpResponseRedirect(page_of(release))

    return view


def page_of(release: Release) -> str:
    """Return where a release is shown."""
    return reverse("admin:conversations_release_change", args=[release.pk])


def seen_live(request: HttpRequest) -> int | None:
    """Return the number of the release that was live when the person's page was made."""
    seen = request.POST.get("over", "")
    return int(seen) if seen.isascii() and seen.isdigit() else None


def _publish(request: HttpRequest, release: Release) -> str:
    publish(release, by=actor_of(request), reason=reason_of(request, "reason"), over=seen_live(request))
    return _("Release %(number)d is live. Customers get it from their next message on.") % {"number": release.number}


def _roll_back(request: HttpRequest, release: Release) -> str:
    roll_back(to=release, by=actor_of(request), reason=reason_of(request, "reason"), over=seen_live(request))
    return _("Rolled back: release %(number)d is live. The draft is as it was.") % {"number": release.number}


def _take_back(request: HttpRequest, release: Release) -> str:
    count = take_back(release, by=actor_of(request))
    return _("The draft says what release %(number)d says. Entries changed: %(count)d.") % {
        "number": release.number,
        "count": count,
    }


def _check(request: HttpRequest, release: Release) -> str:
    start_check(release, by=actor_of(request))
    return _("Release %(number)d is being checked.") % {"number": release.number}


check_view = door(_check, right=CHECK)
publish_view = door(_publish, right=PUBLISH)
roll_back_view = door(_roll_back, right=PUBLISH)
take_back_view = door(_take_back, right=EDIT)


@require_POST
def freeze_view(request: HttpRequest) -> HttpResponse:
    """Make a release of the draft and begin to check it: the worker asks it the cases, and says what it found."""
    if not request.user.has_perm(EDIT):
        raise PermissionDenied
    release = freeze(author=actor_of(request), comment=reason_of(request, "comment"))
    messages.success(request, _("This is release %(number)d now. Nothing is live yet.") % {"number": release.number})
    try:
        start_check(release, by=actor_of(request))
    except RefusedError as error:
        messages.warning(request, str(error))
    return HttpResponseRedirect(page_of(release))
