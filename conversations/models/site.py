"""A shop's site: who may embed the widget, how it looks and speaks, and when people are on duty."""

import secrets
from datetime import time

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

WORKING_DAYS = [0, 1, 2, 3, 4, 5]


class Locale(models.TextChoices):
    """The languages csbot speaks."""

    TH = "th", _("Thai")
    EN = "en", _("English")


def make_public_key() -> str:
    """Return a key that names a site in a page's source; it is public and grants nothing by itself."""
    return secrets.token_urlsafe(12)


def make_identity_secret() -> str:
    """Return the secret with which a shop's server signs its customers' identities (256 bits)."""
    return secrets.token_urlsafe(32)


def default_duty_days() -> list[int]:
    """Return Monday to Saturday, as `date.weekday()` counts."""
    return list(WORKING_DAYS)


class SiteQuerySet(models.QuerySet["Site"]):
    """Reads of sites."""

    def for_key(self, public_key: str | None) -> "Site":
        """Return the site with this key, or the default (first) site for None. Raises Site.DoesNotExist."""
        site = self.order_by("pk").first() if public_key is None else self.filter(public_key=public_key).first()
        if site is None:
            raise Site.DoesNotExist(f"no site {public_key!r}")
        return site


class Site(models.Model):
    """One shop front."""

    public_key = models.CharField(_("public key"), max_length=64, unique=True, default=make_public_key)
    name = models.CharField(_("shop name"), max_length=120)
    identity_secret = models.CharField(_("identity secret"), max_length=128, default=make_identity_secret)
    allowed_origins = ArrayField(
        models.CharField(max_length=255),
        verbose_name=_("allowed origins"),
        default=list,
        blank=True,
        help_text=_("Pages that may show the widget, such as https://shop.example. csbot's own address always may."),
    )
    accent_colour = models.CharField(
        _("colour"), max_length=7, default="#0f766e", validators=[RegexValidator(r"^#[0-9a-fA-F]{6}$")]
    )
    greeting_th = models.CharField(
        _("greeting in Thai"), max_length=300, default="สวัสดีค่ะ มีอะไรให้ช่วยไหมคะ ถามได้ตลอด 24 ชั่วโมงเลยค่ะ"
    )
    greeting_en = models.CharField(
        _("greeting in English"), max_length=300, default="Hello! How can we help? Ask us anything, any time."
    )
    default_locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    timezone = models.CharField(_("time zone"), max_length=64, default="Asia/Bangkok")
    duty_days = ArrayField(
        models.PositiveSmallIntegerField(),
        verbose_name=_("days on duty"),
        default=default_duty_days,
        help_text=_("0 is Monday, 6 is Sunday."),
    )
    duty_from = models.TimeField(_("on duty from"), default=time(9, 0))
    duty_until = models.TimeField(_("on duty until"), default=time(18, 0))

    objects = SiteQuerySet.as_manager()

    class Meta:
        verbose_name = _("site")
        verbose_name_plural = _("sites")
        constraints = [
            models.CheckConstraint(
                condition=Q(duty_from__lt=models.F("duty_until")), name="site_duty_from_before_until"
            ),
            models.CheckConstraint(condition=Q(accent_colour__regex=r"^#[0-9a-fA-F]{6}$"), name="site_colour_is_hex"),
        ]

    def __str__(self) -> str:
        return self.name
