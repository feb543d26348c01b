"""How the model picks its words for one use: general chat, answers in a fixed form, precise work, reasoning."""

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from conversations.playbook.models.versions import Versioned

MAX_NAME_CHARS = 80
MAX_KEY_CHARS = 40


class Profile(Versioned):
    """A sampling profile. Intents, rules and the instruction name the one they use."""

    key = models.CharField(
        _("key"),
        max_length=MAX_KEY_CHARS,
        unique=True,
        validators=[
            RegexValidator(r"^[a-z][a-z0-9_]*\Z", _("Small letters, digits and underscores, such as my_profile."))
        ],
    )
    name_th = models.CharField(_("name in Thai"), max_length=MAX_NAME_CHARS)
    name_en = models.CharField(_("name in English"), max_length=MAX_NAME_CHARS)
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
        verbose_name = _("sampling profile")
        verbose_name_plural = _("sampling profiles")
        ordering = ["key"]
        constraints = [
            models.CheckConstraint(condition=~Q(key=""), name="playbook_profile_key_not_blank"),
            models.CheckConstraint(
                condition=Q(
                    temperature__range=(0, 2),
                    top_p__gt=0,
                    top_p__lte=1,
                    frequency_penalty__range=(-2, 2),
                    max_tokens__gte=1,
                ),
                name="playbook_profile_in_range",
            ),
        ]

    def __str__(self) -> str:
        return (self.name_th if (get_language() or "").startswith("th") else self.name_en) or self.key
