"""The tables of what the bot knows: instruction, shop facts, intents, examples. All of it is edited by shop staff.

Every change of any of them, however it is made, gives the stamp a new value (triggers of migration 0002), which is how
`reading` notices it.
"""

import uuid

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale

MAX_TEXT_CHARS = 4000
MAX_NAME_CHARS = 80
MAX_KEY_CHARS = 40


class Instruction(models.Model):
    """How the bot shall behave, and how the model shall pick its words. There is one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    text = models.TextField(
        _("instruction"),
        help_text=_("How the bot behaves. The answer's form, the shop facts, the intents and the examples are added."),
    )
    temperature = models.FloatField(
        _("temperature"),
        default=0.2,
        validators=[MinValueValidator(0), MaxValueValidator(2)],
        help_text=_("0 to 2. Low is steady, high is varied. 0.2 suits answers in a fixed form."),
    )
    top_p = models.FloatField(
        _("top p"), default=1.0, validators=[MinValueValidator(0.01), MaxValueValidator(1)], help_text=_("0.01 to 1.")
    )
    frequency_penalty = models.FloatField(
        _("frequency penalty"),
        default=0.0,
        validators=[MinValueValidator(-2), MaxValueValidator(2)],
        help_text=_("-2 to 2. Above 0 it avoids repeating itself."),
    )
    max_tokens = models.PositiveIntegerField(
        _("longest answer (tokens)"), default=800, validators=[MinValueValidator(50), MaxValueValidator(8000)]
    )
    is_thinking = models.BooleanField(
        _("think first"), default=False, help_text=_("Slower and dearer; the temperature is then ignored.")
    )

    class Meta:
        verbose_name = _("instruction")
        verbose_name_plural = _("instruction")
        constraints = [
            models.CheckConstraint(condition=Q(id=1), name="instruction_one_row"),
            models.CheckConstraint(
                condition=Q(
                    temperature__range=(0, 2),
                    top_p__gt=0,
                    top_p__lte=1,
                    frequency_penalty__range=(-2, 2),
                    max_tokens__gte=1,
                ),
                name="instruction_sampling_in_range",
            ),
        ]

    def __str__(self) -> str:
        return str(_("instruction"))


class IntentQuerySet(models.QuerySet["Intent"]):
    """Reads of intents."""

    def on(self) -> "IntentQuerySet":
        """Return the intents in use, in order."""
        return self.filter(is_on=True).order_by("position", "pk")


class Intent(models.Model):
    """What a customer may want, as the model must name it."""

    key = models.CharField(
        _("key"), max_length=MAX_KEY_CHARS, unique=True, help_text=_("The word the model answers with; keep it short.")
    )
    name_th = models.CharField(_("name in Thai"), max_length=MAX_NAME_CHARS)
    name_en = models.CharField(_("name in English"), max_length=MAX_NAME_CHARS)
    belongs = models.TextField(_("what belongs"), max_length=MAX_TEXT_CHARS)
    belongs_not = models.TextField(_("what doesn't belong"), max_length=MAX_TEXT_CHARS, blank=True, default="")
    position = models.PositiveIntegerField(_("order"), default=0)
    is_on = models.BooleanField(_("on"), default=True)

    objects = IntentQuerySet.as_manager()

    class Meta:
        verbose_name = _("intent")
        verbose_name_plural = _("intents")
        ordering = ["position", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(key=""), name="intent_key_not_blank")]

    def __str__(self) -> str:
        return self.key


class FactQuerySet(models.QuerySet["Fact"]):
    """Reads of shop facts."""

    def on(self) -> "FactQuerySet":
        """Return the facts in use, in order."""
        return self.filter(is_on=True).order_by("position", "pk")


class Fact(models.Model):
    """Something true about the shop that answers rest on: opening hours, fees, policies."""

    title = models.CharField(_("title"), max_length=MAX_NAME_CHARS, unique=True)
    text_th = models.TextField(_("in Thai"), max_length=MAX_TEXT_CHARS)
    text_en = models.TextField(_("in English"), max_length=MAX_TEXT_CHARS)
    position = models.PositiveIntegerField(_("order"), default=0)
    is_on = models.BooleanField(_("on"), default=True)

    objects = FactQuerySet.as_manager()

    class Meta:
        verbose_name = _("shop fact")
        verbose_name_plural = _("shop facts")
        ordering = ["position", "pk"]
        constraints = [models.CheckConstraint(condition=~Q(text_th="") & ~Q(text_en=""), name="fact_not_blank")]

    def __str__(self) -> str:
        return self.title


class ExampleQuerySet(models.QuerySet["Example"]):
    """Reads of examples."""

    def on(self) -> "ExampleQuerySet":
        """Return the examples in use whose intent is in use too, in order, with their intents."""
        return self.filter(is_on=True, intent__is_on=True).select_related("intent").order_by("position", "pk")


class Example(models.Model):
    """A customer's words and the right answer to them."""

    customer_text = models.TextField(_("customer says"), max_length=MAX_TEXT_CHARS)
    intent = models.ForeignKey(Intent, verbose_name=_("intent"), on_delete=models.PROTECT, related_name="examples")
    response = models.TextField(_("the bot answers"), max_length=MAX_TEXT_CHARS)
    action_required = models.BooleanField(
        _("action required"), default=False, help_text=_("Something must be done or looked up in a system.")
    )
    escalate = models.BooleanField(_("hand to a person"), default=False)
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    position = models.PositiveIntegerField(_("order"), default=0)
    is_on = models.BooleanField(_("on"), default=True)
    note = models.CharField(_("note"), max_length=500, blank=True, default="", help_text=_("For staff only."))

    objects = ExampleQuerySet.as_manager()

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        ordering = ["position", "pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(customer_text="") & ~Q(response=""), name="example_not_blank")
        ]

    def __str__(self) -> str:
        return self.customer_text[:60]


class Stamp(models.Model):
    """One row whose value is new after every change of the tables above. Written by triggers only."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        db_table = "conversations_playbook_stamp"
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="playbook_stamp_one_row")]

    def __str__(self) -> str:
        return str(self.value)
