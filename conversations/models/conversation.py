"""A customer's conversation: who answers, how far it is written, answered and read.

Rows change only in `conversations.actions`, under the row's lock.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from django.conf import settings
from django.db import models
from django.db.models import F, FilteredRelation, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.customer import Customer
from conversations.models.site import Locale, Site


class Owner(models.TextChoices):
    """Who answers the customer now."""

    BOT = "bot", _("Bot")
    WAITING = "waiting", _("Waiting for a person")
    AGENT = "agent", _("Agent")
    RESOLVED = "resolved", _("Resolved")


class Priority(models.TextChoices):
    """How much a conversation matters to the shop. High ones go to the model that is being introduced."""

    NORMAL = "normal", _("Normal")
    HIGH = "high", _("High")


UNANSWERED = Q(owner=Owner.BOT, customer_seq__gt=F("answered_seq"))


class Head(NamedTuple):
    """How a conversation stands: its newest seq, its owner epoch, and its open run (0 = none)."""

    seq: int
    owner_epoch: int
    run_id: int


class ConversationQuerySet(models.QuerySet["Conversation"]):
    """Reads of conversations."""

    def locked(self, conversation_id: int) -> "Conversation":
        """Return the conversation with its row locked until the transaction ends. Raises DoesNotExist."""
        return self.select_for_update().get(pk=conversation_id)

    def locked_by_open_run(self, run_id: int) -> "Conversation | None":
        """Return the conversation of an open run with its row locked; the run's own row isn't."""
        return self.select_for_update(of=("self",)).filter(runs__pk=run_id, runs__state="open").first()

    def unanswered(self) -> "ConversationQuerySet":
        """Return conversations in which the bot owes a reply."""
        return self.filter(UNANSWERED)

    def overdue(self, *, before: datetime) -> "ConversationQuerySet":
        """Return unanswered conversations, oldest first, last asked for before `before`, that no run is answering."""
        asked_before = self.unanswered().filter(reply_requested_at__lt=before)
        return asked_before.exclude(runs__state="open").order_by("reply_requested_at")

    def heads(self, conversation_ids: Collection[int]) -> dict[int, Head]:
        """Return how each of the conversations stands; those that are gone are left out."""
        open_run = FilteredRelation("runs", condition=Q(runs__state="open"))
        rows = self.filter(pk__in=conversation_ids).annotate(open_run=open_run)
        values = rows.values_list("pk", "head_seq", "owner_epoch", "open_run__pk")
        return {pk: Head(seq, epoch, run_id or 0) for pk, seq, epoch, run_id in values}


class Conversation(models.Model):
    """Everything one customer and one shop said to each other.

    `head_seq` is the newest message's seq, `customer_seq` the customer's newest, `answered_seq` the newest that a reply
    covers, `episode_start_seq` the first one the bot still looks at (it moves when an agent hands back).
    `owner_epoch` grows with each change of owner; what a bot's run writes must carry the epoch it was opened in.
    """

    public_id = models.UUIDField(_("public id"), unique=True, default=uuid.uuid4, editable=False)
    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="conversations")
    customer = models.OneToOneField(
        Customer, verbose_name=_("customer"), on_delete=models.CASCADE, related_name="conversation"
    )
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    priority = models.CharField(_("priority"), max_length=6, choices=Priority.choices, default=Priority.NORMAL)
    owner = models.CharField(_("owner"), max_length=8, choices=Owner.choices, default=Owner.BOT)
    owner_epoch = models.PositiveIntegerField(default=1)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("agent"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="conversations",
    )
    head_seq = models.PositiveIntegerField(default=0)
    customer_seq = models.PositiveIntegerField(default=0)
    answered_seq = models.PositiveIntegerField(default=0)
    read_seq = models.PositiveIntegerField(default=0)
    episode_start_seq = models.PositiveIntegerField(default=1)
    reply_requested_at = models.DateTimeField(null=True, blank=True)
    rating = models.PositiveSmallIntegerField(_("rating"), null=True, blank=True)
    rating_comment = models.CharField(_("comment"), max_length=1000, blank=True, default="")
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    created_at = models.DateTimeField(_("started"), default=timezone.now)
    last_message_at = models.DateTimeField(_("last message"), default=timezone.now)

    objects = ConversationQuerySet.as_manager()

    class Meta:
        verbose_name = _("conversation")
        verbose_name_plural = _("conversations")
        constraints = [
            models.CheckConstraint(
                condition=Q(owner=Owner.AGENT, agent__isnull=False) | (~Q(owner=Owner.AGENT) & Q(agent__isnull=True)),
                name="conversation_agent_iff_owner_agent",
            ),
            models.CheckConstraint(
                condition=Q(
                    customer_seq__lte=F("head_seq"),
                    answered_seq__lte=F("head_seq"),
                    read_seq__lte=F("head_seq"),
                ),
                name="conversation_seqs_within_head",
            ),
            models.CheckConstraint(
                condition=Q(rating__isnull=True) | Q(rating__range=(1, 5)), name="conversation_rating_1_to_5"
            ),
        ]
        indexes = [
            models.Index(fields=["reply_requested_at"], condition=UNANSWERED, name="conversation_unanswered"),
            models.Index(fields=["-last_message_at"], name="conversation_recent"),
            models.Index(fields=["owner", "-last_message_at"], name="conversation_by_owner"),
        ]

    def __str__(self) -> str:
        return str(self.public_id)

    @property
    def is_unanswered(self) -> bool:
        """Whether the bot owes a reply (the same condition as `ConversationQuerySet.unanswered`)."""
        return self.owner == Owner.BOT and self.customer_seq > self.answered_seq

    def waiting_since(self) -> datetime | None:
        """Return when the customer wrote the first message that is not answered; None if all are."""
        unanswered = self.messages.filter(seq__gt=self.answered_seq, sender="customer").order_by("seq")
        return unanswered.values_list("created_at", flat=True).first()
