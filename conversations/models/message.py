"""What was said: messages with a per-conversation `seq`, and the notes agents leave for each other."""

from typing import NamedTuple

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation
from conversations.models.run import Run


class Sender(models.TextChoices):
    """Who said it."""

    CUSTOMER = "customer", _("Customer")
    BOT = "bot", _("Bot")
    AGENT = "agent", _("Agent")
    SYSTEM = "system", _("System")


GRAM_CHARS = 3


class Grams(Func):
    """The distinct character trigrams of a text in lower case: Thai has no spaces, so words can't be the index's keys.

    A function of our own (first migration), since pg_trgm does not come with every PostgreSQL.
    """

    function = "csbot_grams"
    output_field = ArrayField(models.TextField())


class Spoken(NamedTuple):
    """What the history of a conversation is made of."""

    seq: int
    sender: str
    text: str
    intent: str
    action_required: bool | None
    escalate: bool | None


class MessageQuerySet(models.QuerySet["Message"]):
    """Reads of messages."""

    def after(self, seq: int, *, conversation_id: int) -> "MessageQuerySet":
        """Return the conversation's messages after `seq`, in order."""
        return self.filter(conversation_id=conversation_id, seq__gt=seq).order_by("seq")

    def recent(self, *, conversation: Conversation, limit: int) -> list[Spoken]:
        """Return at most `limit` newest messages of the current episode, oldest first."""
        newest = self.filter(conversation=conversation, seq__gte=conversation.episode_start_seq).order_by("-seq")
        return [Spoken(*row) for row in reversed(newest.values_list(*Spoken._fields)[:limit])]

    def containing(self, words: str) -> "MessageQuerySet":
        """Return messages that contain `words`, whatever the case; fewer than three characters can't use the index."""
        found = self.filter(text__icontains=words)
        if len(words) < GRAM_CHARS:
            return found
        return found.alias(grams=Grams(F("text"))).filter(grams__contains=Grams(Value(words)))


class Message(models.Model):
    """One message. Never changed once written; only erased with its customer.

    `client_id` is the id that a customer's widget or an agent's page gave it: the same id again is the same message.
    """

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages", db_index=False)
    seq = models.PositiveIntegerField()
    sender = models.CharField(_("sender"), max_length=8, choices=Sender.choices)
    text = models.TextField(_("text"))
    created_at = models.DateTimeField(_("at"), default=timezone.now)
    client_id = models.UUIDField(null=True, blank=True)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.SET_NULL, related_name="+", db_index=False)
    agent = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    agent_name = models.CharField(max_length=200, blank=True, default="")
    intent = models.CharField(_("intent"), max_length=40, blank=True, default="")
    action_required = models.BooleanField(_("action required"), null=True, blank=True)
    escalate = models.BooleanField(_("escalate"), null=True, blank=True)
    is_stopped = models.BooleanField(_("stopped by the customer"), default=False)
    code = models.CharField(max_length=40, blank=True, default="")

    objects = MessageQuerySet.as_manager()

    class Meta:
        verbose_name = _("message")
        verbose_name_plural = _("messages")
        indexes = [
            GinIndex(Grams("text"), name="message_text_grams"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_unique_seq"),
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=Q(client_id__isnull=False),
                name="message_unique_client_id",
            ),
            models.UniqueConstraint(fields=["run"], condition=Q(run__isnull=False), name="message_one_per_run"),
            models.CheckConstraint(condition=Q(seq__gte=1), name="message_seq_from_1"),
            models.CheckConstraint(condition=~Q(text=""), name="message_not_blank"),
            models.CheckConstraint(
                condition=Q(client_id__isnull=True) | Q(sender__in=[Sender.CUSTOMER, Sender.AGENT]),
                name="message_client_id_of_person",
            ),
            models.CheckConstraint(
                condition=Q(sender=Sender.AGENT) ^ Q(agent_name=""), name="message_agent_name_iff_agent"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sender} {self.seq}"


class Note(models.Model):
    """An internal note: agents see it, customers never do, and it takes no `seq`."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    after_seq = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    author_name = models.CharField(max_length=200)
    text = models.TextField(_("note"))
    client_id = models.UUIDField(null=True, blank=True)
    created_at = models.DateTimeField(_("at"), default=timezone.now)

    class Meta:
        verbose_name = _("internal note")
        verbose_name_plural = _("internal notes")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "client_id"],
                condition=Q(client_id__isnull=False),
                name="note_unique_client_id",
            ),
            models.CheckConstraint(condition=~Q(text=""), name="note_not_blank"),
        ]

    def __str__(self) -> str:
        return f"note {self.pk}"
