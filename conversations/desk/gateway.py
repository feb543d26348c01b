"""Model providers in the admin: accounts, keys, models, prices, routes, and a button that makes one real call.

For people with the right to operate providers only. A key is entered, never shown: pages have its end and fingerprint.
"""

from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.decorators import method_decorator
from django.utils.translation import gettext_lazy as _
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_POST
from typing_extensions import override
from unfold.widgets import UnfoldAdminPasswordWidget

from conversations.desk import route_states
from conversations.desk.audited import Audited
from conversations.desk.look import ModelAdmin, coloured
from conversations.desk.prices import PriceInline
from conversations.desk.rows import RowForm
from conversations.gateway.catalog import key_circuit
from conversations.gateway.models import (
    Account,
    ApiKey,
    LanguageModel,
    Provider,
    Route,
    SamplingProfile,
)
from conversations.gateway.reading import read_candidate
from conversations.gateway.secrets import SealError, Secret, fingerprint, unseal
from conversations.gateway.standing import read_open_circuits
from conversations.gateway.starter import add_starter_prices
from conversations.gateway.trial import Question, try_out
from conversations.playbook.prompt import Speaker, Turn, build_prompt
from conversations.playbook.reading import current_playbook

if TYPE_CHECKING:
    KeyModelForm = forms.ModelForm[ApiKey]
    ProviderModelForm = forms.ModelForm[Provider]
    TabularInline = admin.TabularInline[Any, Any]
else:
    from unfold.admin import TabularInline

    KeyModelForm = ProviderModelForm = forms.ModelForm

OPERATOR: Final = "conversations.operator"
TEST_QUESTION: Final = "ร้านเปิดกี่โมงคะ"
HISTORY_TOKENS: Final = 500
NO_PROXY: Final = "-"
hides_secrets = method_decorator(sensitive_post_parameters())


def may_operate(request: HttpRequest) -> bool:
    """Say whether this person may see and change providers."""
    return request.user.has_perm(OPERATOR)


class OperatorsOnly:
    """All of a page, or none of it, by one right."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Show it in lists of pages."""
        return may_operate(request)

    def has_view_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        """Show it."""
        return may_operate(request)

    def has_add_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        """Add to it."""
        return may_operate(request)

    def has_change_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        """Change it."""
        return may_operate(request)

    def has_delete_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        """Delete from it."""
        return may_operate(request)


class Kept(OperatorsOnly):
    """What calls refer to is switched off, not deleted."""

    @override
    def has_delete_permission(self, request: HttpRequest, _obj: Model | None = None) -> bool:
        return False


