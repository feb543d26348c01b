"""The browser-side fence of every page: Content-Security-Policy and its companions.

A view that needs another policy sets the header itself (`set_policy`); the middleware only fills what is missing.
Never loosens a policy that a view has set, and never touches answers that are not HTML, except for Permissions-Policy.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.urls import reverse

GetResponse: TypeAlias = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

CSP: Final = "Content-Security-Policy"
# `trusted-types 'none'` forbids creating any policy, so no text can become HTML or script even through a library.
STRICT: Final[Mapping[str, str]] = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "frame-src": "'self'",
    "manifest-src": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "require-trusted-types-for": "'script'",
    "trusted-types": "'none'",
}
# django-unfold: its Alpine build compiles x-... attributes with `new AsyncFunction` ('unsafe-eval'), its templates
# carry <style> and style="" ('unsafe-inline' for styles only), and htmx and Django's own admin scripts assign
# innerHTML, which Trusted Types would stop. Inline scripts stay forbidden, so injected markup still cannot run.
ADMIN: Final[Mapping[str, str]] = {
    **{name: value for name, value in STRICT.items() if "trusted-types" not in name},
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
}
PERMISSIONS: Final = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), browsing-topics=()"


def policy_text(request: HttpRequest, directives: Mapping[str, str]) -> str:
    """Return the header's value; sockets of this host are named, since older Safari leaves them out of 'self'."""
    host = request.get_host()
    with_sockets = {**directives, "connect-src": f"{directives['connect-src']} ws://{host} wss://{host}"}
    return "; ".join(f"{name} {value}" for name, value in with_sockets.items())


def set_policy(request: HttpRequest, response: HttpResponseBase, **changes: str) -> None:
    """Give the response the strict policy with some directives changed (`frame_ancestors="'self'"`)."""
    named = {name.replace("_", "-"): value for name, value in changes.items()}
    response.headers[CSP] = policy_text(request, {**STRICT, **named})


class ContentSecurityPolicyMiddleware:
    """Gives every HTML answer a policy. Works in both worlds, so that it costs no thread hop under ASGI."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request and fence the answer, at once or when it is there."""
        response = self.get_response(request)
        if isinstance(response, HttpResponseBase):
            return fence(request, response)
        return self._later(request, response)

    async def _later(self, request: HttpRequest, response: Awaitable[HttpResponseBase]) -> HttpResponseBase:
        return fence(request, await response)


def fence(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    """Add the headers that the view has not set."""
    response.headers.setdefault("Permissions-Policy", PERMISSIONS)
    if _needs_policy(response):
        response.headers[CSP] = policy_text(request, ADMIN if _is_admin(request) else STRICT)
    return response


def _needs_policy(response: HttpResponseBase) -> bool:
    """Say whether this is a page without a policy; Django's own debug pages are left alone (inline styles)."""
    is_html = response.headers.get("Content-Type", "").startswith("text/html")
    is_debug_page = settings.DEBUG and response.status_code in {404, 500}
    return is_html and CSP not in response.headers and not is_debug_page


def _is_admin(request: HttpRequest) -> bool:
    return request.path.startswith(reverse("admin:index"))
