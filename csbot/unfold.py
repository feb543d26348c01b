"""How the admin looks (django-unfold): names, colours, sidebar."""

from typing import Final

from django.templatetags.static import static
from django.utils.translation import gettext_lazy as _

# Teal, one step darker than usual from 600 on: white text on 600 must have a contrast of 4.5.
PRIMARY: Final = {
    "50": "oklch(98.4% .014 180.72)",
    "100": "oklch(95.3% .051 180.801)",
    "200": "oklch(91% .096 180.426)",
    "300": "oklch(85.5% .138 181.071)",
    "400": "oklch(77.7% .152 181.912)",
    "500": "oklch(70.4% .14 182.503)",
    "600": "oklch(51.1% .096 186.391)",
    "700": "oklch(43.7% .078 188.216)",
    "800": "oklch(38.6% .063 188.416)",
    "900": "oklch(33% .055 190)",
    "950": "oklch(27.7% .046 192.524)",
}

UNFOLD: Final[dict[str, object]] = {
    "SITE_TITLE": "csbot",
    "SITE_HEADER": "csbot",
    "SITE_SUBHEADER": _("Customer service"),
    "SITE_SYMBOL": "forum",
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("desk/favicon.svg")},
    ],
    "SHOW_LANGUAGES": True,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "COLORS": {
        "primary": PRIMARY,
        "font": {
            "subtle-light": "var(--color-base-600)",
            "subtle-dark": "var(--color-base-400)",
            "default-light": "var(--color-base-700)",
            "default-dark": "var(--color-base-300)",
            "important-light": "var(--color-base-900)",
            "important-dark": "var(--color-base-100)",
        },
    },
    "GLOBAL_CALLBACK": "conversations.desk.everywhere.page_context",
    "DASHBOARD_CALLBACK": "conversations.desk.dashboard.front_page",
    "LOGIN": {"form": "conversations.desk.login.LoginForm"},
    "STYLES": [lambda _request: static("desk/desk.css")],
    "SIDEBAR": {
        "show_search": False,
        "show_all_applications": False,
        "navigation": "conversations.desk.menu.navigation",
    },
}
