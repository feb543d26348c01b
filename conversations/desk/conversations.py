"""Conversations in the admin: the list with its search over transcripts, and the page on which agents work."""

from typing import Any, Final

from django.contrib import admin
from django.db.models import CharField, OuterRef, QuerySet, Subquery, TextField
from django.db.models.functions import Left
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _
from typing_extensions import override
from unfold.contrib.filters.admin import ChoicesDropdownFilter, RelatedDropdownFilter
from unfold.paginator import InfinitePaginator

from conversations.actions.people import display_name
from conversations.actions.rights import may_read
from conversations.desk import doors
from conversations.desk.filters import DayRangeFilter
from conversations.desk.look import coloured
from conversations.desk.priority import COLOURS, priority_view
from conversations.desk.queue import queue_view
from conversations.desk.search import found_in_transcripts
from conversations.desk.students import ExportingAdmin
from conversations.desk.transcript import addresses, newest_part
from conversations.desk.words import conversation_words
from conversations.models import Conversation, Customer, Message, Owner, Priority, Sender

WORDS_CHARS: Final = 140
OWNER_COLOURS: Final = {
    Owner.BOT: "info",
    Owner.WAITING: "danger",
    Owner.AGENT: "success",
    Owner.RESOLVED: "default",
}


def with_last_message(conversations: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Add what was said last (`words`, shortened) and the bot's newest intent (`intent`): still one query."""
    messages = Message.objects.filter(conversation=OuterRef("pk")).order_by("-seq")
    newest = messages.exclude(sender=Sender.SYSTEM)
    from_bot = messages.filter(sender=Sender.BOT)
    return conversations.annotate(
        words=Subquery(newest.values(start=Left("text", WORDS_CHARS))[:1], output_field=TextField()),
        intent=Subquery(from_bot.values("intent")[:1], output_field=CharField()),
    )


@admin.register(Conversation)
class ConversationAdmin(ExportingAdmin):
    """Read-only for Django's own form machinery: what changes here goes through the doors."""

    list_display = ("customer_name", "owner_label", "priority_label", "words", "intent", "locale", "last_message_at")
    list_display_links = ("customer_name",)
    list_select_related = ("customer", "agent", "site")
    list_filter = (
        ("owner", ChoicesDropdownFilter),
        ("priority", ChoicesDropdownFilter),
        ("locale", ChoicesDropdownFilter),
        ("site", RelatedDropdownFilter),
        ("last_message_at", DayRangeFilter),
    )
    list_filter_submit = True
    list_fullwidth = True
    list_per_page = 50
    show_full_result_count = False
    paginator = InfinitePaginator
    ordering = ("-last_message_at",)
    search_fields = ("pk",)
    search_help_text = _("Words from the conversation, at least three characters.")

    @admin.display(description=_("customer"))
    def customer_name(self, conversation: Conversation) -> str:
        """Return how the customer is called."""
        customer: Customer = conversation.customer
        return str(customer)

    @coloured(description=_("owner"), colours=OWNER_COLOURS, ordering="owner")
    def owner_label(self, conversation: Conversation) -> tuple[str, str]:
        """Return the owner with its colour: the person's name where it is one."""
        name = display_name(conversation.agent) if conversation.agent else str(Owner(conversation.owner).label)
        return conversation.owner, name

    @coloured(description=_("priority"), colours=COLOURS, ordering="priority")
    def priority_label(self, conversation: Conversation) -> tuple[str, str]:
        """Return the priority with its colour; nothing where it is the usual one."""
        priority = Priority(conversation.priority)
        return priority, str(priority.label) if priority is Priority.HIGH else "–"

    @admin.display(description=_("last words"))
    def words(self, conversation: Conversation) -> str:
        """Return the beginning of what was said last, csbot's own sentences aside."""
        return getattr(conversation, "words", None) or ""

    @admin.display(description=_("intent"))
    def intent(self, conversation: Conversation) -> str:
        """Return what the bot thinks it is about."""
        return getattr(conversation, "intent", None) or ""

    @override
    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        """Return all conversations with their newest message."""
        return with_last_message(super().get_queryset(request))

    @override
    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Conversation], search_term: str
    ) -> tuple[QuerySet[Conversation], bool]:
        """Search what was said."""
        words = search_term.strip()
        return (found_in_transcripts(queryset, words=words) if words else queryset), False

    @override
    def has_add_permission(self, request: HttpRequest) -> bool:
        """Only customers start conversations."""
        return False

    @override
    def get_urls(self) -> list[URLPattern]:
        """Put the desk's doors before Django's own pages."""
        views = {
            "live": doors.live_view,
            "take": doors.take_view,
            "take-over": doors.take_over_view,
            "reply": doors.reply_view,
            "note": doors.note_view,
            "hand-back": doors.hand_back_view,
            "resolve": doors.resolve_view,
            "escalate": doors.escalate_view,
            "priority": priority_view,
        }
        wrap = self.admin_site.admin_view
        own = [path(f"<int:conversation_id>/{name}/", wrap(view), name=f"desk-{name}") for name, view in views.items()]
        return [path("queue/", wrap(queue_view), name="desk-queue"), *own, *super().get_urls()]

    @override
    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the conversation's page instead of a form."""
        user = doors.signed_in(request)
        conversation = doors.read_conversation(int(object_id) if object_id.isdigit() else 0)
        context = {
            **self.admin_site.each_context(request),
            **(extra_context or {}),
            "title": str(conversation.customer),
            "conversation": conversation,
            "state": newest_part(conversation, user=user),
            "is_high": conversation.priority == Priority.HIGH,
            "may_prioritise": self.has_prioritise_permission(request),
            "page": {"conversation": conversation.pk, "words": conversation_words(), **addresses(conversation.pk)},
        }
        return TemplateResponse(request, "admin/desk/conversation.html", context)

    @override
    def has_view_permission(self, request: HttpRequest, obj: Conversation | None = None) -> bool:
        """Those who may read conversations."""
        return may_read(request.user)