class KeyForm(KeyModelForm):
    """A key as it is entered: once, never to be read again."""

    key = forms.CharField(
        label=_("New key"),
        required=False,
        strip=True,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    class Meta:
        model = ApiKey
        fields = ("label", "is_on")

    @override
    def clean(self) -> dict[str, Any]:
        """Check that a new row brings a key, and that the account doesn't have it yet."""
        cleaned = super().clean() or {}
        key = Secret(cleaned.pop("key", "") or "")
        if not key:
            if self.instance._state.adding:
                self.add_error("key", _("Enter the key."))
            return cleaned
        same = ApiKey.objects.filter(account_id=self.instance.account_id, fingerprint=fingerprint(key))
        if same.exclude(pk=self.instance.pk).exists():
            self.add_error("key", _("The account has this key already."))
        if not key.reveal().isascii() or not key.reveal().isprintable():
            self.add_error("key", _("This is no key: it holds letters that no key has."))
        self.instance.set_key(key)
        return cleaned


class KeyInline(OperatorsOnly, TabularInline):
    """An account's keys."""

    model = ApiKey
    form = KeyForm
    fields = ("label", "hint_shown", "now", "key", "is_on", "is_from_environment", "created_at")
    readonly_fields = ("hint_shown", "now", "is_from_environment", "created_at")
    extra = 0

    @admin.display(description=_("Key"))
    def hint_shown(self, row: ApiKey) -> str:
        """Return the end of the key, as its owner sees it at the provider."""
        return f"•••• {row.hint}" if row.pk else ""

    @admin.display(description=_("now"))
    def now(self, row: ApiKey) -> str:
        """Return whether the provider takes the key."""
        if not row.pk or not row.is_on:
            return "–"
        name = key_circuit(row.account_id, row.fingerprint)
        return str(_("refused") if read_open_circuits([name]) else _("works, or not tried yet"))


class RouteInline(OperatorsOnly, TabularInline):
    """The models an account serves."""

    model = Route
    fields = (
        "model",
        "is_on",
        "group",
        "weight",
        "max_concurrency",
        "requests_per_minute",
        "tokens_per_minute",
    )
    extra = 0


class AccountInline(Kept, TabularInline):
    """A provider's accounts."""

    model = Account
    fields = ("name", "is_on", "note")
    extra = 0
    show_change_link = True


class ModelInline(Kept, TabularInline):
    """A provider's models."""

    model = LanguageModel
    fields = ("name", "tier", "placement", "is_baseline")
    extra = 0
    show_change_link = True


class OperatorsPriceInline(OperatorsOnly, PriceInline):
    """A model's prices, for those who operate providers."""


class ProfileInline(OperatorsOnly, TabularInline):
    """How a model samples, by use."""

    model = SamplingProfile
    extra = 0


class ProviderForm(ProviderModelForm):
    """A provider as a person enters it. The proxy may hold a password, so it is entered like a key."""

    proxy = forms.CharField(
        label=_("Outgoing proxy"),
        required=False,
        max_length=500,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "off"}),
        help_text=_("Such as http://user:password@proxy.example:3128. Empty: as it is. A single - takes it away."),
    )

    class Meta:
        model = Provider
        fields = ("name", "kind", "base_url", "is_on", "first_token_seconds", "between_chunks_seconds", "note")

    def clean_proxy(self) -> str:
        """Check that it is an address, and take it."""
        proxy = str(self.cleaned_data.get("proxy") or "").strip()
        if proxy and proxy != NO_PROXY and not proxy.startswith(("http://", "https://")):
            raise ValidationError(_("A proxy's address starts with http:// or https://."))
        if proxy:
            self.instance.set_proxy("" if proxy == NO_PROXY else proxy)
        return ""


class TestedAdmin(Audited, ModelAdmin):
    """A page with a button for each key of each route that makes one real call."""

    change_form_outer_before_template = "admin/desk/provider_tests.html"

    def routes(self, object_id: str) -> QuerySet[Route]:
        """Return the routes that this page offers for a test."""
        raise NotImplementedError

    @override
    @hides_secrets
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the buttons above the form."""
        offers = list(test_offers(self.routes(object_id))) if object_id and object_id.isdigit() else []
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), "test_offers": offers})


@admin.register(Provider)
class ProviderAdmin(Kept, TestedAdmin):
    """The providers."""

    form = ProviderForm
    list_display = ("name", "kind", "base_url", "is_on", "proxy_shown")
    inlines = (AccountInline, ModelInline)
    fieldsets = (
        (None, {"fields": ("name", "kind", "base_url", "is_on", "note")}),
        (_("Connection"), {"fields": ("proxy", "proxy_shown", "first_token_seconds", "between_chunks_seconds")}),
    )
    readonly_fields = ("proxy_shown",)

    @override
    def routes(self, object_id: str) -> QuerySet[Route]:
        return Route.objects.filter(account__provider_id=object_id)

    @admin.display(description=_("proxy"))
    def proxy_shown(self, provider: Provider) -> str:
        """Return the proxy's host, without name and password."""
        if not provider.proxy_sealed:
            return "-"
        try:
            return unseal(provider.proxy_sealed).reveal().rpartition("@")[2].rpartition("//")[2]
        except SealError:
            return str(_("can't be opened: enter it again"))

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the door to the test."""
        view = self.admin_site.admin_view(test_view)
        return [path("test/<int:route_id>/", view, name="gateway-test"), *super().get_urls()]


@admin.register(Account)
class AccountAdmin(Kept, TestedAdmin):
    """The accounts with their keys and routes."""

    list_display = ("name", "provider", "is_on")
    list_select_related = ("provider",)
    list_filter = ("provider",)
    inlines = (KeyInline, RouteInline)
    fields = ("provider", "name", "is_on", "note")

    @override
    def routes(self, object_id: str) -> QuerySet[Route]:
        return Route.objects.filter(account_id=object_id)


@admin.register(LanguageModel)
class LanguageModelAdmin(Kept, Audited, ModelAdmin):
    """The models with their prices and sampling."""

    list_display = ("name", "provider", "tier", "placement", "is_baseline")
    list_select_related = ("provider",)
    list_filter = ("provider",)
    inlines = (OperatorsPriceInline, ProfileInline)
    fields = ("provider", "name", "tier", "placement", "extra_body", "is_baseline")

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Put the prices in that are known for the name, where none were entered."""
        super().save_related(request, form, formsets, change)
        add_starter_prices(form.instance)


