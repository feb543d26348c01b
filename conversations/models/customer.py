"""Customers and the widget sessions that stand for their browsers."""

import secrets
from datetime import datetime

from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.models.site import Locale, Site


def make_session_key() -> str:
    """Return 192 random bits that name a widget session."""
    return secrets.token_urlsafe(24)


class Customer(models.Model):
    """A person who writes to a shop: known to the shop (`external_id`) or an anonymous visitor (blank)."""

    site = models.ForeignKey(Site, verbose_name=_("site"), on_delete=models.PROTECT, related_name="customers")
    external_id = models.CharField(_("customer id in the shop"), max_length=200, blank=True, default="")
    name = models.CharField(_("name"), max_length=200, blank=True, default="")
    email = models.CharField(_("e-mail"), max_length=254, blank=True, default="")
    locale = models.CharField(_("language"), max_length=2, choices=Locale.choices, default=Locale.TH)
    created_at = models.DateTimeField(_("first seen"), default=timezone.now)
    last_seen_at = models.DateTimeField(_("last seen"), default=timezone.now)

    class Meta:
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(
                fields=["site", "external_id"], condition=~Q(external_id=""), name="customer_unique_in_shop"
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.external_id or _("Visitor %(number)d") % {"number": self.pk}


class WidgetSessionQuerySet(models.QuerySet["WidgetSession"]):
    """Reads of widget sessions."""

    def valid(self, *, now: datetime) -> "WidgetSessionQuerySet":
        """Return the sessions that have not expired."""
        return self.filter(expires_at__gt=now)


class WidgetSession(models.Model):
    """One browser's right to one customer's conversation, until it expires."""

    key = models.CharField(max_length=64, primary_key=True, default=make_session_key)
    customer = models.ForeignKey(Customer, on_delete=models.CASCADE, related_name="sessions")
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    objects = WidgetSessionQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="session_expiry")]

    def __str__(self) -> str:
        return f"session of customer {self.customer_id}"
