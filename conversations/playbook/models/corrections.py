"""What agents would have answered better, waiting for an editor; and uploaded examples, waiting to be imported.

Texts are masked before they come here, and stay when the customer's own words are erased.
"""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale
from conversations.playbook.models.entries import MAX_TEXT_CHARS, Example
from conversations.playbook.models.evaluation import EvaluationCase
from conversations.playbook.models.profiles import MAX_KEY_CHARS

MAX_MASKED_CHARS = 2 * MAX_TEXT_CHARS
"""A mark may be longer than what it hides."""
MAX_COMMENT_CHARS = 500
MAX_PERSON_CHARS = 150


class CorrectionReason(models.TextChoices):
    """What was wrong with a reply."""

    WRONG = "wrong", _("What it says is not right")
    MISUNDERSTOOD = "misunderstood", _("It misunderstood the question")
    PERSON = "person", _("A person should have taken over")
    NO_PERSON = "no_person", _("No person was needed")
    TONE = "tone", _("Not how we talk to customers")
    INCOMPLETE = "incomplete", _("Something is missing")


class CorrectionState(models.TextChoices):
    """What became of a suggestion."""

    OPEN = "open", _("To review")
    APPROVED = "approved", _("In the draft")
    REJECTED = "rejected", _("Not used")


class CorrectionQuerySet(models.QuerySet["Correction"]):
    """Reads of corrections."""

    def open(self) -> "CorrectionQuerySet":
        """Return what waits for an editor, the oldest first."""
        return self.filter(state=CorrectionState.OPEN).order_by("pk")

    def approved(self) -> "CorrectionQuerySet":
        """Return what was taken into the draft, the newest first."""
        return self.filter(state=CorrectionState.APPROVED).order_by("-decided_at", "-pk")


class Correction(models.Model):
    """One reply of the bot that an agent found wrong, and what would have been right."""

    message = models.ForeignKey("conversations.Message", null=True, on_delete=models.SET_NULL, related_name="+")
    release = models.PositiveIntegerField(_("release"), null=True)
    question = models.TextField(_("customer says"), max_length=MAX_MASKED_CHARS)
    dialogue = models.JSONField(_("said before"), default=list)
    bot_answer = models.TextField(_("the bot answered"))
    bot_intent = models.CharField(_("the bot's intent"), max_length=MAX_KEY_CHARS, blank=True, default="")
    bot_escalate = models.BooleanField(default=False)
    bot_action_required = models.BooleanField(default=False)
    reason = models.CharField(_("what was wrong"), max_length=13, choices=CorrectionReason.choices)
    comment = models.CharField(_("comment"), max_length=MAX_COMMENT_CHARS, blank=True, default="")
    response = models.TextField(_("right answer"), max_length=MAX_MASKED_CHARS)
    intent = models.CharField(_("right intent"), max_length=MAX_KEY_CHARS)
    escalate = models.BooleanField(_("hand to a person"), default=False)
    action_required = models.BooleanField(_("action required"), default=False)
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+", verbose_name=_("who")
    )
    author_name = models.CharField(_("who"), max_length=MAX_PERSON_CHARS)
    created_at = models.DateTimeField(_("when"), default=timezone.now)
    state = models.CharField(
        _("state"), max_length=8, choices=CorrectionState.choices, default=CorrectionState.OPEN, db_index=True
    )
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    decided_by_name = models.CharField(_("decided by"), max_length=MAX_PERSON_CHARS, blank=True, default="")
    decided_at = models.DateTimeField(_("decided"), null=True)
    decision = models.CharField(_("why"), max_length=MAX_COMMENT_CHARS, blank=True, default="")
    example = models.ForeignKey(Example, null=True, on_delete=models.SET_NULL, related_name="+")
    case = models.ForeignKey(EvaluationCase, null=True, on_delete=models.SET_NULL, related_name="+")

    objects = CorrectionQuerySet.as_manager()

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        ordering = ["-pk"]
        default_permissions = ("add", "change", "view")
        constraints = [
            models.UniqueConstraint(
                fields=["message"], condition=~Q(state=CorrectionState.REJECTED), name="correction_one_of_message"
            ),
            models.CheckConstraint(
                condition=Q(state=CorrectionState.OPEN) ^ Q(decided_at__isnull=False),
                name="correction_decided_iff_not_open",
            ),
            models.CheckConstraint(condition=~Q(question="") & ~Q(response=""), name="correction_not_blank"),
        ]

    def __str__(self) -> str:
        return self.question[:60]


class FileFormat(models.TextChoices):
    """How a file of examples is written."""

    CSV = "csv", _("CSV")
    JSONL = "jsonl", _("JSON lines")
    XLSX = "xlsx", _("Excel (XLSX)")


class ExampleImport(models.Model):
    """A file of examples that somebody uploaded: its rows, until they are imported or thrown away."""

    file_name = models.CharField(_("file"), max_length=200)
    file_format = models.CharField(_("format"), max_length=5, choices=FileFormat.choices)
    rows = models.JSONField(default=list)
    is_masking = models.BooleanField(_("put marks in place of personal data"), default=False)
    author = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(_("when"), default=timezone.now)

    class Meta:
        verbose_name = _("import of examples")
        verbose_name_plural = _("imports of examples")
        default_permissions = ()

    def __str__(self) -> str:
        return self.file_name
