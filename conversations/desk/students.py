"""Students in the admin: what each learnt from, how good it is, which one works; and exports for distillation.

Buttons change things, never a form: a student is what its training made of it.
"""

from typing import Any, Final

from django.contrib import admin, messages
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST
from typing_extensions import override

from conversations.answers.student.export.exporting import Wish, make_export, note_export
from conversations.answers.student.models import DistillationExport, StudentState, TrainedStudent
from conversations.answers.student.promotion import NotUsableError, let_steer, promote, resume, retire
from conversations.answers.student.schedule import want
from conversations.desk.audited import reason_of
from conversations.desk.exports_facts import export_facts
from conversations.desk.look import ModelAdmin, coloured
from conversations.desk.numbers import NONE, percent
from conversations.desk.priority import PrioritisedAdmin
from conversations.desk.students_facts import at_work, export_page, student_page, training_standing

COLOURS: Final = {
    StudentState.WANTED: "info",
    StudentState.TRAINING: "info",
    StudentState.READY: "success",
    StudentState.LIVE: "success",
    StudentState.REFUSED: "warning",
    StudentState.RETIRED: "default",
    StudentState.FAILED: "danger",
}
MOVES: Final = {"promote": promote, "retire": retire, "resume": resume}
GROUP: Final = 16
ZIP: Final = "application/zip"


