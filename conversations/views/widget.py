"""The widget's pages: loader script, panel, a site's look, and the demo shop.

They only show: who a customer is and what may be said is decided by the session view and the socket. Never puts a
site's settings into markup other than through the template's escaping or `json_script`.
"""

import re
from typing import Final

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.clickjacking import xframe_options_exempt

from conversations.database import persistently
from conversations.gateway.endpoints import is_simulated
from conversations.gateway.reading import current_catalog
from conversations.models import Locale, Site
from conversations.text.checks import UNSTORABLE
from conversations.text.origins import normal_origin
from conversations.views.assets import asset_url, current_release
from conversations.views.security import set_policy
from conversations.views.shop import SHOP_WORDS

# What may stand in a header: an origin and nothing else, so that a site's settings can't add a directive.
ORIGIN: Final = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?")
THEMES: Final = ("auto", "light", "dark")
# Scripts of the folder that the panel doesn't load.
NOT_PANEL: Final = frozenset({"widget/loader.js", "widget/types.js"})
LOADER_CACHE: Final = "public, max-age=300, stale-while-revalidate=86400"


async def loader(request: HttpRequest) -> HttpResponse:
    """Serve the script that a shop puts on its pages; kept only minutes, so that a new release arrives everywhere."""
    response = current_release().files["widget/loader.js"].response(request, cache_control=LOADER_CACHE)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


async def look(request: HttpRequest) -> HttpResponse:
    """Tell the loader how the site's launcher looks; public, so any page may read it."""
    site = await _site(request)
    if site is None:
        response = JsonResponse({"error": {"code": "unknown_site", "message": "There is no such site."}}, status=404)
    else:
        response = JsonResponse({"name": site.name, "colour": site.accent_colour, "locale": site.default_locale})
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Cache-Control"] = LOADER_CACHE if site else "no-store"
    return response


@xframe_options_exempt
async def panel(request: HttpRequest) -> HttpResponse:
    """Show the conversation; only pages of the site's allowed origins may frame it."""
    site = await _site(request)
    await persistently(current_catalog)
    if site is None:
        return HttpResponse("There is no such site.", status=404, content_type="text/plain; charset=utf-8")
    origins = framing_origins(site)
    locale = _locale(request, site=site)
    context = {"site": site, "locale": locale, "panel": _panel_data(site, locale=locale, origins=origins)}
    context |= {"assets": asset_url("widget/"), "modules": panel_modules(), "theme": _theme(request)}
    response = render(request, "widget/panel.html", context)
    response.headers["Cache-Control"] = "no-cache"
    set_policy(request, response, frame_ancestors=" ".join(["'self'", *origins]))
    return response


async def demo(request: HttpRequest) -> HttpResponse:
    """Show a made-up shop with the widget on it, just as a shop would embed it."""
    if not settings.CSBOT_DEMO:
        raise Http404
    site = await _site(request)
    locale = _locale(request, site=site)
    context: dict[str, object] = {"site": site, "locale": locale, "words": SHOP_WORDS[locale]}
    context |= {"is_simulated": await persistently(is_simulated), "assets": asset_url("demo/")}
    response = render(request, "demo/shop.html", context)
    response.headers["Cache-Control"] = "no-cache"
    return response


def framing_origins(site: Site) -> list[str]:
    """Return the allowed origins that are origins; whatever else was entered is left out."""
    normal = map(normal_origin, site.allowed_origins)
    return [origin for origin in normal if origin and ORIGIN.fullmatch(origin)]


def panel_modules() -> list[str]:
    """Return the names of the panel's scripts, to be fetched all at once and not one after the other is read."""
    scripts = (name for name in current_release().files if name.startswith("widget/") and name.endswith(".js"))
    return [name.removeprefix("widget/") for name in scripts if name not in NOT_PANEL]


async def _site(request: HttpRequest) -> Site | None:
    key = request.GET.get("site") or None
    if key and UNSTORABLE.search(key):
        return None
    try:
        return await persistently(Site.objects.for_key, key)
    except Site.DoesNotExist:
        return None


def _locale(request: HttpRequest, *, site: Site | None) -> str:
    wanted = request.GET.get("locale", "")
    if wanted in Locale.values:
        return wanted
    return site.default_locale if site else Locale.TH.value


def _theme(request: HttpRequest) -> str:
    wanted = request.GET.get("theme", "")
    return wanted if wanted in THEMES else THEMES[0]


def _panel_data(site: Site, *, locale: str, origins: list[str]) -> dict[str, object]:
    return {
        "site": site.public_key,
        "name": site.name,
        "colour": site.accent_colour,
        "greetings": {"th": site.greeting_th, "en": site.greeting_en},
        "locale": locale,
        "origins": origins,
        "simulated": is_simulated(),
        "sessions": "/api/widget/sessions",
        "socket": "/ws/widget/",
    }
