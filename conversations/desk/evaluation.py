"""Evaluation in the admin: sets of cases, the cases, and runs with their reports. Doors only."""

from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from typing_extensions import override
from unfold.contrib.filters.admin import BooleanRadioFilter, ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.widgets import UnfoldAdminTextareaWidget

from conversations.desk.audited import Audited, Kept, actor_of
from conversations.desk.evaluation_forms import CaseForm, RunForm
from conversations.desk.evaluation_report import item_page, report_page, standing
from conversations.desk.look import ModelAdmin, coloured
from conversations.desk.playbook import short
from conversations.desk.rows import RowForm
from conversations.playbook.evaluation.claiming import cancel
from conversations.playbook.evaluation.reports import json_report, junit_report
from conversations.playbook.evaluation.starting import Wish, start_run
from conversations.playbook.models import EvaluationCase, EvaluationItem, EvaluationRun, EvaluationSet
from conversations.playbook.models.evaluation import RunState, RunVerdict
from conversations.playbook.releases import RefusedError

SEE: Final = "conversations.view_evaluationrun"
RUN: Final = "conversations.add_evaluationrun"
STEP: Final = 10
FILES: Final[dict[str, tuple[Callable[[EvaluationRun], bytes], str]]] = {
    "json": (json_report, "application/json"),
    "xml": (junit_report, "application/xml"),
}
COLOURS: Final = {
    RunVerdict.GREEN: "success",
    RunVerdict.RED: "danger",
    RunVerdict.UNKNOWN: "warning",
    RunState.QUEUED: "info",
    RunState.RUNNING: "info",
    RunState.FAILED: "warning",
    RunState.CANCELLED: "warning",
}


@admin.register(EvaluationSet)
class EvaluationSetAdmin(Audited, ModelAdmin):
    """Sets of cases."""

    list_display = ("name", "cases_on", "samples", "is_required")
    search_fields = ("name", "note")
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextareaWidget(attrs={"rows": 3})}}
    fields = ("name", "note", "samples", "is_required")

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationSet]:
        """Return the sets with the number of their cases in use."""
        sets: QuerySet[EvaluationSet] = super().get_queryset(request)
        return sets.annotate(cases_count=Count("cases", filter=Q(cases__is_on=True)))

    @admin.display(description=gettext_lazy("cases in use"), ordering="cases_count")
    def cases_on(self, row: EvaluationSet) -> int:
        """Return how many cases of the set are asked."""
        return int(getattr(row, "cases_count", 0))


@admin.register(EvaluationCase)
class EvaluationCaseAdmin(Audited, ModelAdmin):
    """Questions, and what good answers to them are."""

    form = CaseForm
    list_display = ("words", "evaluation_set", "intent", "escalate", "action_required", "locale", "is_on")
    list_select_related = ("evaluation_set",)
    list_filter = (
        ("evaluation_set", RelatedDropdownFilter),
        ("locale", ChoicesDropdownFilter),
        ("escalate", BooleanRadioFilter),
        ("is_on", BooleanRadioFilter),
    )
    list_filter_submit = True
    list_editable = ("is_on",)
    list_per_page = 100
    search_fields = ("question", "intent", "note", "source")
    warn_unsaved_form = True
    fieldsets = (
        (None, {"fields": ("evaluation_set", "question", "before", "locale")}),
        (
            gettext_lazy("A good answer"),
            {
                "fields": (
                    "intent",
                    ("escalate", "action_required"),
                    ("must_say_lines", "must_not_say_lines"),
                    "reference",
                ),
                "description": gettext_lazy("What is left open may be anything."),
            },
        ),
        (gettext_lazy("Use"), {"fields": (("is_on", "position"), "note", "source")}),
    )

    @override
    def get_changelist_form(self, request: HttpRequest, **options: Any) -> Any:
        """Name the cells."""
        return super().get_changelist_form(request, **{"form": RowForm, **options})

    @admin.display(description=gettext_lazy("customer says"), ordering="question")
    def words(self, case: EvaluationCase) -> str:
        """Return the beginning of what the customer says."""
        return short(case.question)

    @override
    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Put a new case last, into the only set where there is one."""
        last = EvaluationCase.objects.order_by("-position").values_list("position", flat=True).first() or 0
        sets = EvaluationSet.objects.values_list("pk", flat=True)[:2]
        known = {"evaluation_set": sets[0]} if len(sets) == 1 else {}
        return {"position": last + STEP, **known, **super().get_changeform_initial_data(request)}


@admin.register(EvaluationRun)
class EvaluationRunAdmin(Kept, ModelAdmin):
    """Runs: what is new, what came out. Adding one starts it."""

    form = RunForm
    list_display = ("name", "outcome", "progress", "compared", "by_name", "created_at")
    list_display_links = ("name",)
    list_filter = (("verdict", ChoicesDropdownFilter), ("state", ChoicesDropdownFilter))
    list_filter_submit = True
    list_per_page = 50
    fields = ("release", "baseline", "sets", "samples", "model")

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Let those start runs who may: it costs what the answers cost."""
        return request.user.has_perm(RUN)

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[EvaluationRun]:
        """Leave out what is large."""
        runs: QuerySet[EvaluationRun] = super().get_queryset(request)
        wide = ("release__content", "baseline__content", "figures", "judgment")
        return runs.select_related("release", "baseline").defer(*wide)

    @admin.display(description=gettext_lazy("evaluation"), ordering="pk")
    def name(self, run: EvaluationRun) -> str:
        """Return the run in words."""
        return str(run)

    @admin.display(description=gettext_lazy("compared with"))
    def compared(self, run: EvaluationRun) -> str:
        """Return the baseline in words."""
        return str(run.baseline) if run.baseline else "-"

    @admin.display(description=gettext_lazy("answers"))
    def progress(self, run: EvaluationRun) -> str:
        """Return how far it is."""
        return f"{run.done:,} / {run.total:,}"

    @coloured(description=gettext_lazy("result"), colours=COLOURS, ordering="verdict")
    def outcome(self, run: EvaluationRun) -> tuple[str, str]:
        """Return what it found, or how far it is."""
        if run.state == RunState.DONE:
            return run.verdict, run.get_verdict_display()
        return run.state, run.get_state_display()

    @override
    def save_model(self, request: HttpRequest, obj: EvaluationRun, form: Any, change: bool) -> None:
        """Start what the form asks for."""
        started = start_run(form.wish, by=actor_of(request))
        obj.pk, obj._state.adding = started.pk, False

    @override
    def response_add(
        self, request: HttpRequest, obj: EvaluationRun, post_url_continue: str | None = None
    ) -> HttpResponseRedirect:
        """Show the run, which is on its way."""
        messages.success(request, _("The evaluation begins in a moment."))
        return HttpResponseRedirect(page_of(obj.pk))

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the pages of a run, and its buttons' doors."""
        views: tuple[tuple[str, Callable[..., HttpResponse], str], ...] = (
            ("<int:run_id>/cases/<int:number>/", item_view, "evaluation-item"),
            ("<int:run_id>/standing/", standing_view, "evaluation-standing"),
            ("<int:run_id>/stop/", stop_view, "evaluation-stop"),
            ("<int:run_id>/again/", again_view, "evaluation-again"),
            ("<int:run_id>/report.<slug:form>", file_view, "evaluation-file"),
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
        """Show a run's report, or the form that starts one."""
        if object_id is None:
            buttons = {"show_save_and_add_another": False, "show_save_and_continue": False}
            return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **buttons})
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        if not object_id.isdigit():
            raise Http404
        run = seen_run(request, int(object_id))
        return TemplateResponse(
            request, "admin/evaluation/run.html", page_context(request, run) | report_page(run, request.GET)
        )


