"""Evaluation: cases in sets, runs of a release over them, and every answer that a run got, kept for good.

A run keeps its own copy of each case it asks (`EvaluationItem`): what was asked then can still be read when staff have
changed or deleted the case.
"""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale
from conversations.playbook.models.entries import MAX_TEXT_CHARS
from conversations.playbook.models.profiles import MAX_KEY_CHARS, MAX_NAME_CHARS
from conversations.playbook.models.releases import Release

MAX_SAMPLES = 20
MAX_PHRASE_CHARS = 200
MAX_RAW_CHARS = 8000
COST_DIGITS = 26
COST_PLACES = 12


class EvaluationSet(models.Model):
    """Some cases that are asked together."""

    name = models.CharField(_("name"), max_length=MAX_NAME_CHARS, unique=True)
    note = models.TextField(_("note"), max_length=MAX_TEXT_CHARS, blank=True, default="")
    is_required = models.BooleanField(
        _("needed for publishing"), default=True, help_text=_("A release is published after it passed these cases.")
    )
    samples = models.PositiveSmallIntegerField(
        _("answers a question"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(MAX_SAMPLES)],
        help_text=_("How often each question is asked. More tell chance from change better, and cost more."),
    )

    class Meta:
        verbose_name = _("case set")
        verbose_name_plural = _("case sets")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class EvaluationCaseQuerySet(models.QuerySet["EvaluationCase"]):
    """Reads of cases."""

    def on(self) -> "EvaluationCaseQuerySet":
        """Return the cases in use, in order."""
        return self.filter(is_on=True).order_by("evaluation_set_id", "position", "pk")


class EvaluationCase(models.Model):
    """A question, or the end of a dialogue, and what a good answer to it is."""

    evaluation_set = models.ForeignKey(
        EvaluationSet, verbose_name=_("case set"), on_delete=models.CASCADE, related_name="cases"
    )
    question = models.TextField(_("customer says"), max_length=MAX_TEXT_CHARS)
    dialogue = models.JSONField(_("said before"), default=list, blank=True)
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    intent = models.CharField(_("right intent"), max_length=MAX_KEY_CHARS, blank=True, default="")
    escalate = models.BooleanField(_("hand to a person"), null=True, blank=True)
    action_required = models.BooleanField(_("action required"), null=True, blank=True)
    must_say = ArrayField(models.CharField(max_length=MAX_PHRASE_CHARS), verbose_name=_("must say"), default=list)
    must_not_say = ArrayField(
        models.CharField(max_length=MAX_PHRASE_CHARS), verbose_name=_("must not say"), default=list
    )
    reference = models.TextField(
        _("a good answer"), max_length=MAX_TEXT_CHARS, blank=True, default="", help_text=_("Shown beside the bot's.")
    )
    note = models.CharField(_("note"), max_length=500, blank=True, default="", help_text=_("For staff only."))
    source = models.CharField(_("source"), max_length=200, blank=True, default="")
    position = models.PositiveIntegerField(_("order"), default=0)
    is_on = models.BooleanField(_("on"), default=True)

    objects = EvaluationCaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        ordering = ["evaluation_set_id", "position", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(question=""), name="evaluation_case_not_blank")]

    def __str__(self) -> str:
        return self.question[:60]


class RunState(models.TextChoices):
    """How far a run is."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Stopped")


class RunVerdict(models.TextChoices):
    """What a run found out."""

    NONE = "", _("Not known yet")
    GREEN = "green", _("Passed")
    RED = "red", _("Worse than live")
    UNKNOWN = "unknown", _("Can't be told")


class RunProblem(models.TextChoices):
    """Why a run failed."""

    NONE = "", ""
    NO_MODEL = "no_model", _("No model can be asked.")
    PROVIDER = "provider", _("The provider does not answer.")
    BUDGET = "budget", _("The budget is used up.")
    BROKEN = "broken", _("csbot could not go on; its log says why.")


OPEN_STATES = (RunState.QUEUED, RunState.RUNNING)


class EvaluationRunQuerySet(models.QuerySet["EvaluationRun"]):
    """Reads of runs."""

    def open(self) -> "EvaluationRunQuerySet":
        """Return the runs that are not over."""
        return self.filter(state__in=OPEN_STATES)

    def slim(self) -> "EvaluationRunQuerySet":
        """Return the runs with their releases, without the releases' content, which is large."""
        return self.select_related("release", "baseline", "model__provider").defer(
            "release__content", "baseline__content"
        )


