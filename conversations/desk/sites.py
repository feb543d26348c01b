"""Shop fronts in the admin: who may embed the widget, how it looks, when people are on duty, what to paste.

The identity secret never stands in a page: those who may change the site fetch it when they need it.
"""

import logging
import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import URLPattern, path, reverse
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from typing_extensions import override
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminColorInputWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from conversations.desk.audited import Audited
from conversations.desk.look import ModelAdmin
from conversations.desk.words import copy_words
from conversations.models import Site
from conversations.text.origins import normal_origin

logger = logging.getLogger(__name__)

CHANGE_SITE: Final = "conversations.change_site"


HOST: Final = re.compile(r"[a-z0-9._-]+|\[[0-9a-f:]+\]")


def entered_origin(text: str) -> str:
    """Return an origin as browsers send it. Raises ValidationError for what is none: a path, a wildcard, a word."""
    origin = normal_origin(text.removesuffix("/"))
    address = urlsplit(text.strip().removesuffix("/"))
    is_bare = not (address.path or address.query or address.fragment)
    if origin is None or not is_bare or not HOST.fullmatch(re.sub(r"^\w+://|:\d+$", "", origin)):
        raise ValidationError(_("%(text)s is not an origin such as https://shop.example."), params={"text": text})
    return origin


class OriginsField(forms.CharField):
    """Origins, one a line."""

    widget = UnfoldAdminTextareaWidget(attrs={"rows": 3})

    @override
    def prepare_value(self, value: object) -> object:
        """Show the stored list as lines."""
        return "\n".join(value) if isinstance(value, list) else value

    @override
    def to_python(self, value: object) -> Any:
        """Return the origins, each once, in the order they were entered."""
        lines = (line for line in str(value or "").splitlines() if line.strip())
        return list(dict.fromkeys(entered_origin(line.strip()) for line in lines))


if TYPE_CHECKING:
    SiteModelForm = forms.ModelForm[Site]
else:
    SiteModelForm = forms.ModelForm


class SiteForm(SiteModelForm):
    """A site's settings as a person enters them."""

    allowed_origins = OriginsField(
        label=_("Allowed origins"),
        required=False,
        help_text=_("One a line, such as https://shop.example. csbot's own address always may."),
    )
    duty_days = forms.TypedMultipleChoiceField(
        label=_("Days on duty"),
        required=False,
        coerce=int,
        choices=list(WEEKDAYS.items()),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
    timezone = forms.ChoiceField(
        label=_("Time zone"),
        choices=[(name, name) for name in sorted(available_timezones())],
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Site
        fields = (
            "name",
            "default_locale",
            "allowed_origins",
            "accent_colour",
            "greeting_th",
            "greeting_en",
            "timezone",
            "duty_days",
            "duty_from",
            "duty_until",
        )
        widgets = {"accent_colour": UnfoldAdminColorInputWidget}

    @override
    def clean(self) -> dict[str, Any]:
        """Check what no single field can: that duty begins before it ends."""
        cleaned = super().clean() or {}
        begins, ends = cleaned.get("duty_from"), cleaned.get("duty_until")
        if begins and ends and begins >= ends:
            self.add_error("duty_until", _("Duty must end after it begins, on the same day."))
        return cleaned


@admin.register(Site)
class SiteAdmin(Audited, ModelAdmin):
    """The shop fronts."""

    form = SiteForm
    list_display = ("name", "default_locale", "origins", "duty_from", "duty_until")
    change_form_outer_before_template = "admin/desk/embed.html"
    fieldsets = (
        (None, {"fields": ("name", "default_locale", "allowed_origins")}),
        (_("Look and greeting"), {"fields": ("accent_colour", "greeting_th", "greeting_en")}),
        (_("People on duty"), {"fields": ("duty_days", ("duty_from", "duty_until"), "timezone")}),
    )

    @admin.display(description=_("allowed origins"))
    def origins(self, site: Site) -> str:
        """Return the origins in a line."""
        return ", ".join(site.allowed_origins)

    @override
    def get_urls(self) -> list[URLPattern]:
        """Add the door to the secret."""
        view = self.admin_site.admin_view(secret_view)
        return [path("<int:site_id>/secret/", view, name="desk-secret"), *super().get_urls()]

    @override
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show what to paste into the shop's pages above the form."""
        site = Site.objects.filter(pk=object_id).first() if object_id and object_id.isdigit() else None
        return super().changeform_view(request, object_id, form_url, {**(extra_context or {}), **embed(request, site)})


def embed(request: HttpRequest, site: Site | None) -> dict[str, object]:
    """Return the line that puts the widget on a page, and the address of the secret, for a stored site."""
    if site is None:
        return {}
    loader = request.build_absolute_uri("/widget.js")
    return {
        "copy_words": copy_words(),
        "embed_snippet": f'<script src="{loader}" data-site="{site.public_key}" async></script>',
        "secret_url": reverse("admin:desk-secret", args=[site.pk]) if request.user.has_perm(CHANGE_SITE) else "",
    }


@require_POST
def secret_view(request: HttpRequest, site_id: int) -> JsonResponse:
    """Answer with the identity secret; the log says who asked."""
    if not request.user.has_perm(CHANGE_SITE):
        raise PermissionDenied
    site = Site.objects.filter(pk=site_id).first()
    if site is None:
        raise Http404
    logger.info("identity secret of site %d shown to user %s", site.pk, request.user.pk)
    return JsonResponse({"secret": site.identity_secret})
