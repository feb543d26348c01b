"""`POST /api/widget/sessions`: gives a browser its session (docs/protocol.md).

Who the customer is, only the shop's signed identity can say; without one it is an anonymous visitor. Carries no
cookies in either direction, so there is nothing for a foreign page to ride on.
"""

import logging
import math
from collections.abc import Mapping
from typing import Final, Literal

import jwt
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from conversations.actions.customers import Identity
from conversations.actions.sessions import TOKEN_CHARS, OpenedSession, open_session
from conversations.database import persistently
from conversations.events.frames import iso
from conversations.limits import IDENTITY, SUBNET_SESSIONS, Charge, client_address, loop_limiter, secret_key, subnet
from conversations.models import Priority, Site
from conversations.text.checks import UNSTORABLE
from conversations.text.origins import is_listed_origin, is_own_origin

logger = logging.getLogger(__name__)

MAX_BODY_BYTES: Final = 32 * 1024
CLOCK_SKEW_SECONDS: Final = 10
SUB_CHARS, NAME_CHARS, EMAIL_CHARS = 200, 200, 254
"""The lengths of a Customer's fields."""
PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "POST",
    "Access-Control-Allow-Headers": "content-type",
    "Access-Control-Max-Age": "600",
}


class SessionRequest(BaseModel):
    """The request's JSON. `token` is a visitor's earlier token, to go on as the same visitor."""

    model_config = ConfigDict(strict=True)

    site: str | None = Field(default=None, max_length=64)
    locale: Literal["th", "en"] | None = None
    identity: str | None = Field(default=None, max_length=8192)
    token: str | None = Field(default=None, max_length=TOKEN_CHARS)


class RefusedError(Exception):
    """The request is refused: an HTTP status with a code and a sentence for the developer who reads it."""

    def __init__(self, status: int, code: str, message: str, *, retry_after: float = 0) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after

    def response(self) -> JsonResponse:
        """Return the answer that says so."""
        headers = {"Retry-After": str(math.ceil(self.retry_after))} if self.retry_after else None
        body = {"error": {"code": self.code, "message": self.message}}
        return JsonResponse(body, status=self.status, headers=headers)


@csrf_exempt
async def sessions(request: HttpRequest) -> HttpResponse:
    """Open a session (POST), or tell a browser whether its page may (OPTIONS)."""
    try:
        if request.method == "OPTIONS":
            return await _preflight(request)
        if request.method != "POST":
            raise RefusedError(405, "method_not_allowed", "Send a POST.")
        return await _open(request)
    except RefusedError as refused:
        return refused.response()


async def _open(request: HttpRequest) -> HttpResponse:
    await _charge_subnet(request)
    wanted = _parse(request)
    site = await _site(wanted.site)
    headers = _cross_origin_headers(request, allowed=site.allowed_origins)
    try:
        opened = await _open_for(site, wanted=wanted)
    except RefusedError as refused:
        return _with(refused.response(), headers)
    body = {"token": opened.token, "conversation": str(opened.conversation), "expires_at": iso(opened.expires_at)}
    return _with(JsonResponse(body, status=201), {**headers, "Cache-Control": "no-store"})


async def _open_for(site: Site, *, wanted: SessionRequest) -> OpenedSession:
    identity = None
    if wanted.identity is not None:
        identity = read_identity(wanted.identity, secret=site.identity_secret)
        wait = await loop_limiter().spend(Charge(IDENTITY, secret_key(f"{site.pk}:{identity.external_id}")))
        _refuse_for(wait)
    locale = wanted.locale or site.default_locale
    return await persistently(open_session, site, locale=locale, identity=identity, token=wanted.token or "")


async def _charge_subnet(request: HttpRequest) -> None:
    address = client_address(
        request.META.get("REMOTE_ADDR") or None, forwarded_for=request.headers.get("X-Forwarded-For", "")
    )
    _refuse_for(await loop_limiter().spend(Charge(SUBNET_SESSIONS, subnet(address))))


