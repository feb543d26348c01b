"""Who changed what: one row for each change of how the bot behaves. Never changed, never deleted."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

MAX_OBJECT_NAME_CHARS = 200


class Verb(models.TextChoices):
    """What was done."""

    ADD = "add", _("added")
    CHANGE = "change", _("changed")
    DELETE = "delete", _("deleted")
    IMPORT = "import", _("imported")
    APPROVE = "approve", _("approved")
    REJECT = "reject", _("rejected")
    FREEZE = "freeze", _("made a release")
    CHECK = "check", _("checked")
    PUBLISH = "publish", _("published")
    OVERRIDE = "override", _("published without a passed check")
    ROLLBACK = "rollback", _("rolled back")
    RESET = "reset", _("took the draft back")


class AuditQuerySet(models.QuerySet["AuditEntry"]):
    """Reads of the audit log."""

    def about(self, object_type: str, object_id: object) -> "AuditQuerySet":
        """Return what was done to one thing, the newest first."""
        return self.filter(object_type=object_type, object_id=str(object_id)).order_by("-pk")


class AuditEntry(models.Model):
    """One change. `changes` says per field what it was and what it is."""

    at = models.DateTimeField(_("when"), default=timezone.now, db_index=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, verbose_name=_("who"), null=True, on_delete=models.SET_NULL, related_name="+"
    )
    actor_name = models.CharField(_("who"), max_length=150, blank=True, default="")
    verb = models.CharField(_("what"), max_length=10, choices=Verb.choices)
    object_type = models.CharField(_("kind"), max_length=60)
    object_id = models.CharField(max_length=40, blank=True, default="")
    object_name = models.CharField(_("name"), max_length=MAX_OBJECT_NAME_CHARS, blank=True, default="")
    changes = models.JSONField(_("changes"), default=dict, blank=True)
    reason = models.CharField(_("why"), max_length=500, blank=True, default="")

    objects = AuditQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit entry")
        verbose_name_plural = _("audit log")
        ordering = ["-pk"]
        default_permissions = ("view",)
        indexes = [models.Index(fields=["object_type", "object_id", "-id"], name="audit_of_object")]

    def __str__(self) -> str:
        return f"{self.actor_name} {self.get_verb_display()} {self.object_name}"
