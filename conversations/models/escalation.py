"""Escalations: a conversation that needs a person, why, and what became of it."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation


class Reason(models.TextChoices):
    """Why a person is needed."""

    MODEL = "model", _("The bot asked for a person")
    CUSTOMER = "customer", _("The customer asked for a person")
    FAILED = "failed", _("The bot could not answer")
    REFUSED = "refused", _("The model refused or answered nothing")
    AGENT = "agent", _("An agent stepped in")
    OVERLOAD = "overload", _("The customer waited too long")
    BUDGET = "budget", _("The bot's budget is used up")


class EscalationQuerySet(models.QuerySet["Escalation"]):
    """Reads of escalations."""

    def unresolved(self) -> "EscalationQuerySet":
        """Return those that still need somebody, taken or not."""
        return self.filter(closed_at__isnull=True)

    def waiting(self) -> "EscalationQuerySet":
        """Return those nobody took yet, the longest waiting first."""
        return self.unresolved().filter(taken_at__isnull=True).order_by("opened_at")


class Escalation(models.Model):
    """One time that a conversation was handed to people. At most one is unresolved per conversation."""

    conversation = models.ForeignKey(
        Conversation, verbose_name=_("conversation"), on_delete=models.CASCADE, related_name="escalations"
    )
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    detail = models.CharField(_("in the customer's words"), max_length=500, blank=True, default="")
    opened_at = models.DateTimeField(_("opened"), default=timezone.now)
    taken_at = models.DateTimeField(_("taken"), null=True, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("taken by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="escalations",
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    objects = EscalationQuerySet.as_manager()

    class Meta:
        verbose_name = _("escalation")
        verbose_name_plural = _("escalations")
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(closed_at__isnull=True), name="escalation_one_unresolved"
            ),
        ]
        indexes = [
            models.Index(
                fields=["opened_at"],
                condition=Q(closed_at__isnull=True, taken_at__isnull=True),
                name="escalation_queue",
            ),
            models.Index(fields=["-opened_at"], name="escalation_recent"),
        ]

    def __str__(self) -> str:
        return f"escalation {self.pk}"
