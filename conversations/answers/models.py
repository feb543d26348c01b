"""What is known without the model: answers, the questions they answer, and what became of using them.

`AnswerPolicy.stamp` is new after every change that processes must notice at once (see `board`).
"""

import uuid
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale

if TYPE_CHECKING:
    AnyField = models.Field[Any, Any]
else:
    AnyField = models.Field

KEY_CHARS = 32
MAX_QUESTION_CHARS = 300
MAX_ANSWER_CHARS = 4000


class Mode(models.TextChoices):
    """How far known answers are used."""

    OFF = "off", _("Off")
    LEARN = "learn", _("Only learn, serve nothing")
    APPROVED = "approved", _("Serve what staff approved")
    CONFIRMED = "confirmed", _("Serve also what several customers' questions confirmed")


class AnswerState(models.TextChoices):
    """What may be done with an answer. Only approved and confirmed ones are ever served."""

    SHADOW = "shadow", _("Being checked")
    CONFIRMED = "confirmed", _("Confirmed by questions")
    APPROVED = "approved", _("Approved")
    STALE = "stale", _("Needs a look")
    RETIRED = "retired", _("Retired")
    BANNED = "banned", _("Banned")


SERVED_STATES = (AnswerState.APPROVED, AnswerState.CONFIRMED)
OPEN_STATES = (AnswerState.SHADOW, *SERVED_STATES, AnswerState.STALE)


class Step(models.TextChoices):
    """The steps of the ladder."""

    EXACT = "exact", _("Same question")
    NEAR = "near", _("Similar question")
    FIXED = "fixed", _("Fixed text of an intent")


class Judge(models.TextChoices):
    """Who compared two answers."""

    WORDS = "words", _("Same words")
    ENVELOPE = "envelope", _("Intent, flags and numbers")
    MODEL = "model", _("A model")
    STAFF = "staff", _("Staff")


class VectorField(AnyField):
    """A pgvector column of any length; each encoder's rows have an index of their own (see `vectors`)."""

    def db_type(self, connection: object) -> str:  # noqa: ARG002 - Django's signature
        """Return pgvector's type."""
        return "vector"