def seen_run(request: HttpRequest, run_id: int) -> EvaluationRun:
    """Return a run, for those who may see it."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    return get_object_or_404(EvaluationRun.objects.slim(), pk=run_id)


def page_context(request: HttpRequest, run: EvaluationRun) -> dict[str, Any]:
    """Return what all pages of a run need."""
    return {
        **admin.site.each_context(request),
        "opts": EvaluationRun._meta,
        "title": str(run),
        "run": run,
        "may_run": request.user.has_perm(RUN),
    }


@require_GET
def item_view(request: HttpRequest, run_id: int, number: int) -> HttpResponse:
    """Show one case: both sides' answers beside each other."""
    run = seen_run(request, run_id)
    item = get_object_or_404(EvaluationItem, run=run, number=number)
    return TemplateResponse(request, "admin/evaluation/item.html", page_context(request, run) | item_page(run, item))


@require_GET
def standing_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Say how far a run is."""
    return JsonResponse(standing(seen_run(request, run_id)))


@require_GET
def file_view(request: HttpRequest, run_id: int, form: str) -> HttpResponse:
    """Return a run's report as a file."""
    run = seen_run(request, run_id)
    if form not in FILES:
        raise Http404
    make, content_type = FILES[form]
    name = f"evaluation-{run.pk}.{form}"
    return HttpResponse(
        make(run), content_type=content_type, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


@require_POST
def stop_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Stop a run."""
    run = runnable(request, run_id)
    if cancel(run.pk):
        messages.success(request, _("Stopped. What was answered is kept."))
    return HttpResponseRedirect(page_of(run.pk))


@require_POST
def again_view(request: HttpRequest, run_id: int) -> HttpResponse:
    """Ask the same once more: with the cases as they are now."""
    run = runnable(request, run_id)
    # A check goes over whichever model answers customers first by then, as it did.
    wish = Wish(
        release=run.release,
        baseline=run.baseline,
        sets=list(run.sets.all()),
        samples=run.samples,
        model_id=None if run.is_check else run.model_id,
    )
    try:
        started = start_run(wish, by=actor_of(request))
    except RefusedError as error:
        messages.error(request, str(error))
        return HttpResponseRedirect(page_of(run.pk))
    return HttpResponseRedirect(page_of(started.pk))


def runnable(request: HttpRequest, run_id: int) -> EvaluationRun:
    """Return a run, for those who may start and stop them."""
    if not request.user.has_perm(RUN):
        raise PermissionDenied
    return seen_run(request, run_id)


def page_of(run_id: int) -> str:
    """Return where a run is shown."""
    return reverse("admin:conversations_evaluationrun_change", args=[run_id])
