"""Rollouts: which share of conversations tries another model, and which conversation got which arm.

An assignment is written once, when the conversation asks first while the rollout is live, and never changes. Figures
are kept by assigned arm, whoever answered in the end.
"""

from django.core.validators import MaxValueValidator
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.gateway.models.routes import LanguageModel
from conversations.models import Conversation

BUCKETS = 10_000


class Arm(models.TextChoices):
    """Which side of a rollout a conversation is on."""

    STABLE = "stable", _("Stable")
    CANARY = "canary", _("Canary")


class RolloutState(models.TextChoices):
    """How far a rollout is."""

    DRAFT = "draft", _("Not started")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    PROMOTED = "promoted", _("Promoted")
    ROLLED_BACK = "rolled_back", _("Rolled back")


LIVE_STATES = (RolloutState.RUNNING, RolloutState.PAUSED)


class Rollout(models.Model):
    """The way of a model or a release from the first conversations to all. At most one is live (running or paused)."""

    name = models.CharField(_("name"), max_length=80)
    canary = models.ForeignKey(
        LanguageModel,
        verbose_name=_("canary"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rollouts",
        help_text=_("The model that is tried. Empty: the same models, with another release of the playbook."),
    )
    release = models.ForeignKey(
        "conversations.Release",
        verbose_name=_("release"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="rollouts",
        help_text=_("The release that the canary's conversations get. Empty: the live one."),
    )
    state = models.CharField(_("state"), max_length=11, choices=RolloutState.choices, default=RolloutState.DRAFT)
    ratio = models.PositiveIntegerField(
        _("canary's share"),
        default=0,
        validators=[MaxValueValidator(BUCKETS)],
        help_text=_("Of 10,000 new conversations; 100 is one per cent."),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)

    class Meta:
        verbose_name = _("rollout")
        verbose_name_plural = _("rollouts")
        ordering = ["-created_at"]
        constraints = [
            models.CheckConstraint(condition=Q(ratio__lte=BUCKETS), name="rollout_ratio_within_buckets"),
            models.CheckConstraint(
                condition=Q(canary__isnull=False) | Q(release__isnull=False),
                name="rollout_tries_something",
                violation_error_message=_("Choose a model, a release, or both: what shall be tried?"),
            ),
            # A constant in an index: all live rollouts share it, so there can be one.
            models.UniqueConstraint(Value(1), condition=Q(state__in=["running", "paused"]), name="rollout_one_live"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def tried(self) -> str:
        """What the canary tries, for people: a model, a release, or both."""
        return " + ".join(str(each) for each in (self.canary, self.release) if each)


class Assignment(models.Model):
    """The arm of one conversation in one rollout."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="assignments", db_index=False)
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="assignments")
    arm = models.CharField(max_length=6, choices=Arm.choices)
    bucket = models.PositiveSmallIntegerField()
    is_by_priority = models.BooleanField(default=False)
    assigned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["rollout", "conversation"], name="assignment_once"),
            models.CheckConstraint(condition=Q(bucket__lt=BUCKETS), name="assignment_bucket_in_range"),
        ]

    def __str__(self) -> str:
        return f"conversation {self.conversation_id}: {self.arm}"
