"""Which models there are, how each is asked, and the routes: which account serves which model, in what order."""

import uuid

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from conversations.gateway.models.calls import Purpose
from conversations.gateway.models.providers import Account, Provider


class Tier(models.TextChoices):
    """What a model is for: a shop that has to save steps down to what is economical."""

    PREMIUM = "premium", _("Premium")
    STANDARD = "standard", _("Standard")
    ECONOMY = "economy", _("Economy")


class Placement(models.TextChoices):
    """Where the prompt's parts go."""

    CHAT = "chat", _("Instructions and examples first")
    REASONER = "reasoner", _("Reasoner: no system message, no examples")
    REASONER_FORCED = "reasoner_forced", _("Reasoner whose answer is started with <think>")


class LanguageModel(models.Model):
    """A model as its provider names it."""

    provider = models.ForeignKey(Provider, verbose_name=_("provider"), on_delete=models.PROTECT, related_name="models")
    name = models.CharField(_("name"), max_length=120, help_text=_("As the provider's API calls it."))
    tier = models.CharField(_("tier"), max_length=8, choices=Tier.choices, default=Tier.STANDARD)
    placement = models.CharField(_("prompt"), max_length=16, choices=Placement.choices, default=Placement.CHAT)
    extra_body = models.JSONField(
        _("extra fields"),
        default=dict,
        blank=True,
        help_text=_("Sent with every request as they are, for what only this server understands."),
    )
    is_baseline = models.BooleanField(
        _("baseline"), default=False, help_text=_("Savings are shown against what this model would have cost.")
    )

    class Meta:
        verbose_name = _("model")
        verbose_name_plural = _("models")
        ordering = ["provider__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "name"], name="model_unique_name"),
            models.UniqueConstraint(fields=["is_baseline"], condition=Q(is_baseline=True), name="model_one_baseline"),
            models.CheckConstraint(condition=~Q(name=""), name="model_name_not_blank"),
        ]

    def __str__(self) -> str:
        return f"{self.provider.name} / {self.name}"


class SamplingProfile(models.Model):
    """How a model picks its words for one use; what is empty is as the playbook says."""

    model = models.ForeignKey(LanguageModel, verbose_name=_("model"), on_delete=models.CASCADE, related_name="profiles")
    purpose = models.CharField(_("use"), max_length=10, choices=Purpose.choices, default=Purpose.REPLY)
    is_thinking = models.BooleanField(_("think first"), null=True, blank=True)
    temperature = models.FloatField(
        _("temperature"), null=True, blank=True, validators=[MinValueValidator(0), MaxValueValidator(2)]
    )
    top_p = models.FloatField(
        _("top p"), null=True, blank=True, validators=[MinValueValidator(0.01), MaxValueValidator(1)]
    )
    frequency_penalty = models.FloatField(
        _("frequency penalty"), null=True, blank=True, validators=[MinValueValidator(-2), MaxValueValidator(2)]
    )
    max_tokens = models.PositiveIntegerField(
        _("longest answer (tokens)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(50), MaxValueValidator(32000)],
    )

    class Meta:
        verbose_name = _("sampling")
        verbose_name_plural = _("sampling")
        constraints = [
            models.UniqueConstraint(fields=["model", "purpose"], name="profile_one_per_use"),
            models.CheckConstraint(
                condition=(Q(temperature__isnull=True) | Q(temperature__range=(0, 2)))
                & (Q(top_p__isnull=True) | Q(top_p__gt=0, top_p__lte=1))
                & (Q(frequency_penalty__isnull=True) | Q(frequency_penalty__range=(-2, 2)))
                & (Q(max_tokens__isnull=True) | Q(max_tokens__gte=1)),
                name="profile_in_range",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.model} ({self.get_purpose_display()})"


class Route(models.Model):
    """An account that serves a model: its place in the order, its share, its limits (empty: none)."""

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.PROTECT, related_name="routes")
    model = models.ForeignKey(LanguageModel, verbose_name=_("model"), on_delete=models.PROTECT, related_name="routes")
    is_on = models.BooleanField(_("on"), default=True)
    group = models.PositiveSmallIntegerField(
        _("priority group"), default=1, help_text=_("1 is tried first; the next group serves when no one in it can.")
    )
    weight = models.PositiveIntegerField(
        _("weight"), default=100, help_text=_("Its share within the group. 0: only when nobody else in it can.")
    )
    max_concurrency = models.PositiveIntegerField(
        _("answers at once"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    requests_per_minute = models.PositiveIntegerField(
        _("requests a minute"), null=True, blank=True, validators=[MinValueValidator(1)]
    )
    tokens_per_minute = models.PositiveIntegerField(
        _("tokens a minute"), null=True, blank=True, validators=[MinValueValidator(1)]
    )

    class Meta:
        verbose_name = _("route")
        verbose_name_plural = _("routes")
        ordering = ["group", "-weight", "pk"]
        constraints = [models.UniqueConstraint(fields=["account", "model"], name="route_unique")]

    def __str__(self) -> str:
        return f"{self.account} / {self.model.name}"

    @override
    def clean(self) -> None:
        """Check that account and model are of one provider."""
        if self.account_id and self.model_id and self.account.provider_id != self.model.provider_id:
            raise ValidationError({"model": _("This model belongs to another provider than the account.")})


class GatewayStamp(models.Model):
    """One row whose value is new after every change of what routing reads. Written by triggers only."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        db_table = "conversations_gateway_stamp"
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="gateway_stamp_one_row")]

    def __str__(self) -> str:
        return str(self.value)
