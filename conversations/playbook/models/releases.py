"""Releases: what customers meet. A release's content never changes (trigger of migration 0006); one of them is live."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q, Value
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_REASON_CHARS = 500


class CheckState(models.TextChoices):
    """What an evaluation found out about a release."""

    UNCHECKED = "unchecked", _("Not checked")
    GREEN = "green", _("Passed")
    RED = "red", _("Failed")


class ReleaseQuerySet(models.QuerySet["Release"]):
    """Reads of releases."""

    def live(self) -> "ReleaseQuerySet":
        """Return the one that customers meet."""
        return self.filter(is_live=True)

    def slim(self) -> "ReleaseQuerySet":
        """Return the releases without their content, which is large."""
        return self.defer("content")


class Release(models.Model):
    """An immutable, numbered snapshot of everything that shapes a reply, as `playbook.content` writes it."""

    number = models.PositiveIntegerField(_("number"), unique=True, editable=False)
    content = models.JSONField(editable=False)
    content_hash = models.CharField(_("content hash"), max_length=64, unique=True, editable=False)
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    author_name = models.CharField(_("who"), max_length=150, blank=True, default="", editable=False)
    comment = models.CharField(_("what is new"), max_length=MAX_REASON_CHARS, blank=True, default="")
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    check_state = models.CharField(
        _("check"), max_length=9, choices=CheckState.choices, default=CheckState.UNCHECKED, editable=False
    )
    checked_at = models.DateTimeField(_("checked"), null=True, editable=False)
    check_summary = models.JSONField(default=dict, editable=False)
    is_live = models.BooleanField(_("live"), default=False, editable=False)

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("release")
        verbose_name_plural = _("releases")
        ordering = ["-number"]
        default_permissions = ("view",)
        permissions = [("publish_release", _("Can publish and roll back releases"))]
        constraints = [
            # A constant in an index: all live releases share it, so there can be one.
            models.UniqueConstraint(Value(1), condition=Q(is_live=True), name="release_one_live"),
        ]

    def __str__(self) -> str:
        return str(_("release %(number)d") % {"number": self.number})

    @property
    def version(self) -> str:
        """The content's hash as replies name it."""
        return self.content_hash[:12]


class PublicationKind(models.TextChoices):
    """How a release came to be live."""

    FIRST = "first", _("First release")
    PUBLISH = "publish", _("Published")
    OVERRIDE = "override", _("Published without a passed check")
    ROLLBACK = "rollback", _("Rolled back")


class Publication(models.Model):
    """The moment from which customers met a release. Never changed, never deleted."""

    release = models.ForeignKey(
        Release, verbose_name=_("release"), on_delete=models.PROTECT, related_name="publications"
    )
    previous = models.ForeignKey(
        Release, verbose_name=_("before"), null=True, on_delete=models.PROTECT, related_name="+"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    by_name = models.CharField(_("who"), max_length=150, blank=True, default="")
    at = models.DateTimeField(_("when"), default=timezone.now)
    kind = models.CharField(_("how"), max_length=8, choices=PublicationKind.choices)
    reason = models.CharField(_("why"), max_length=MAX_REASON_CHARS, blank=True, default="")

    class Meta:
        verbose_name = _("publication")
        verbose_name_plural = _("publications")
        ordering = ["-pk"]
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.release}"


class Stamp(models.Model):
    """One row whose value is new whenever another release is live. Written by triggers only."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    value = models.UUIDField(default=uuid.uuid4, editable=False)

    class Meta:
        db_table = "conversations_playbook_stamp"
        default_permissions = ()
        constraints = [models.CheckConstraint(condition=Q(id=1), name="playbook_stamp_one_row")]

    def __str__(self) -> str:
        return str(self.value)
