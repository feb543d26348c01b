"""Widget sessions: a browser's right to one customer's conversation, and the token that stands for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.utils import timezone

from conversations.actions import statements
from conversations.actions.customers import Identity, known_customer, new_visitor, start_conversation
from conversations.actions.priority import set_priority
from conversations.database import rows_of
from conversations.models import Customer, Site, WidgetSession

SESSION_DAYS: Final = 30
TOKEN_CHARS: Final = 200
SALT: Final = "conversations.widget-session"


@dataclass(frozen=True)
class OpenedSession:
    """A new session as the browser gets it."""

    token: str
    conversation: UUID
    expires_at: datetime


@transaction.atomic
def open_session(site: Site, *, locale: str, identity: Identity | None = None, token: str = "") -> OpenedSession:
    """Open a session for the shop's customer, for the visitor who holds `token`, or else for a new visitor."""
    if identity is not None:
        customer = known_customer(site, identity=identity, locale=locale)
    else:
        customer = _visitor_with(token, site=site) or new_visitor(site, locale=locale)
    conversation = start_conversation(customer, locale=locale)
    if identity is not None and identity.priority is not None:
        set_priority([conversation.pk], priority=identity.priority)
    expires_at = timezone.now() + timedelta(days=SESSION_DAYS)
    session = WidgetSession.objects.create(customer=customer, expires_at=expires_at)
    return OpenedSession(_token(session.key), conversation.public_id, expires_at)


@dataclass(frozen=True, slots=True)
class Greeted:
    """What a widget's token stands for: the session's key, its conversation, and the pages that may show it."""

    key: str
    conversation_id: int
    locale: str
    allowed_origins: list[str]


def read_greeted(tokens: Sequence[str]) -> list[Greeted | None]:
    """Return what each token stands for; None if it isn't valid. One round trip for all: after a restart all come."""
    keys = [_key(token) for token in tokens]
    rows = rows_of(statements.read_sessions(), ([key for key in keys if key is not None], timezone.now()))
    greeted = {row[0]: Greeted(*row) for row in rows}
    return [greeted.get(key) if key is not None else None for key in keys]


def read_session(token: str) -> WidgetSession | None:
    """Return the session that a token stands for, with customer, conversation and site; None if it isn't valid."""
    key = _key(token)
    if key is None:
        return None
    sessions = WidgetSession.objects.valid(now=timezone.now()).filter(customer__conversation__isnull=False)
    return sessions.select_related("customer__conversation", "customer__site").filter(key=key).first()


def _visitor_with(token: str, *, site: Site) -> Customer | None:
    session = read_session(token) if token else None
    if session is None or session.customer.site_id != site.pk or session.customer.external_id:
        return None
    return session.customer


def _token(key: str) -> str:
    return Signer(salt=SALT).sign(key)


def _key(token: str) -> str | None:
    """Return the session key in a token that we signed."""
    if len(token) > TOKEN_CHARS:
        return None
    try:
        return Signer(salt=SALT).unsign(token)
    except (BadSignature, UnicodeEncodeError):
        return None
