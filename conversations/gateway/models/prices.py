"""What a model's tokens cost, when. Data, never code: prices and peak hours move."""

from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.gateway.models.routes import LanguageModel

PRICE_DIGITS = 14
PRICE_PLACES = 6
NOT_NEGATIVE = MinValueValidator(Decimal(0))


class Price(models.Model):
    """Prices per million tokens, from a day on, at all hours or in a daily window (UTC), which comes first.

    Of several that apply the one with a window counts, then the one that began last. A call is priced by the moment it
    was sent.
    """

    model = models.ForeignKey(LanguageModel, verbose_name=_("model"), on_delete=models.CASCADE, related_name="prices")
    currency = models.CharField(
        _("currency"), max_length=3, default="USD", validators=[RegexValidator(r"^[A-Z]{3}$", _("Such as USD."))]
    )
    input = models.DecimalField(
        _("input"), max_digits=PRICE_DIGITS, decimal_places=PRICE_PLACES, validators=[NOT_NEGATIVE]
    )
    cached_input = models.DecimalField(
        _("cached input"), max_digits=PRICE_DIGITS, decimal_places=PRICE_PLACES, validators=[NOT_NEGATIVE]
    )
    output = models.DecimalField(
        _("output"), max_digits=PRICE_DIGITS, decimal_places=PRICE_PLACES, validators=[NOT_NEGATIVE]
    )
    valid_from = models.DateTimeField(_("valid from"), default=timezone.now)
    valid_until = models.DateTimeField(_("valid until"), null=True, blank=True)
    window_from = models.TimeField(_("from (UTC)"), null=True, blank=True, help_text=_("Empty: at all hours."))
    window_until = models.TimeField(_("until (UTC)"), null=True, blank=True)
    window_days = ArrayField(
        models.PositiveSmallIntegerField(validators=[MaxValueValidator(6)]),
        verbose_name=_("weekdays"),
        default=list,
        blank=True,
        help_text=_("0 is Monday, 6 is Sunday, in UTC. Empty: every day."),
    )
    except_days = ArrayField(
        models.DateField(),
        verbose_name=_("except on"),
        default=list,
        blank=True,
        help_text=_("Days on which the window doesn't apply, such as the provider's holidays."),
    )
    note = models.CharField(_("note"), max_length=200, blank=True, default="")

    class Meta:
        verbose_name = _("price")
        verbose_name_plural = _("prices")
        ordering = ["model", "-valid_from", "window_from"]
        constraints = [
            models.CheckConstraint(
                condition=Q(input__gte=0, cached_input__gte=0, output__gte=0), name="price_not_negative"
            ),
            models.CheckConstraint(
                condition=Q(valid_until__isnull=True) | Q(valid_until__gt=F("valid_from")),
                name="price_from_before_until",
            ),
            models.CheckConstraint(
                condition=Q(window_from__isnull=True, window_until__isnull=True)
                | Q(window_from__isnull=False, window_until__isnull=False),
                name="price_window_whole",
            ),
        ]

    def __str__(self) -> str:
        prices = " / ".join(f"{price.normalize():f}" for price in (self.input, self.cached_input, self.output))
        window = f", {self.window_from:%H:%M}-{self.window_until:%H:%M} UTC" if self.window_from else ""
        return f"{prices} {self.currency}{window}"