class OnlySeen(ModelAdmin):
    """Rows that nobody makes, changes or deletes by a form."""

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(TrainedStudent)
class TrainedStudentAdmin(OnlySeen):
    """The students."""

    list_display = ("number", "shown_state", "trained_at", "rows", "right", "covered", "precise", "live_from")
    list_before_template = "admin/students/figures.html"
    change_form_outer_before_template = "admin/students/student.html"
    fieldsets = (
        (gettext_lazy("Training"), {"fields": (("wanted_at", "wanted_by"), ("begun_at", "trained_at"), "precision")}),
        (gettext_lazy("Data"), {"fields": (("rows", "held_rows"), "hash_of_data", "hash_of_artefact")}),
    )

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[TrainedStudent]:
        """Return the students without their bytes."""
        return TrainedStudent.objects.without_artefact().select_related("wanted_by").order_by("-pk")

    @admin.display(description=gettext_lazy("student"), ordering="pk")
    def number(self, student: TrainedStudent) -> str:
        """Return which student it is."""
        return str(student)

    @coloured(description=gettext_lazy("state"), colours=COLOURS, ordering="state")
    def shown_state(self, student: TrainedStudent) -> tuple[str, str | Promise]:
        """Return the state with its colour."""
        return student.state, StudentState(student.state).label

    @admin.display(description=gettext_lazy("right"))
    def right(self, student: TrainedStudent) -> str:
        """Return the share of held back questions that it judges right."""
        return percent(student.report.get("accuracy"))

    @admin.display(description=gettext_lazy("sure of"))
    def covered(self, student: TrainedStudent) -> str:
        """Return the share of questions that it is sure of."""
        return percent(student.report.get("coverage"))

    @admin.display(description=gettext_lazy("of those right"))
    def precise(self, student: TrainedStudent) -> str:
        """Return the share of the sure ones that are right."""
        return percent(student.report.get("precision"))

    @admin.display(description=gettext_lazy("hash of the data"))
    def hash_of_data(self, student: TrainedStudent) -> str:
        """Return the hash so that it finds room on a phone."""
        return in_groups(student.data_hash)

    @admin.display(description=gettext_lazy("hash of the artefact"))
    def hash_of_artefact(self, student: TrainedStudent) -> str:
        """Return the hash so that it finds room on a phone."""
        return in_groups(student.artefact_hash)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the doors of the buttons."""
        wrap = self.admin_site.admin_view
        return [
            path("train/", wrap(train_view), name="students-train"),
            path("steer/", wrap(steer_view), name="students-steer"),
            path("standing/", wrap(standing_view), name="students-standing"),
            path("move/<int:student_id>/<slug:move>/", wrap(move_view), name="students-move"),
            *super().get_urls(),
        ]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show which student works above the list."""
        return super().changelist_view(request, {**(extra_context or {}), "students": at_work()})

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show how a student did above its data."""
        number = int(object_id) if object_id and object_id.isdecimal() else 0
        row = self.get_queryset(request).filter(pk=number).first()
        shown = student_page(row, question=asked(request)) if row and self.has_view_permission(request) else None
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "student": shown})


def asked(request: HttpRequest) -> str:
    """Return the question that somebody tries a student on."""
    return request.GET.get("question", "").replace("\x00", "").strip()[:2000]


def in_groups(digits: str) -> str:
    """Return a hash in groups of sixteen digits, between which a line may end."""
    return " ".join(digits[start : start + GROUP] for start in range(0, len(digits), GROUP)) or NONE


@require_POST
def train_view(request: HttpRequest) -> HttpResponse:
    """Ask for a training."""
    person = person_with(request, "conversations.add_trainedstudent")
    if want(by_id=person.pk):
        messages.success(request, _("A student will be trained. It takes some minutes; this page follows it."))
    else:
        messages.warning(request, _("A training is under way already."))
    return HttpResponseRedirect(reverse("admin:conversations_trainedstudent_changelist"))


@require_GET
def standing_view(request: HttpRequest) -> HttpResponse:
    """Say whether a training is under way, for a page that waits."""
    person_with(request, "conversations.view_trainedstudent")
    return JsonResponse(training_standing())


@require_POST
def steer_view(request: HttpRequest) -> HttpResponse:
    """Let the student choose models for simple questions, or no more."""
    person = person_with(request, "conversations.promote_trainedstudent")
    let_steer(is_steering="on" in request.POST, by=person)
    messages.success(request, _("Done. Replies follow it within seconds."))
    return HttpResponseRedirect(reverse("admin:conversations_trainedstudent_changelist"))


@require_POST
def move_view(request: HttpRequest, student_id: int, move: str) -> HttpResponse:
    """Put a student to work, send it home, or let it work again."""
    person = person_with(request, "conversations.promote_trainedstudent")
    student = get_object_or_404(TrainedStudent.objects.without_artefact(), pk=student_id)
    work = MOVES.get(move)
    if work is None:
        raise PermissionDenied
    why = reason_of(request)
    try:
        work(student.pk, by=person, reason=why)
    except NotUsableError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("Done. Replies follow it within seconds."))
    return HttpResponseRedirect(reverse("admin:conversations_trainedstudent_change", args=[student.pk]))


def person_with(request: HttpRequest, right: str) -> AbstractBaseUser:
    """Return who asks, if they may. Raises PermissionDenied."""
    if not request.user.has_perm(right) or not isinstance(request.user, AbstractBaseUser):
        raise PermissionDenied
    return request.user


@admin.register(DistillationExport)
class DistillationExportAdmin(OnlySeen):
    """What was taken out for training a model: when, by whom, how much. The rows themselves aren't kept."""

    list_display = ("number", "made_at", "made_by_name", "rows", "hash_of_data")
    list_before_template = "admin/students/exports.html"
    change_form_outer_after_template = "admin/students/export.html"
    fields = ("made_at", "made_by_name", "rows", "hash_of_data")

    @admin.display(description=gettext_lazy("export"), ordering="pk")
    def number(self, export: DistillationExport) -> str:
        """Return which export it is."""
        return str(export)

    @admin.display(description=gettext_lazy("hash of the data"))
    def hash_of_data(self, export: DistillationExport) -> str:
        """Return the hash so that it finds room on a phone."""
        return in_groups(export.data_hash)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the button's door."""
        return [
            path("make/", self.admin_site.admin_view(export_view), name="students-export"),
            *super().get_urls(),
        ]

    @override
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Show how to make an export above the list."""
        return super().changelist_view(request, {**(extra_context or {}), "export": export_page()})

    @override
    def render_change_form(
        self,
        request: HttpRequest,
        context: dict[str, Any],
        add: bool = False,
        change: bool = False,
        form_url: str = "",
        obj: DistillationExport | None = None,
    ) -> HttpResponse:
        """Show the data card below."""
        if obj is not None:
            context["export"] = export_facts(obj)
        return super().render_change_form(request, context, add=add, change=change, form_url=form_url, obj=obj)


@require_POST
def export_view(request: HttpRequest) -> HttpResponse:
    """Make an export and send it."""
    person_with(request, "conversations.add_distillationexport")
    return export_response(
        request, with_examples="with_examples" in request.POST, allowed=request.POST.getlist("provider")
    )


def export_response(
    request: HttpRequest, *, with_examples: bool, allowed: list[str], conversation_ids: list[int] | None = None
) -> HttpResponse:
    """Return an export as an archive; back to the list with a word where there is nothing."""
    export = make_export(
        Wish(conversation_ids=conversation_ids, with_examples=with_examples, allowed_providers=allowed)
    )
    if not export.turns:
        messages.warning(request, _("There is nothing to export: no turn was approved that may be used."))
        return HttpResponseRedirect(reverse("admin:conversations_distillationexport_changelist"))
    noted = note_export(export, by=person_with(request, "conversations.add_distillationexport"))
    name = f"csbot-distillation-{noted.pk}.zip"
    return HttpResponse(
        export.archive(), content_type=ZIP, headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


class ExportingAdmin(PrioritisedAdmin):
    """One more action on the list of conversations, for those who may take turns out."""

    actions = (*PrioritisedAdmin.actions, "export_for_distillation")

    def has_export_permission(self, request: HttpRequest) -> bool:
        """Whether this person may use it."""
        return bool(request.user.has_perm("conversations.add_distillationexport"))

    @admin.action(description=gettext_lazy("Export approved turns for distillation"), permissions=["export"])
    def export_for_distillation(self, request: HttpRequest, chosen: QuerySet[Any]) -> HttpResponse:
        """Export the approved turns of the chosen conversations."""
        ids = list(chosen.values_list("pk", flat=True))
        return export_response(request, with_examples=True, allowed=[], conversation_ids=ids)
