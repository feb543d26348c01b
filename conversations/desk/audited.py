"""For any admin page: writes each change into the audit log, and shows an entry's history from it."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from typing_extensions import override

from conversations.desk.changes import audit_lines
from conversations.playbook.audit import Actor, differences, fields_of, record
from conversations.playbook.models import AuditEntry, Verb
from conversations.playbook.models.releases import MAX_REASON_CHARS

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:
    Base = object

HISTORY_PER_PAGE = 50


class Audited(Base):
    """Put before `ModelAdmin`: `class XAdmin(Audited, ModelAdmin)`. Inlines are written down too."""

    @override
    def save_model(self, request: HttpRequest, obj: Model, form: Any, change: bool) -> None:
        """Save, and write down what differs."""
        before = fields_of(stored(obj)) if change else {}
        super().save_model(request, obj, form, change)
        record_saved(actor_of(request), obj, before=before)

    @override
    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save the rows of an inline, and write down what differs."""
        known = [each.instance for each in formset.initial_forms]
        before = {each.pk: fields_of(stored(each)) for each in known}
        super().save_formset(request, form, formset, change)
        actor = actor_of(request)
        for row in formset.new_objects:
            record_saved(actor, row, before={})
        for row, _fields in formset.changed_objects:
            record_saved(actor, row, before=before.get(row.pk, {}))
        for row in formset.deleted_objects:
            record(actor, Verb.DELETE, row, changes=differences(fields_of(row), {}))

    @override
    def delete_model(self, request: HttpRequest, obj: Model) -> None:
        """Delete, and write down what it was."""
        record_deleted(actor_of(request), [obj])
        super().delete_model(request, obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete many, and write down what each was."""
        record_deleted(actor_of(request), queryset)
        super().delete_queryset(request, queryset)

    @override
    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show who changed the entry, when, and what differed."""
        entry = self.get_object(request, unquote(object_id))
        if entry is None:
            raise Http404
        if not self.has_view_or_change_permission(request, entry):
            raise PermissionDenied
        done = AuditEntry.objects.about(entry._meta.model_name or "", entry.pk)
        page = Paginator(done, HISTORY_PER_PAGE).get_page(request.GET.get("p"))
        context = {
            **self.admin_site.each_context(request),
            "title": _("History: %(name)s") % {"name": entry},
            "opts": self.opts,
            "object": entry,
            "page": page,
            "lines": audit_lines(page.object_list),
            **(extra_context or {}),
        }
        return TemplateResponse(request, "admin/playbook/history.html", context)


class Kept(Base):
    """Put before `ModelAdmin` for what is only ever kept: to be seen, not added, changed or deleted by hand."""

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds to it by hand."""
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody changes it."""
        return False

    @override
    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Nobody deletes from it."""
        return False


def actor_of(request: HttpRequest) -> Actor:
    """Return who asks."""
    return request.user


def reason_of(request: HttpRequest, field: str = "why") -> str:
    """Return what the person wrote as the reason, fit to be stored."""
    return request.POST.get(field, "").replace("\x00", "").strip()[:MAX_REASON_CHARS]


def stored(entry: Model) -> Model | None:
    """Return the entry as the table has it now."""
    return type(entry)._base_manager.filter(pk=entry.pk).first()


def record_saved(actor: Actor, entry: Model, *, before: dict[str, Any]) -> None:
    """Write down what a save changed; nothing where it changed nothing. As the table has it: fields may be sums."""
    changes = differences(before, fields_of(stored(entry)))
    if changes:
        record(actor, Verb.CHANGE if before else Verb.ADD, entry, changes=changes)


def record_deleted(actor: Actor, entries: Iterable[Model]) -> None:
    """Write down what each of the entries was, before they go."""
    for entry in entries:
        record(actor, Verb.DELETE, entry, changes=differences(fields_of(entry), {}))


def record_updated(actor: Actor, entries: Iterable[Model], *, field: str, new: object) -> None:
    """Write down that one field of many entries was changed at once; they are as they were before."""
    for entry in entries:
        old = fields_of(entry)[field]
        if old != new:
            record(actor, Verb.CHANGE, entry, changes={field: (old, new)})
