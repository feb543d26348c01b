"""What each call to a model took and cost: one row an attempt, summed up by the hour.

Rows hold no text and no customer. They are written with the run that made them (see `metering`), summed up and deleted
by upkeep jobs (see `rollup`).
"""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

COST_DIGITS = 26
COST_PLACES = 12
"""Unit prices have six places and count a million tokens, so nothing is ever rounded."""


class Purpose(models.TextChoices):
    """What a model is asked for."""

    REPLY = "reply", _("Replies to customers")
    SHADOW = "shadow", _("Shadow")
    TEST = "test", _("Tests by staff")
    EVALUATION = "evaluation", _("Evaluation")
    PLAYGROUND = "playground", _("Playground")
    JUDGE = "judge", _("Comparing answers")


class Outcome(models.TextChoices):
    """What became of a call: `ok` and `repaired` gave a reply, `cancelled` was given up by us, the others failed.

    The failures are named as in `llm.errors.Kind`.
    """

    OK = "ok", _("Answered")
    REPAIRED = "repaired", _("Answered, repaired")
    CANCELLED = "cancelled", _("Not wanted any more")
    AUTH = "auth", _("Key refused")
    BALANCE = "balance", _("Account empty")
    RATE_LIMITED = "rate_limited", _("Rate limited")
    BAD_REQUEST = "bad_request", _("Request refused")
    UNPROCESSABLE = "unprocessable", _("Parameter refused")
    SERVER = "server", _("Server error")
    OVERLOADED = "overloaded", _("Overloaded")
    NETWORK = "network", _("Connection failed")
    FIRST_TOKEN_TIMEOUT = "first_token_timeout", _("No word in time")
    STALLED = "stalled", _("Stalled")
    TOTAL_TIMEOUT = "total_timeout", _("Took too long")
    CUT = "cut", _("Cut off")
    TOO_LONG = "too_long", _("Too long")
    FILTERED = "filtered", _("Filtered")
    BLANK = "blank", _("Blank")
    MALFORMED = "malformed", _("Not the protocol")
    INVALID = "invalid", _("No envelope")
    REFUSED = "refused", _("Model refused")


SUCCESSES = (Outcome.OK, Outcome.REPAIRED)


class LLMCall(models.Model):
    """One attempt. `number` counts within the run, so that a row written again is the same row.

    The database doesn't check that its provider is still there: what a check finds at commit would undo the reply.
    """

    run_id = models.BigIntegerField(null=True, blank=True)
    number = models.PositiveSmallIntegerField(default=0)
    purpose = models.CharField(_("use"), max_length=10, choices=Purpose.choices)
    provider = models.ForeignKey(
        "conversations.Provider",
        verbose_name=_("provider"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    account = models.ForeignKey(
        "conversations.Account",
        verbose_name=_("account"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    model = models.ForeignKey(
        "conversations.LanguageModel",
        verbose_name=_("model"),
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        db_constraint=False,
    )
    key_fingerprint = models.CharField(_("key"), max_length=12, blank=True, default="")
    arm = models.CharField(_("arm"), max_length=6, blank=True, default="")
    rollout_id = models.BigIntegerField(null=True, blank=True)
    playbook_version = models.CharField(_("release"), max_length=40, blank=True, default="")
    is_switched = models.BooleanField(_("not the first choice"), default=False)
    is_streamed = models.BooleanField(_("streamed"), default=True)
    started_at = models.DateTimeField(_("sent"))
    first_token_ms = models.PositiveIntegerField(_("first token (ms)"), null=True, blank=True)
    total_ms = models.PositiveIntegerField(_("total (ms)"))
    is_metered = models.BooleanField(_("provider told the usage"), default=False)
    prompt_tokens = models.PositiveIntegerField(_("prompt tokens"), default=0)
    cached_tokens = models.PositiveIntegerField(_("of which cached"), default=0)
    completion_tokens = models.PositiveIntegerField(_("completion tokens"), default=0)
    reasoning_tokens = models.PositiveIntegerField(_("reasoning tokens"), default=0)
    currency = models.CharField(_("currency"), max_length=3, blank=True, default="")
    input_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    cached_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    output_price = models.DecimalField(max_digits=14, decimal_places=6, null=True, blank=True)
    cost = models.DecimalField(_("cost"), max_digits=COST_DIGITS, decimal_places=COST_PLACES, null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=20, choices=Outcome.choices)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    finish_reason = models.CharField(max_length=40, blank=True, default="")
    has_escalated = models.BooleanField(_("asked for a person"), default=False)

    class Meta:
        verbose_name = _("model call")
        verbose_name_plural = _("model calls")
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["run_id", "number"], name="llmcall_once"),
            models.CheckConstraint(
                condition=Q(cached_tokens__lte=F("prompt_tokens")), name="llmcall_cached_within_prompt"
            ),
        ]
        indexes = [models.Index(fields=["started_at"], name="llmcall_started")]

    def __str__(self) -> str:
        return f"call {self.pk}"


class CallHour(models.Model):
    """The calls of one hour, by who answered, arm, use and release. Histograms as `latency.BOUNDS_MS` divides them."""

    hour = models.DateTimeField(_("hour"))
    provider = models.ForeignKey("conversations.Provider", on_delete=models.PROTECT, related_name="+", db_index=False)
    account = models.ForeignKey("conversations.Account", on_delete=models.PROTECT, related_name="+", db_index=False)
    model = models.ForeignKey("conversations.LanguageModel", on_delete=models.PROTECT, related_name="+", db_index=False)
    arm = models.CharField(max_length=6, blank=True, default="")
    rollout_id = models.BigIntegerField(null=True, blank=True)
    purpose = models.CharField(max_length=10)
    playbook_version = models.CharField(max_length=40, blank=True, default="")
    currency = models.CharField(max_length=3, blank=True, default="")
    calls = models.PositiveIntegerField()
    outcomes = models.JSONField(default=dict)
    escalated = models.PositiveIntegerField(default=0)
    switched = models.PositiveIntegerField(default=0)
    unmetered = models.PositiveIntegerField(default=0)
    unpriced = models.PositiveIntegerField(default=0)
    prompt_tokens = models.BigIntegerField(default=0)
    cached_tokens = models.BigIntegerField(default=0)
    completion_tokens = models.BigIntegerField(default=0)
    reasoning_tokens = models.BigIntegerField(default=0)
    cost = models.DecimalField(max_digits=COST_DIGITS, decimal_places=COST_PLACES, default=0)
    first_token_histogram = ArrayField(models.PositiveIntegerField(), default=list)
    total_histogram = ArrayField(models.PositiveIntegerField(), default=list)

    class Meta:
        verbose_name = _("calls by the hour")
        verbose_name_plural = _("calls by the hour")
        default_permissions = ()
        indexes = [models.Index(fields=["hour"], name="callhour_hour")]

    def __str__(self) -> str:
        return f"{self.hour:%Y-%m-%d %H}h"


class RollupMark(models.Model):
    """One row: all calls that were sent before this moment are summed up."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    rolled_until = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="rollup_mark_one_row")]

    def __str__(self) -> str:
        return f"{self.rolled_until:%Y-%m-%d %H}h"
