"""Providers, the accounts a shop has with them, and the accounts' keys. Keys and proxies are stored sealed only.

Every change of these tables, however it is made, gives the stamp a new value (triggers), which is how `reading` notices
it. What calls refer to is never deleted, only switched off.
"""

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from conversations.gateway.secrets import Secret, fingerprint, hint, seal

MAX_NAME_CHARS = 40
MAX_URL_CHARS = 300
HTTP_URL = RegexValidator(r"^https?://[^\s@/]+(/\S*)?$", _("An address such as https://api.example.com/v1."))


class ProviderKind(models.TextChoices):
    """How a provider's server wants to be spoken to."""

    DEEPSEEK = "deepseek", _("DeepSeek")
    OPENAI = "openai", _("OpenAI")
    SELF_HOSTED = "self_hosted", _("Self-hosted (vLLM, Ollama ...)")
    SIMULATOR = "simulator", _("Simulator")


KEYLESS = frozenset({ProviderKind.SELF_HOSTED, ProviderKind.SIMULATOR})
"""Kinds that may be called without a key."""


class Provider(models.Model):
    """Somebody who serves models. `environment` is what the environment said last, where it made this row."""

    name = models.CharField(_("name"), max_length=MAX_NAME_CHARS, unique=True)
    kind = models.CharField(_("kind"), max_length=12, choices=ProviderKind.choices)
    base_url = models.CharField(_("base URL"), max_length=MAX_URL_CHARS, validators=[HTTP_URL])
    proxy_sealed = models.TextField(blank=True, default="", editable=False)
    is_on = models.BooleanField(_("on"), default=True)
    first_token_seconds = models.FloatField(
        _("wait for the first word (s)"), null=True, blank=True, help_text=_("Empty: as set for all providers.")
    )
    between_chunks_seconds = models.FloatField(
        _("wait between words (s)"), null=True, blank=True, help_text=_("Empty: as set for all providers.")
    )
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    environment = models.JSONField(default=dict, blank=True, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("provider")
        verbose_name_plural = _("providers")
        ordering = ["name"]
        permissions = [("operator", _("Can operate model providers"))]
        constraints = [
            models.CheckConstraint(condition=~Q(name="") & ~Q(base_url=""), name="provider_not_blank"),
            models.CheckConstraint(
                condition=(Q(first_token_seconds__isnull=True) | Q(first_token_seconds__gt=0))
                & (Q(between_chunks_seconds__isnull=True) | Q(between_chunks_seconds__gt=0)),
                name="provider_waits_positive",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def set_proxy(self, proxy: str) -> None:
        """Seal the outgoing proxy's address, which may hold a password; "" for none."""
        self.proxy_sealed = seal(Secret(proxy)) if proxy else ""


class Account(models.Model):
    """One contract with a provider. Limits and balance belong to it, not to its keys."""

    provider = models.ForeignKey(
        Provider, verbose_name=_("provider"), on_delete=models.PROTECT, related_name="accounts"
    )
    name = models.CharField(_("name"), max_length=MAX_NAME_CHARS, default="main")
    is_on = models.BooleanField(_("on"), default=True)
    note = models.CharField(_("note"), max_length=500, blank=True, default="")

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        ordering = ["provider__name", "name"]
        constraints = [
            models.UniqueConstraint(fields=["provider", "name"], name="account_unique_name"),
            models.CheckConstraint(condition=~Q(name=""), name="account_name_not_blank"),
        ]

    def __str__(self) -> str:
        return f"{self.provider.name} / {self.name}"


class ApiKey(models.Model):
    """A key of an account. The row holds it sealed; `fingerprint` names it in calls and logs, `hint` is its end."""

    account = models.ForeignKey(Account, verbose_name=_("account"), on_delete=models.CASCADE, related_name="keys")
    label = models.CharField(_("label"), max_length=MAX_NAME_CHARS, blank=True, default="")
    sealed = models.TextField(editable=False)
    fingerprint = models.CharField(_("fingerprint"), max_length=12, editable=False)
    hint = models.CharField(_("key"), max_length=8, blank=True, default="", editable=False)
    is_on = models.BooleanField(_("on"), default=True)
    is_from_environment = models.BooleanField(_("from the environment"), default=False, editable=False)
    created_at = models.DateTimeField(_("added"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("key")
        verbose_name_plural = _("keys")
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(fields=["account", "fingerprint"], name="apikey_once_per_account"),
            models.CheckConstraint(condition=~Q(sealed=""), name="apikey_not_blank"),
        ]

    def __str__(self) -> str:
        return f"…{self.hint} ({self.fingerprint})"

    def set_key(self, key: Secret) -> None:
        """Seal a key into this row."""
        self.sealed, self.fingerprint, self.hint = seal(key), fingerprint(key), hint(key)
