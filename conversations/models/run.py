"""A run: the making of one reply, from the moment it is opened to the stored message, with its trace.

The row, not the task or the process, is what keeps a reply safe: an open run whose lease ran out belongs to nobody
and is started again by the sweeper.
"""

from datetime import datetime

from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.conversation import Conversation

MAX_RAW_CHARS = 8_000


class RunState(models.TextChoices):
    """What became of a run."""

    OPEN = "open", _("Open")
    CLOSED = "closed", _("Stored")
    DISCARDED = "discarded", _("Thrown away")


class RunQuerySet(models.QuerySet["Run"]):
    """Reads of runs."""

    def open(self) -> "RunQuerySet":
        """Return the runs in progress."""
        return self.filter(state=RunState.OPEN)

    def expired(self, *, now: datetime) -> "RunQuerySet":
        """Return open runs whose worker stopped renewing the lease."""
        return self.open().filter(lease_until__lt=now).order_by("lease_until")

    def times_lost(self, run: "Run", *, outcome: str) -> int:
        """Return how many runs for the same messages ended with this outcome."""
        same = self.filter(conversation_id=run.conversation_id, covers_seq=run.covers_seq)
        return same.filter(outcome=outcome).count()


class Run(models.Model):
    """One attempt to make a reply. At most one is open per conversation, and it makes at most one message."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="runs")
    state = models.CharField(_("state"), max_length=9, choices=RunState.choices, default=RunState.OPEN)
    owner_epoch = models.PositiveIntegerField()
    covers_seq = models.PositiveIntegerField(help_text=_("The newest customer message this reply answers."))
    worker = models.CharField(_("worker"), max_length=120)
    lease_until = models.DateTimeField()
    started_at = models.DateTimeField(_("started"), default=timezone.now)
    ended_at = models.DateTimeField(_("ended"), null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=40, blank=True, default="")
    provider = models.CharField(_("provider"), max_length=80, blank=True, default="")
    model = models.CharField(_("model"), max_length=120, blank=True, default="")
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    first_token_ms = models.PositiveIntegerField(_("first token (ms)"), null=True, blank=True)
    total_ms = models.PositiveIntegerField(_("total (ms)"), null=True, blank=True)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), default=0)
    cached_tokens = models.PositiveIntegerField(_("of which cached"), default=0)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), default=0)
    reasoning_tokens = models.PositiveIntegerField(_("reasoning tokens"), default=0)
    is_repaired = models.BooleanField(_("repaired"), default=False)
    trace = models.JSONField(_("trace"), default=dict, blank=True)
    release = models.PositiveIntegerField(_("release"), null=True, blank=True)
    raw = models.TextField(_("the model's own answer"), max_length=MAX_RAW_CHARS, blank=True, default="")

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        constraints = [
            models.UniqueConstraint(fields=["conversation"], condition=Q(state=RunState.OPEN), name="run_one_open"),
            models.CheckConstraint(
                condition=Q(state=RunState.OPEN, ended_at__isnull=True)
                | (~Q(state=RunState.OPEN) & Q(ended_at__isnull=False)),
                name="run_ended_iff_not_open",
            ),
            models.CheckConstraint(condition=Q(cached_tokens__lte=F("prompt_tokens")), name="run_cached_within_prompt"),
        ]
        indexes = [models.Index(fields=["lease_until"], condition=Q(state=RunState.OPEN), name="run_open_lease")]

    def __str__(self) -> str:
        return f"run {self.pk}"
