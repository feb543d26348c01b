"""The audit log in the admin: who changed what of how the bot behaves. To be read only."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _
from typing_extensions import override
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from conversations.desk.audited import Kept
from conversations.desk.changes import audit_lines, model_of
from conversations.desk.filters import DayRangeFilter
from conversations.desk.look import ModelAdmin
from conversations.playbook.models import AuditEntry

SEE = "conversations.view_auditentry"


@admin.register(AuditEntry)
class AuditAdmin(Kept, ModelAdmin):
    """The log."""

    list_display = ("at", "actor_shown", "verb", "kind", "object_name", "reason")
    list_display_links = ("at",)
    list_filter = (("verb", ChoicesDropdownFilter), ("at", DayRangeFilter))
    list_filter_submit = True
    list_per_page = 100
    search_fields = ("actor_name", "object_name", "reason")
    search_help_text = _("Who, which entry, or why.")
    show_full_result_count = False

    @admin.display(description=_("who"), ordering="actor_name")
    def actor_shown(self, entry: AuditEntry) -> str:
        """Return who it was; csbot itself where nobody was."""
        return entry.actor_name or "csbot"

    @admin.display(description=_("kind"), ordering="object_type")
    def kind(self, entry: AuditEntry) -> str:
        """Return what kind of thing was changed."""
        model = model_of(entry.object_type)
        return str(model._meta.verbose_name) if model else entry.object_type

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one deed with what differed."""
        if not request.user.has_perm(SEE):
            raise PermissionDenied
        if object_id is None or not object_id.isdigit():
            raise Http404
        entry = get_object_or_404(AuditEntry, pk=object_id)
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": str(entry),
            "lines": audit_lines([entry]),
        }
        return TemplateResponse(request, "admin/playbook/history.html", context)
