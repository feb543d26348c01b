"""The switch between normal and high priority: on lists of conversations and customers, and on a conversation's page.

For those who may answer customers. Who changed what is in the audit log.
"""

from collections.abc import Sequence
from typing import Any, Final

from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST
from typing_extensions import override

from conversations.actions.priority import set_priority
from conversations.actions.rights import may_answer
from conversations.desk.doors import answering, read_conversation
from conversations.desk.look import ModelAdmin
from conversations.gateway.models import Assignment
from conversations.gateway.models.rollouts import LIVE_STATES
from conversations.models import Conversation, Customer, Priority

COLOURS: Final = {Priority.NORMAL: "default", Priority.HIGH: "warning"}


class PrioritisedAdmin(ModelAdmin):
    """Two actions on a list, for those who may answer customers."""

    actions: Sequence[str] = ("make_high", "make_normal")

    @override
    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Offer these alone: whole pages of customers aren't erased by a list's menu."""
        offered: dict[str, Any] = super().get_actions(request)
        return {name: action for name, action in offered.items() if name in self.actions}

    def has_prioritise_permission(self, request: HttpRequest) -> bool:
        """Whether this person may use them."""
        return may_answer(request.user)

    @admin.action(description=gettext_lazy("Give high priority"), permissions=["prioritise"])
    def make_high(self, request: HttpRequest, chosen: QuerySet[Model]) -> None:
        """Send the chosen to the model that is being introduced."""
        change(request, conversations_of(chosen), priority=Priority.HIGH)

    @admin.action(description=gettext_lazy("Give normal priority"), permissions=["prioritise"])
    def make_normal(self, request: HttpRequest, chosen: QuerySet[Model]) -> None:
        """Treat the chosen as everybody else."""
        change(request, conversations_of(chosen), priority=Priority.NORMAL)


def conversations_of(chosen: QuerySet[Any]) -> list[int]:
    """Return the conversations that were chosen, or those of the customers who were."""
    column = "pk" if issubclass(chosen.model, Conversation) else "conversation__pk"
    return [pk for pk in chosen.order_by("pk").values_list(column, flat=True) if pk is not None]


def change(request: HttpRequest, conversation_ids: list[int], *, priority: Priority) -> None:
    """Change the priority, keep who did it, and say what came of it."""
    changed = set_priority(conversation_ids, priority=priority, by=answering(request))
    label = {"count": len(changed), "priority": str(priority.label)}
    words = ngettext(
        "%(count)d conversation has %(priority)s priority now.",
        "%(count)d conversations have %(priority)s priority now.",
        len(changed),
    )
    messages.success(request, words % label)
    fixed = count_fixed([each.pk for each in changed])
    if fixed:
        words = ngettext(
            "%(count)d of them keeps the model that the running rollout gave it: it counts from the next one on.",
            "%(count)d of them keep the model that the running rollout gave them: it counts from the next one on.",
            fixed,
        )
        messages.info(request, words % {"count": fixed})


def count_fixed(conversation_ids: list[int]) -> int:
    """Return how many have an arm of the live rollout already, which is theirs for its life."""
    live = Assignment.objects.filter(rollout__state__in=LIVE_STATES)
    return live.filter(conversation_id__in=conversation_ids).count()


@require_POST
def priority_view(request: HttpRequest, conversation_id: int) -> HttpResponse:
    """Change one conversation's priority from its page."""
    answering(request)
    conversation = read_conversation(conversation_id)
    wanted = request.POST.get("priority", "")
    if wanted in Priority.values:
        change(request, [conversation.pk], priority=Priority(wanted))
    return HttpResponseRedirect(reverse("admin:conversations_conversation_change", args=[conversation.pk]))


def priority_of_customer(customer: Customer) -> Priority:
    """Return the priority of the customer's conversation."""
    conversation = getattr(customer, "conversation", None)
    return Priority(conversation.priority) if conversation else Priority.NORMAL