class AnswerPolicy(models.Model):
    """How known answers are used. There is one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    mode = models.CharField(_("known answers"), max_length=9, choices=Mode.choices, default=Mode.APPROVED)
    tolerated_share = models.FloatField(
        _("tolerated wrong answers"),
        default=0.01,
        validators=[MinValueValidator(0.001), MaxValueValidator(0.2)],
        help_text=_("Of served answers, as a share: 0.01 is 1 %. Above it serving stops by itself."),
    )
    explore_share = models.FloatField(
        _("checked by the model"),
        default=0.05,
        validators=[MinValueValidator(0.01), MaxValueValidator(1)],
        help_text=_("This share of questions with a known answer is answered by the model all the same, and compared."),
    )
    confirm_customers = models.PositiveSmallIntegerField(
        _("customers that confirm an answer"), default=3, validators=[MinValueValidator(2), MaxValueValidator(100)]
    )
    visitor_cap = models.PositiveSmallIntegerField(
        _("new questions a visitor and day"), default=10, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    lifetime_days = models.PositiveSmallIntegerField(
        _("lifetime (days)"), default=90, validators=[MinValueValidator(1), MaxValueValidator(1000)]
    )
    stopped_at = models.DateTimeField(_("stopped"), null=True, blank=True)
    watched_since = models.DateTimeField(default=timezone.now)
    risk_limit = models.FloatField(default=0.01)
    knowledge = models.JSONField(default=dict, blank=True)
    learnt_run_id = models.BigIntegerField(default=0)
    stamp = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        verbose_name = _("use of known answers")
        verbose_name_plural = _("use of known answers")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="answer_policy_one_row")]

    def __str__(self) -> str:
        return str(_("use of known answers"))


class KnownAnswerQuerySet(models.QuerySet["KnownAnswer"]):
    """Reads of known answers."""

    def served(self) -> "KnownAnswerQuerySet":
        """Return those that may be served."""
        return self.filter(state__in=SERVED_STATES)

    def of_release(self, version: str) -> "KnownAnswerQuerySet":
        """Return those that rest on this release of the playbook."""
        return self.filter(playbook_version=version)


class KnownAnswer(models.Model):
    """One answer, for one site, language and segment of customers, with the release that it rests on.

    `knowledge` is a hash of just what it rests on (see `knowledge`), `playbook_version` the newest release in which
    that was the same: an answer of another release is not served until it has been looked at again.
    """

    site = models.ForeignKey(
        "conversations.Site", verbose_name=_("site"), on_delete=models.CASCADE, related_name="known_answers"
    )
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    segment = models.CharField(_("segment"), max_length=40, blank=True, default="")
    intent = models.CharField(_("intent"), max_length=40)
    text = models.TextField(_("answer"), max_length=MAX_ANSWER_CHARS)
    text_key = models.CharField(max_length=KEY_CHARS)
    state = models.CharField(_("state"), max_length=9, choices=AnswerState.choices, default=AnswerState.SHADOW)
    is_fixed_for_intent = models.BooleanField(
        _("fixed text of the intent"),
        default=False,
        help_text=_("Served to whatever the student is sure belongs to this intent. Only for intents with one answer."),
    )
    playbook_version = models.CharField(_("release"), max_length=40, blank=True, default="")
    knowledge = models.CharField(max_length=KEY_CHARS, blank=True, default="")
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        verbose_name=_("approved by"),
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    approved_at = models.DateTimeField(_("approved"), null=True, blank=True)
    why = models.CharField(_("why"), max_length=500, blank=True, default="")
    hits = models.PositiveIntegerField(_("hits"), default=0)
    right = models.PositiveIntegerField(_("right"), default=0)
    wrong = models.PositiveIntegerField(_("wrong"), default=0)
    curve = models.JSONField(null=True, blank=True, help_text=_("What its labels say of it (see `bound.Curve`)."))
    money_saved = models.DecimalField(_("money saved"), max_digits=20, decimal_places=8, default=0)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True)
    created_at = models.DateTimeField(_("since"), default=timezone.now)
    expires_at = models.DateTimeField(_("expires"))

    objects = KnownAnswerQuerySet.as_manager()

    class Meta:
        verbose_name = _("known answer")
        verbose_name_plural = _("known answers")
        ordering = ["-hits", "-pk"]
        indexes = [
            models.Index(fields=["site", "locale", "segment", "text_key"], name="known_answer_text"),
            models.Index(fields=["state", "playbook_version"], name="known_answer_state"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(text=""), name="known_answer_not_blank"),
            models.CheckConstraint(
                condition=~Q(state=AnswerState.APPROVED) | Q(approved_at__isnull=False), name="known_answer_approved_at"
            ),
            models.CheckConstraint(
                condition=Q(is_fixed_for_intent=False) | ~Q(state__in=[AnswerState.SHADOW, AnswerState.CONFIRMED]),
                name="known_answer_fixed_by_staff",
            ),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class KnownQuestion(models.Model):
    """A way to ask for a known answer. One question has one answer in its scope."""

    answer = models.ForeignKey(KnownAnswer, on_delete=models.CASCADE, related_name="questions")
    site = models.ForeignKey("conversations.Site", on_delete=models.CASCADE, related_name="+", db_index=False)
    locale = models.CharField(max_length=2, choices=Locale.choices, default=Locale.TH)
    segment = models.CharField(max_length=40, blank=True, default="")
    text = models.CharField(_("question"), max_length=MAX_QUESTION_CHARS)
    key = models.CharField(max_length=KEY_CHARS, editable=False)
    customers = models.PositiveIntegerField(_("customers"), default=0)
    is_by_staff = models.BooleanField(_("by staff"), default=False)
    first_customer = models.ForeignKey(
        "conversations.Customer", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name = _("question")
        verbose_name_plural = _("questions")
        constraints = [
            models.UniqueConstraint(fields=["site", "locale", "segment", "key"], name="known_question_unique"),
            models.CheckConstraint(condition=~Q(text=""), name="known_question_not_blank"),
        ]

    def __str__(self) -> str:
        return self.text[:60]


class KnownLabel(models.Model):
    """One comparison: what the model said to a real question, beside what is known. No text; each run counts once."""

    answer = models.ForeignKey(KnownAnswer, on_delete=models.CASCADE, related_name="labels")
    question = models.ForeignKey(KnownQuestion, null=True, blank=True, on_delete=models.SET_NULL, related_name="labels")
    customer = models.ForeignKey(
        "conversations.Customer", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    run_id = models.BigIntegerField(null=True, blank=True)
    step = models.CharField(max_length=5, choices=Step.choices)
    score = models.FloatField()
    risk = models.FloatField(default=1.0)
    features = models.JSONField(default=list)
    is_right = models.BooleanField()
    was_served = models.BooleanField(
        default=False, help_text=_("It would have been served, had it not been checked: it counts for the promise.")
    )
    judge = models.CharField(max_length=8, choices=Judge.choices)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                fields=["run_id", "answer"], condition=Q(run_id__isnull=False), name="known_label_once_a_run"
            )
        ]
        indexes = [
            models.Index(fields=["-created_at"], condition=Q(was_served=True), name="known_label_promise"),
        ]

    def __str__(self) -> str:
        return f"label {self.pk}"


class VectorSpace(models.Model):
    """An encoder whose vectors are kept: its name and version say which vectors may be compared with which."""

    name = models.CharField(max_length=200, unique=True)
    dimensions = models.PositiveSmallIntegerField()
    is_complete = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.name


class QuestionVector(models.Model):
    """A known question's vector in one space."""

    question = models.ForeignKey(KnownQuestion, on_delete=models.CASCADE, related_name="vectors", db_index=False)
    space = models.ForeignKey(VectorSpace, on_delete=models.CASCADE, related_name="vectors")
    site_id = models.BigIntegerField()
    locale = models.CharField(max_length=2)
    segment = models.CharField(max_length=40, blank=True, default="")
    embedding = VectorField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["question", "space"], name="question_vector_once")]

    def __str__(self) -> str:
        return f"vector of question {self.question_id}"


class KnownDay(models.Model):
    """What known answers did on one day at one site. `asked`: what the model answered."""

    day = models.DateField()
    site = models.ForeignKey("conversations.Site", on_delete=models.CASCADE, related_name="+")
    asked = models.PositiveIntegerField(default=0)
    exact = models.PositiveIntegerField(default=0)
    near = models.PositiveIntegerField(default=0)
    fixed = models.PositiveIntegerField(default=0)
    checked = models.PositiveIntegerField(default=0)
    money_saved = models.DecimalField(max_digits=20, decimal_places=8, default=0)
    milliseconds_saved = models.BigIntegerField(default=0)

    class Meta:
        default_permissions = ("view",)
        constraints = [models.UniqueConstraint(fields=["day", "site"], name="known_day_unique")]

    def __str__(self) -> str:
        return str(self.day)