class EvaluationRun(models.Model):
    """One release, and beside it a baseline, asked all cases of some sets. `lease_until`: a worker is at it."""

    release = models.ForeignKey(
        Release, verbose_name=_("release"), on_delete=models.PROTECT, related_name="evaluations"
    )
    baseline = models.ForeignKey(
        Release, verbose_name=_("compared with"), null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    model = models.ForeignKey(
        "conversations.LanguageModel",
        verbose_name=_("model"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    sets = models.ManyToManyField(EvaluationSet, verbose_name=_("case sets"), related_name="runs")
    set_names = ArrayField(models.CharField(max_length=MAX_NAME_CHARS), default=list, editable=False)
    samples = models.PositiveSmallIntegerField(
        _("answers a question"), validators=[MinValueValidator(1), MaxValueValidator(MAX_SAMPLES)]
    )
    is_check = models.BooleanField(_("decides on publishing"), default=False, editable=False)
    state = models.CharField(
        _("state"), max_length=9, choices=RunState.choices, default=RunState.QUEUED, editable=False
    )
    verdict = models.CharField(
        _("result"), max_length=7, choices=RunVerdict.choices, blank=True, default="", editable=False
    )
    problem = models.CharField(max_length=10, choices=RunProblem.choices, blank=True, default="", editable=False)
    total = models.PositiveIntegerField(_("answers to get"), default=0, editable=False)
    done = models.PositiveIntegerField(_("answers got"), default=0, editable=False)
    judgment = models.JSONField(default=dict, editable=False)
    figures = models.JSONField(default=dict, editable=False)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(_("who"), max_length=150, blank=True, default="", editable=False)
    created_at = models.DateTimeField(_("asked for"), default=timezone.now, editable=False)
    started_at = models.DateTimeField(_("begun"), null=True, editable=False)
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)
    worker = models.CharField(max_length=200, blank=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)

    objects = EvaluationRunQuerySet.as_manager()

    class Meta:
        verbose_name = _("evaluation")
        verbose_name_plural = _("evaluations")
        ordering = ["-pk"]
        default_permissions = ("add", "view")
        constraints = [models.CheckConstraint(condition=Q(samples__gte=1), name="evaluation_run_samples")]
        indexes = [
            models.Index(fields=["id"], condition=Q(state__in=["queued", "running"]), name="evaluation_run_open")
        ]

    def __str__(self) -> str:
        return str(_("evaluation %(number)s of release %(release)d")) % {
            "number": self.pk,
            "release": self.release.number,
        }

    @property
    def is_over(self) -> bool:
        """Whether nothing more will come."""
        return self.state not in OPEN_STATES


class Arm(models.TextChoices):
    """Whose answer it is."""

    NEW = "new", _("new")
    OLD = "old", _("live")


class Change(models.TextChoices):
    """How a case went, compared with the baseline."""

    NONE = "", _("Not compared")
    BETTER = "better", _("Better")
    WORSE = "worse", _("Worse")
    SAME = "same", _("Same")


class EvaluationItem(models.Model):
    """A case as one run asked it, and what came of it: how many of its answers were good, by arm."""

    run = models.ForeignKey(EvaluationRun, on_delete=models.CASCADE, related_name="items")
    number = models.PositiveIntegerField()
    case = models.ForeignKey(EvaluationCase, null=True, on_delete=models.SET_NULL, related_name="+")
    set_name = models.CharField(max_length=MAX_NAME_CHARS)
    intent = models.CharField(max_length=MAX_KEY_CHARS, blank=True, default="")
    content = models.JSONField()
    change = models.CharField(max_length=6, choices=Change.choices, blank=True, default="")
    new_good = models.PositiveSmallIntegerField(default=0)
    new_told = models.PositiveSmallIntegerField(default=0)
    old_good = models.PositiveSmallIntegerField(default=0)
    old_told = models.PositiveSmallIntegerField(default=0)

    class Meta:
        verbose_name = _("case of an evaluation")
        verbose_name_plural = _("cases of an evaluation")
        ordering = ["run_id", "number"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["run", "number"], name="evaluation_item_once")]

    def __str__(self) -> str:
        return f"{self.run_id}.{self.number}"


class EvaluationResult(models.Model):
    """One answer. `outcome` is "ok" or "repaired", or why there is none, named as in `gateway.models.Outcome`.

    `is_told` is False where the provider gave no answer at all, which says nothing about the release.
    """

    item = models.ForeignKey(EvaluationItem, on_delete=models.CASCADE, related_name="results")
    arm = models.CharField(max_length=3, choices=Arm.choices)
    sample = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=20)
    is_told = models.BooleanField(default=True)
    is_valid = models.BooleanField(default=False)
    is_good = models.BooleanField(default=False)
    failed = ArrayField(models.CharField(max_length=12), default=list)
    intent = models.CharField(max_length=MAX_KEY_CHARS, blank=True, default="")
    escalate = models.BooleanField(default=False)
    action_required = models.BooleanField(default=False)
    response = models.TextField(blank=True, default="")
    raw = models.TextField(blank=True, default="")
    calls = models.PositiveSmallIntegerField(default=1)
    first_token_ms = models.PositiveIntegerField(null=True)
    total_ms = models.PositiveIntegerField(null=True)
    prompt_tokens = models.PositiveIntegerField(default=0)
    cached_tokens = models.PositiveIntegerField(default=0)
    completion_tokens = models.PositiveIntegerField(default=0)
    cost = models.DecimalField(max_digits=COST_DIGITS, decimal_places=COST_PLACES, null=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("answer of an evaluation")
        verbose_name_plural = _("answers of an evaluation")
        ordering = ["item_id", "sample", "arm"]
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["item", "arm", "sample"], name="evaluation_result_once")]

    def __str__(self) -> str:
        return f"{self.item_id} {self.arm} {self.sample}"
