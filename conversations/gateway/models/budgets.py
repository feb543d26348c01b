"""What may be spent, and what happens when it is: the shop's own limits, apart from those of providers."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from conversations.gateway.models.providers import Provider


class Period(models.TextChoices):
    """What a budget is for; days and months are those of the shop's clock."""

    DAY = "day", _("a day")
    MONTH = "month", _("a month")


class StepDown(models.TextChoices):
    """What is done at the cap."""

    CHEAPER = "cheaper", _("Only economy models answer")
    KNOWN = "known", _("Only known answers, else a person")
    PEOPLE = "people", _("People answer")


class Budget(models.Model):
    """A cap for one provider, or for all together (`provider` empty)."""

    provider = models.ForeignKey(
        Provider,
        verbose_name=_("provider"),
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="budgets",
        help_text=_("Empty: all providers together."),
    )
    period = models.CharField(_("period"), max_length=5, choices=Period.choices, default=Period.DAY)
    cap = models.DecimalField(
        _("cap"), max_digits=14, decimal_places=4, validators=[MinValueValidator(Decimal("0.0001"))]
    )
    currency = models.CharField(
        _("currency"), max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}$", _("Such as USD."))]
    )
    warn_at = models.PositiveSmallIntegerField(
        _("warn at (%)"), default=80, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    step_down = models.CharField(_("at the cap"), max_length=7, choices=StepDown.choices, default=StepDown.CHEAPER)
    is_on = models.BooleanField(_("on"), default=True)

    class Meta:
        verbose_name = _("budget")
        verbose_name_plural = _("budgets")
        ordering = ["provider__name", "period", "cap"]
        constraints = [
            models.CheckConstraint(condition=Q(cap__gt=0), name="budget_cap_positive"),
            models.CheckConstraint(condition=Q(warn_at__range=(1, 100)), name="budget_warns_within"),
            models.UniqueConstraint(
                fields=["provider", "period", "currency", "step_down"], name="budget_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        whose = self.provider.name if self.provider else _("all providers")
        return f"{whose}: {self.cap.normalize():f} {self.currency} {self.get_period_display()}"
