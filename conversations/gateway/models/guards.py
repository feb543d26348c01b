"""How a rollout is watched: its steps, how long each lasts, what the canary may do worse, and every decision taken.

Apart from the rollout itself: what routing reads changes only when routing changes.
"""

from decimal import Decimal
from itertools import pairwise
from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from conversations.gateway.models.rollouts import BUCKETS, Rollout

PER_CENT: Final = BUCKETS // 100
PERCENTAGE: Final = (MinValueValidator(Decimal(0)), MaxValueValidator(Decimal(100)))


def usual_steps() -> list[Decimal]:
    """Return the steps that a rollout has if nobody says otherwise, in per cent."""
    return [Decimal(step) for step in (1, 5, 25, 50, 100)]


class Guard(models.Model):
    """What a rollout's watch goes by, and how far it is. Growth is in per cent, drops and rises are in points."""

    rollout = models.OneToOneField(Rollout, on_delete=models.CASCADE, related_name="guard")
    steps = ArrayField(
        models.DecimalField(max_digits=5, decimal_places=2, validators=PERCENTAGE),
        verbose_name=_("steps (%)"),
        default=usual_steps,
        help_text=_("Shares of new conversations, rising, such as 1, 5, 25, 50, 100."),
    )
    hold_minutes = models.PositiveIntegerField(_("hold each step (min)"), default=30, validators=[MinValueValidator(1)])
    min_samples = models.PositiveIntegerField(
        _("replies a step needs"), default=200, validators=[MinValueValidator(50)]
    )
    patience_minutes = models.PositiveIntegerField(
        _("wait for replies (min)"),
        default=720,
        validators=[MinValueValidator(1)],
        help_text=_("A step without enough figures pauses after this time, and is rolled back after it once more."),
    )
    success_drop = models.FloatField(
        _("success may fall by (points)"), default=1.0, validators=[MinValueValidator(0), MaxValueValidator(50)]
    )
    first_token_growth = models.FloatField(
        _("slowest first words may grow by (%)"), default=25.0, validators=[MinValueValidator(0)]
    )
    cost_growth = models.FloatField(
        _("cost a message may grow by (%)"),
        default=25.0,
        null=True,
        blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Empty: cost is not watched, as for a model without a price."),
    )
    escalation_rise = models.FloatField(
        _("escalations may rise by (points)"), default=3.0, validators=[MinValueValidator(0), MaxValueValidator(50)]
    )
    broken_rise = models.FloatField(
        _("repaired or blank replies may rise by (points)"),
        default=2.0,
        validators=[MinValueValidator(0), MaxValueValidator(50)],
    )
    shadow_share = models.DecimalField(
        _("shadow share (%)"),
        max_digits=5,
        decimal_places=2,
        default=Decimal(0),
        validators=PERCENTAGE,
        help_text=_("Of all replies, until the rollout starts: the canary answers them too, and nobody sees it."),
    )
    step = models.PositiveSmallIntegerField(default=0, editable=False)
    step_started_at = models.DateTimeField(null=True, blank=True, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True, editable=False)
    is_held_by_hand = models.BooleanField(default=False, editable=False)
    looks = models.PositiveSmallIntegerField(default=0, editable=False)
    looked_at_samples = models.PositiveIntegerField(default=0, editable=False)

    class Meta:
        verbose_name = _("guard")
        verbose_name_plural = _("guards")
        default_permissions = ()
        constraints = [
            models.CheckConstraint(condition=Q(shadow_share__range=(0, 100)), name="guard_shadow_is_a_share"),
            models.CheckConstraint(condition=Q(steps__len__gt=0), name="guard_has_steps"),
        ]

    def __str__(self) -> str:
        return str(self._meta.verbose_name)

    @override
    def clean(self) -> None:
        """Check that the steps rise, and start above nothing."""
        steps = self.steps or []
        if not steps or steps[0] <= 0 or any(later <= earlier for earlier, later in pairwise(steps)):
            raise ValidationError({"steps": _("Each step has to be more than the one before.")})

    def ratio(self, step: int) -> int:
        """Return a step's share as routing counts it."""
        return round(self.steps[step] * PER_CENT)


class DecisionKind(models.TextChoices):
    """What was decided about a rollout."""

    STARTED = "started", _("Started")
    LOOKED = "looked", _("Looked: goes on")
    ADVANCED = "advanced", _("Advanced")
    PAUSED = "paused", _("Paused")
    RESUMED = "resumed", _("Resumed")
    PROMOTED = "promoted", _("Promoted")
    ROLLED_BACK = "rolled_back", _("Rolled back")


class DecisionReason(models.TextChoices):
    """Why the scheduler decided so; people say it in their own words."""

    BY_HAND = "by_hand", _("By hand")
    ALL_WELL = "all_well", _("Nothing is worse than allowed")
    SUCCESS = "success", _("Fewer replies succeed")
    FIRST_TOKEN = "first_token", _("First words come later")
    COST = "cost", _("A message costs more")
    ESCALATION = "escalation", _("More customers need a person")
    BROKEN = "broken", _("More replies are repaired or blank")
    SILENT = "silent", _("The canary should have answered by now, and nothing is heard of it")
    FEW = "few", _("Not enough replies in time")
    UNKNOWN = "unknown", _("Figures are missing")
    DOUBT = "doubt", _("Could not be told from a bad one in time")


class Decision(models.Model):
    """One decision, with the figures that led to it. `by` is empty where the scheduler decided."""

    rollout = models.ForeignKey(Rollout, on_delete=models.CASCADE, related_name="decisions")
    kind = models.CharField(_("decision"), max_length=11, choices=DecisionKind.choices)
    reason = models.CharField(_("reason"), max_length=11, choices=DecisionReason.choices)
    why = models.CharField(_("why"), max_length=500, blank=True, default="")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_name = models.CharField(_("who"), max_length=150, blank=True, default="")
    at = models.DateTimeField(_("when"), default=timezone.now)
    step = models.PositiveSmallIntegerField(default=0)
    ratio_before = models.PositiveIntegerField()
    ratio_after = models.PositiveIntegerField()
    figures = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        default_permissions = ()
        ordering = ["-at", "-pk"]
        indexes = [models.Index(fields=["rollout", "-at"], name="decision_of_rollout")]

    def __str__(self) -> str:
        return f"{self.kind} of {self.rollout_id}"
