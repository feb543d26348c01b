"""What can go wrong between csbot and a model, as one exception that says what to do about it."""

import re
import time
from email.utils import mktime_tz, parsedate_tz
from enum import StrEnum, auto
from http import HTTPStatus
from math import isfinite

from conversations.llm.requests import Usage


class Kind(StrEnum):
    """What happened. The HTTP status in brackets where one stands behind it."""

    AUTH = auto()
    """The key is refused (401): no use until somebody changes it."""
    BALANCE = auto()
    """The account is empty (402): all its keys are down."""
    RATE_LIMITED = auto()
    """Too fast, or too many at once, for the account (429)."""
    BAD_REQUEST = auto()
    """The request is wrong or too large (400, 404, 413 and other 4xx)."""
    UNPROCESSABLE = auto()
    """A parameter is wrong (422): our own bug."""
    SERVER = auto()
    """The provider broke (5xx)."""
    OVERLOADED = auto()
    """The provider is full (503, or said so in the middle of a stream)."""
    NETWORK = auto()
    """No connection, or one that was reset."""
    FIRST_TOKEN_TIMEOUT = auto()
    """No word in time, whatever keep-alives came."""
    STALLED = auto()
    """The words stopped coming."""
    TOTAL_TIMEOUT = auto()
    """The whole reply took too long."""
    CUT = auto()
    """The stream ended without saying that it was finished."""
    TOO_LONG = auto()
    """The reply hit the token limit."""
    FILTERED = auto()
    """The provider's content filter took the reply."""
    BLANK = auto()
    """A reply without a visible character."""
    MALFORMED = auto()
    """Not the protocol: HTML, broken frames, an error frame."""
    INVALID = auto()
    """A reply, but not the envelope that was asked for."""
    REFUSED = auto()
    """The model declined to answer."""


RETRYABLE = frozenset(Kind) - {
    Kind.AUTH,
    Kind.BALANCE,
    Kind.BAD_REQUEST,
    Kind.UNPROCESSABLE,
    Kind.FILTERED,
    Kind.REFUSED,
}
"""Kinds that the same request to the same endpoint may survive. The others need another key, account or person."""

STATUS_KINDS = {
    401: Kind.AUTH,
    402: Kind.BALANCE,
    403: Kind.AUTH,
    408: Kind.SERVER,
    409: Kind.SERVER,
    422: Kind.UNPROCESSABLE,
    425: Kind.SERVER,
    429: Kind.RATE_LIMITED,
    503: Kind.OVERLOADED,
    529: Kind.OVERLOADED,
}
"""What else is 5xx is the provider's fault, what else isn't 200 is ours."""

MAX_RETRY_AFTER_SECONDS = 3600.0
TOO_LONG_WORDS = re.compile(r"context.{0,20}(length|window)|maximum context|prompt.{0,20}too long", re.IGNORECASE)
"""As in DeepSeek's and vLLM's words, in OpenAI's code `context_length_exceeded`, in Ollama's "context window"."""


class LLMError(Exception):
    """A model call that gave no usable reply. Its text is safe to log: it never holds what somebody wrote, or a key."""

    def __init__(
        self,
        kind: Kind,
        *,
        status: int | None = None,
        retry_after_seconds: float | None = None,
        usage: Usage | None = None,
        is_too_large: bool = False,
    ) -> None:
        super().__init__(kind.value if status is None else f"{kind.value} ({status})")
        self.kind = kind
        self.status = status
        self.retry_after_seconds = retry_after_seconds
        self.usage = usage
        self.is_too_large = is_too_large
        """Whether the prompt was more than the model can take: a shorter one may pass."""

    @property
    def retryable(self) -> bool:
        """Whether the same endpoint may be asked the same thing again."""
        return self.kind in RETRYABLE


def status_error(
    status: int, *, retry_after: str | None = None, now: float | None = None, complaint: str = ""
) -> LLMError:
    """Return the error that an HTTP status stands for; `retry_after` as its header came, `complaint` in its words."""
    kind = kind_of_status(status)
    return LLMError(
        kind,
        status=status,
        retry_after_seconds=_seconds(retry_after, now=now),
        is_too_large=kind is Kind.BAD_REQUEST and is_about_length(status, complaint),
    )


def is_about_length(status: int, complaint: str) -> bool:
    """Say whether a refused request was too long, which servers tell by 413, a code of OpenAI's, or in words."""
    return status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE or TOO_LONG_WORDS.search(complaint) is not None


def kind_of_status(status: int) -> Kind:
    """Return what an HTTP status other than 200 means for us."""
    if status in STATUS_KINDS:
        return STATUS_KINDS[status]
    return Kind.SERVER if status >= HTTPStatus.INTERNAL_SERVER_ERROR else Kind.BAD_REQUEST


def _seconds(retry_after: str | None, *, now: float | None) -> float | None:
    """Read a Retry-After header, seconds or a date: never negative, never beyond reason, None where it says nothing."""
    if retry_after is None:
        return None
    try:
        seconds = float(retry_after)
    except ValueError:
        date = parsedate_tz(retry_after)
        if date is None:
            return None
        seconds = mktime_tz(date) - (time.time() if now is None else now)
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS) if isfinite(seconds) else None
