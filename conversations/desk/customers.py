"""Customers in the admin: who they are, and the way to what they said. Read-only; deleting one erases everything."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from typing_extensions import override
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from conversations.desk.filters import DayRangeFilter
from conversations.desk.look import coloured
from conversations.desk.priority import COLOURS, PrioritisedAdmin, priority_of_customer
from conversations.models import Customer


@admin.register(Customer)
class CustomerAdmin(PrioritisedAdmin):
    """What the shop and the widget told about a customer."""

    list_display = (
        "__str__",
        "external_id",
        "email",
        "site",
        "locale",
        "priority_label",
        "last_seen_at",
        "conversation_link",
    )
    list_select_related = ("site", "conversation")
    list_filter = (
        ("site", RelatedDropdownFilter),
        ("locale", ChoicesDropdownFilter),
        ("conversation__priority", ChoicesDropdownFilter),
        ("last_seen_at", DayRangeFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False
    paginator = InfinitePaginator
    ordering = ("-pk",)
    search_fields = ("name", "=external_id", "=email")
    search_help_text = _("A part of the name, or the whole customer id or e-mail.")
    fields = (
        "name",
        "external_id",
        "email",
        "site",
        "locale",
        "priority_label",
        "created_at",
        "last_seen_at",
        "conversation_link",
    )

    @coloured(description=_("priority"), colours=COLOURS, ordering="conversation__priority")
    def priority_label(self, customer: Customer) -> tuple[str, str]:
        """Return the priority of what the customer writes."""
        priority = priority_of_customer(customer)
        return priority, str(priority.label)

    @admin.display(description=_("conversation"))
    def conversation_link(self, customer: Customer) -> SafeString | str:
        """Return a link to the customer's conversation; the address is ours, the words are ours."""
        conversation = getattr(customer, "conversation", None)
        if conversation is None:
            return "-"
        url = reverse("admin:conversations_conversation_change", args=[conversation.pk])
        return format_html('<a class="desk-link" href="{}">{}</a>', url, gettext("Open"))

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Customer]:
        """Return customers with what a row needs."""
        return super().get_queryset(request).select_related("site", "conversation")

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only the widget makes customers."""
        return False

    @override
    def has_change_permission(self, request: HttpRequest, obj: Customer | None = None) -> bool:
        """The shop says who a customer is; nobody overrules it here."""
        return False
