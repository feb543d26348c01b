"""The students that were trained: what each learnt from, how good it is, and which one is at work."""

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

DEFAULT_PRECISION = 0.97
MAX_REASON_CHARS = 500


class StudentState(models.TextChoices):
    """Where a student stands."""

    WANTED = "wanted", _("Waiting for its training")
    TRAINING = "training", _("Being trained")
    READY = "ready", _("Ready")
    LIVE = "live", _("At work")
    REFUSED = "refused", _("Not good enough")
    RETIRED = "retired", _("Retired")
    FAILED = "failed", _("Training failed")


class Problem(models.TextChoices):
    """Why a training failed."""

    NONE = "", ""
    TOO_LITTLE = (
        "too_little",
        _("There was too little to learn from: at least 30 questions of two intents are needed."),
    )
    BROKE_OFF = "broke_off", _("The training broke off. The command's log says why.")
    LOST = "lost", _("The training's process was killed.")


class StudentPolicy(models.Model):
    """What the student at work may decide beside known answers. There is one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    is_steering = models.BooleanField(
        _("simple questions to economical models first"),
        default=False,
        help_text=_(
            "What the student is sure of, and needs neither an action nor a person, goes to models of the economy "
            "tier first; the others follow if those fail. It also chooses the sampling profile by intent."
        ),
    )

    class Meta:
        verbose_name = _("settings of students")
        verbose_name_plural = _("settings of students")
        default_permissions = ("change", "view")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="student_policy_one_row")]

    def __str__(self) -> str:
        return str(_("settings of students"))


class TrainedStudentQuerySet(models.QuerySet["TrainedStudent"]):
    """Reads of students. The artefact, which is large, is read only where it is asked for."""

    def without_artefact(self) -> "TrainedStudentQuerySet":
        """Return the rows without their bytes."""
        return self.defer("artefact")

    def live(self) -> "TrainedStudentQuerySet":
        """Return the one at work, if there is one."""
        return self.without_artefact().filter(state=StudentState.LIVE)

    def next_wanted(self) -> "TrainedStudent | None":
        """Return the one that was asked for first and isn't being trained yet."""
        return self.without_artefact().filter(state=StudentState.WANTED).order_by("pk").first()

    def in_training(self) -> "TrainedStudentQuerySet":
        """Return those being trained."""
        return self.without_artefact().filter(state=StudentState.TRAINING)


class TrainedStudent(models.Model):
    """One training and what came of it. Once trained, only its place changes, and what is seen of it at work."""

    state = models.CharField(_("state"), max_length=8, choices=StudentState.choices, default=StudentState.WANTED)
    wanted_at = models.DateTimeField(_("asked for"), default=timezone.now)
    wanted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    precision = models.FloatField(
        _("right when sure"),
        default=DEFAULT_PRECISION,
        validators=[MinValueValidator(0.5), MaxValueValidator(0.999)],
        help_text=_("The share of judgements that must be right for the student to be sure of them: 0.97 is 97 %."),
    )
    begun_at = models.DateTimeField(_("training began"), null=True, blank=True)
    trained_at = models.DateTimeField(_("trained"), null=True, blank=True)
    rows = models.PositiveIntegerField(_("rows learnt from"), default=0)
    held_rows = models.PositiveIntegerField(_("rows held back"), default=0)
    sources = models.JSONField(_("labels by source"), default=dict, blank=True)
    data_hash = models.CharField(_("hash of the data"), max_length=64, blank=True, default="")
    artefact = models.BinaryField(null=True, editable=False)
    artefact_hash = models.CharField(_("hash of the artefact"), max_length=64, blank=True, default="")
    report = models.JSONField(_("report"), default=dict, blank=True)
    comparison = models.JSONField(_("compared with the one at work"), default=dict, blank=True)
    problem = models.CharField(_("problem"), max_length=10, choices=Problem.choices, blank=True, default="")
    live_from = models.DateTimeField(_("at work from"), null=True, blank=True)
    live_until = models.DateTimeField(_("until"), null=True, blank=True)
    watched_message_id = models.BigIntegerField(default=0, editable=False)
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    drift = models.JSONField(_("drift"), default=dict, blank=True)

    objects = TrainedStudentQuerySet.as_manager()

    class Meta:
        verbose_name = _("student")
        verbose_name_plural = _("students")
        ordering = ["-pk"]
        permissions = [("promote_trainedstudent", "Can put a student to work")]
        constraints = [
            models.UniqueConstraint(fields=["state"], condition=Q(state=StudentState.LIVE), name="student_one_live"),
            models.CheckConstraint(
                condition=~Q(state__in=[StudentState.READY, StudentState.LIVE]) | Q(artefact__isnull=False),
                name="student_live_has_artefact",
            ),
            models.CheckConstraint(condition=Q(precision__gt=0, precision__lt=1), name="student_precision_is_a_share"),
        ]

    def __str__(self) -> str:
        return _("Student %(number)d") % {"number": self.pk or 0}


class StudentDay(models.Model):
    """How often, on one day, the student at work agreed with the labels that models gave to the same questions."""

    student = models.ForeignKey(TrainedStudent, on_delete=models.CASCADE, related_name="days")
    day = models.DateField(_("day"))
    seen = models.PositiveIntegerField(_("seen"), default=0)
    agreed = models.PositiveIntegerField(_("agreed"), default=0)
    sure = models.PositiveIntegerField(_("sure"), default=0)
    sure_agreed = models.PositiveIntegerField(_("sure and agreed"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["student", "day"], name="student_day_unique")]

    def __str__(self) -> str:
        return f"{self.day}"


class DistillationExport(models.Model):
    """That approved turns were taken out for training a model: when, by whom, how many, and the data card. No texts."""

    made_at = models.DateTimeField(_("made"), default=timezone.now)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    made_by_name = models.CharField(_("by"), max_length=150, blank=True, default="")
    rows = models.PositiveIntegerField(_("turns"), default=0)
    data_hash = models.CharField(_("hash of the data"), max_length=64)
    card = models.JSONField(_("data card"), default=dict)

    class Meta:
        verbose_name = _("export for distillation")
        verbose_name_plural = _("exports for distillation")
        ordering = ["-pk"]
        default_permissions = ("add", "view")

    def __str__(self) -> str:
        return _("Export %(number)d") % {"number": self.pk or 0}
