"""The draft: instruction, shop facts, intents, examples as shop staff edit them. Customers meet them in a release."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.models import Locale
from conversations.playbook.models.profiles import MAX_KEY_CHARS, MAX_NAME_CHARS, Profile
from conversations.playbook.models.versions import Versioned

MAX_TEXT_CHARS = 4000
MAX_TAG_CHARS = 40


class Instruction(Versioned):
    """How the bot shall behave, and which profile is the usual one. There is one row."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    text = models.TextField(
        _("instruction"),
        help_text=_("How the bot behaves. The answer's form, the shop facts, the intents and the examples are added."),
    )
    profile = models.ForeignKey(
        Profile,
        verbose_name=_("usual sampling profile"),
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("How the model picks its words where an intent says nothing else."),
    )

    class Meta:
        verbose_name = _("instruction")
        verbose_name_plural = _("instruction")
        constraints = [models.CheckConstraint(condition=Q(id=1), name="instruction_one_row")]

    def __str__(self) -> str:
        return str(_("instruction"))


class OnAction(models.TextChoices):
    """What happens when the bot says that something must be done."""

    NOTE = "note", _("Only mark the reply")
    ESCALATE = "escalate", _("Hand to a person")


class IntentQuerySet(models.QuerySet["Intent"]):
    """Reads of intents."""

    def on(self) -> "IntentQuerySet":
        """Return the intents in use, in order."""
        return self.filter(is_on=True).order_by("position", "pk")


class Intent(Versioned):
    """What a customer may want, as the model must name it, and what follows from it."""

    key = models.CharField(
        _("key"), max_length=MAX_KEY_CHARS, unique=True, help_text=_("The word the model answers with; keep it short.")
    )
    name_th = models.CharField(_("name in Thai"), max_length=MAX_NAME_CHARS)
    name_en = models.CharField(_("name in English"), max_length=MAX_NAME_CHARS)
    belongs = models.TextField(_("what belongs"), max_length=MAX_TEXT_CHARS)
    belongs_not = models.TextField(_("what doesn't belong"), max_length=MAX_TEXT_CHARS, blank=True, default="")
    is_reusable = models.BooleanField(
        _("answers may be reused"),
        default=False,
        help_text=_("The same question gets the same answer again without asking the model. Not for what changes."),
    )
    needs_person = models.BooleanField(
        _("a person must always see it"),
        default=False,
        help_text=_("The bot answers, and hands the conversation over."),
    )
    on_action = models.CharField(
        _("when something must be done"), max_length=8, choices=OnAction.choices, default=OnAction.NOTE
    )
    profile = models.ForeignKey(
        Profile,
        verbose_name=_("sampling profile"),
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text=_("Empty: the usual one."),
    )
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


class Fact(Versioned):
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


class Example(Versioned):
    """A customer's words and the right answer to them."""

    customer_text = models.TextField(_("customer says"), max_length=MAX_TEXT_CHARS)
    intent = models.ForeignKey(Intent, verbose_name=_("intent"), on_delete=models.PROTECT, related_name="examples")
    response = models.TextField(_("the bot answers"), max_length=MAX_TEXT_CHARS)
    action_required = models.BooleanField(
        _("action required"), default=False, help_text=_("Something must be done or looked up in a system.")
    )
    escalate = models.BooleanField(_("hand to a person"), default=False)
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    tags = ArrayField(
        models.CharField(max_length=MAX_TAG_CHARS),
        verbose_name=_("tags"),
        default=list,
        blank=True,
        help_text=_("Words to find it by, with commas between."),
    )
    is_pinned = models.BooleanField(
        _("always shown to the model"),
        default=True,
        help_text=_("Off: shown only where it is among the nearest to the customer's question."),
    )
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