def _refuse_for(wait_seconds: float) -> None:
    if wait_seconds:
        raise RefusedError(429, "rate_limited", "Too many sessions; try again later.", retry_after=wait_seconds)


def _parse(request: HttpRequest) -> SessionRequest:
    try:
        body = request.body
    except RequestDataTooBig:
        body = bytes(MAX_BODY_BYTES + 1)
    if len(body) > MAX_BODY_BYTES:
        raise RefusedError(400, "too_large", f"The request is larger than {MAX_BODY_BYTES} bytes.")
    try:
        return SessionRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        code = "bad_json" if first["type"] == "json_invalid" else "bad_request"
        where = ".".join(str(part) for part in first["loc"])
        raise RefusedError(400, code, f"{where}: {first['msg']}" if where else first["msg"]) from None


async def _site(public_key: str | None) -> Site:
    try:
        if public_key and UNSTORABLE.search(public_key):
            raise Site.DoesNotExist
        return await persistently(Site.objects.for_key, public_key)
    except Site.DoesNotExist:
        raise RefusedError(400, "unknown_site", "There is no such site.") from None


def read_identity(token: str, *, secret: str) -> Identity:
    """Return who the shop says its customer is. Raises RefusedError (401)."""
    try:
        claims = jwt.decode(
            token, secret, algorithms=["HS256"], leeway=CLOCK_SKEW_SECONDS, options={"require": ["exp", "sub"]}
        )
    except jwt.ExpiredSignatureError:
        raise RefusedError(401, "identity_expired", "The identity has expired; sign a new one.") from None
    except (jwt.InvalidTokenError, ValueError):
        raise RefusedError(401, "identity_invalid", "The identity isn't a valid HS256 JWT of this site.") from None
    return _identity(claims)


def _identity(claims: Mapping[str, object]) -> Identity:
    texts = {claim: claims.get(claim) or "" for claim in ("sub", "name", "email")}
    sub, name, email = texts["sub"], texts["name"], texts["email"]
    if not (isinstance(sub, str) and isinstance(name, str) and isinstance(email, str)):
        raise RefusedError(401, "identity_invalid", "sub, name and email must be texts.")
    if not sub.strip() or len(sub) > SUB_CHARS or UNSTORABLE.search(sub + name + email):
        raise RefusedError(401, "identity_invalid", "sub is blank or too long, or a claim can't be stored.")
    return Identity(sub, name=name[:NAME_CHARS], email=email[:EMAIL_CHARS], priority=_priority(claims.get("priority")))


def _priority(claim: object) -> Priority | None:
    if claim is None:
        return None
    if isinstance(claim, str) and claim in Priority.values:
        return Priority(claim)
    raise RefusedError(401, "identity_invalid", 'priority must be "normal" or "high".')


async def _preflight(request: HttpRequest) -> HttpResponse:
    """Answer for any site: which one is meant stands in the body, which hasn't come yet."""
    lists = await persistently(lambda: list(Site.objects.values_list("allowed_origins", flat=True)))
    headers = _cross_origin_headers(request, allowed=[origin for allowed in lists for origin in allowed])
    return _with(HttpResponse(status=204), {**headers, **PREFLIGHT})


def _cross_origin_headers(request: HttpRequest, *, allowed: list[str]) -> dict[str, str]:
    """Return the CORS headers for the request's page. Raises RefusedError (403) where it may not speak to the site."""
    origin = request.headers.get("Origin")
    if origin is None:
        return {"Vary": "Origin"}
    if not (is_own_origin(origin, host=request.get_host()) or is_listed_origin(origin, allowed=allowed)):
        raise RefusedError(403, "origin_not_allowed", "This page's origin is not among the site's allowed origins.")
    return {"Vary": "Origin", "Access-Control-Allow-Origin": origin}


def _with(response: HttpResponse, headers: Mapping[str, str]) -> HttpResponse:
    for name, value in headers.items():
        response.headers[name] = value
    return response