@admin.register(Route)
class RouteAdmin(OperatorsOnly, Audited, ModelAdmin):
    """The order in which providers are tried: groups first, then weights."""

    list_display = ("route_name", "state", "group", "weight", "is_on")
    list_editable = ("group", "weight", "is_on")
    list_select_related = ("account__provider", "model")
    fields = (
        "account",
        "model",
        "is_on",
        "group",
        "weight",
        "max_concurrency",
        "requests_per_minute",
        "tokens_per_minute",
    )

    @override
    def get_changelist_form(self, request: HttpRequest, **options: Any) -> Any:
        """Name the cells."""
        return super().get_changelist_form(request, **{"form": RowForm, **options})

    @admin.display(description=_("route"))
    def route_name(self, route: Route) -> str:
        """Return provider, account and model."""
        return str(route)

    @coloured(description=_("now"), colours=route_states.COLOURS, ordering="is_on")
    def state(self, route: Route) -> tuple[str, str]:
        """Return whether it answers, with its colour."""
        return route_states.state_of(route)


def test_offers(routes: QuerySet[Route]) -> list[dict[str, object]]:
    """Return what can be tested: each key of each route."""
    offers: list[dict[str, object]] = []
    for route in routes.select_related("account__provider", "model"):
        keys = [(key.fingerprint, str(key), key.is_on) for key in route.account.keys.all()] or [("", "-", True)]
        offers += [
            {"route": route, "fingerprint": name, "key": shown, "is_on": route.is_on and is_on}
            for name, shown, is_on in keys
        ]
    return offers


@require_POST
def test_view(request: HttpRequest, route_id: int) -> HttpResponse:
    """Make one real call over a route with one of its keys, and show what came of it."""
    if not may_operate(request):
        raise PermissionDenied
    candidate = read_candidate(route_id)
    if candidate is None:
        raise Http404
    wanted = request.POST.get("key", "")
    key = next((key for key in candidate.keys if key.fingerprint == wanted), None)
    if key is None:
        raise Http404
    trial = try_out(candidate, key, test_question())
    context = {
        **admin.site.each_context(request),
        "title": _("Test of %(provider)s") % {"provider": candidate.provider},
        "candidate": candidate,
        "fingerprint": key.fingerprint,
        "question": TEST_QUESTION,
        "trial": trial,
    }
    return TemplateResponse(request, "admin/desk/provider_test.html", context)


def test_question() -> Question:
    """Return the question a test asks, with the playbook that customers' questions go with."""
    playbook = current_playbook()
    turns = [Turn(Speaker.CUSTOMER, TEST_QUESTION)]
    prompt = build_prompt(playbook, turns, locale="th", budget_tokens=HISTORY_TOKENS)
    return Question(prompt.messages, prompt.sampling, playbook.intent_keys, playbook.version)
