"""Sealing what must not be read from the database: keys and proxies, encrypted with keys from the environment.

The first of CSBOT_FIELD_KEY seals; it and all later ones open, and so does what SECRET_KEY and its fallbacks give, so
that a sealing key can be introduced and replaced without losing anything. An opened value travels as a `Secret`, which
shows itself nowhere: not in a repr, a log line or an error page.
"""

import base64
import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, NoReturn

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings
from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter
from typing_extensions import override

PURPOSE: Final = b"csbot sealed fields"
MASK: Final = "••••"
FINGERPRINT_CHARS: Final = 12
HINT_CHARS: Final = 4
MIN_CHARS_FOR_HINT: Final = 12


class SealError(Exception):
    """None of the environment's keys opens this. Says nothing about the content."""


class Secret:
    """A text that shows itself only to who calls `reveal`."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text; for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Secret does not leave its process")


def seal(secret: Secret) -> str:
    """Return the secret encrypted, for storing."""
    return _box().encrypt(secret.reveal().encode()).decode()


def unseal(sealed: str) -> Secret:
    """Return what was sealed. Raises SealError where no key of the environment fits."""
    try:
        return Secret(_box().decrypt(sealed.encode()).decode())
    except InvalidToken:
        raise SealError("sealed with a key that is not in the environment any more") from None


def resealed(sealed: str) -> str | None:
    """Return it sealed with the first key, or None where it is already. Raises SealError."""
    keys = _sealing_keys()
    try:
        Fernet(keys[0]).decrypt(sealed.encode())
    except InvalidToken:
        return seal(unseal(sealed))
    return None


def fingerprint(secret: Secret) -> str:
    """Return a short name for a key by which calls, logs and people can tell it from others."""
    return hashlib.sha256(PURPOSE + secret.reveal().encode()).hexdigest()[:FINGERPRINT_CHARS]


def hint(secret: Secret) -> str:
    """Return the end of a key, as its owner sees it at the provider; nothing of a short one."""
    text = secret.reveal()
    return text[-HINT_CHARS:] if len(text) >= MIN_CHARS_FOR_HINT else ""


def _box() -> MultiFernet:
    return _box_of(_sealing_keys())


@lru_cache(maxsize=4)
def _box_of(keys: tuple[bytes, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key) for key in keys])


def _sealing_keys() -> tuple[bytes, ...]:
    return _derived(tuple(_key_texts()))


def _key_texts() -> Iterator[str]:
    yield from settings.CSBOT_FIELD_KEYS
    yield settings.SECRET_KEY
    yield from map(str, settings.SECRET_KEY_FALLBACKS)


@lru_cache(maxsize=4)
def _derived(texts: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(base64.urlsafe_b64encode(_derive(text)) for text in texts)


def _derive(text: str) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=PURPOSE).derive(text.encode())


class ErrorPageFilter(SafeExceptionReporterFilter):
    """Django's filter of error pages, in force in development too: what was posted may hold a key."""

    @override
    def is_active(self, request: HttpRequest | None) -> bool:
        """Hide what views marked as sensitive, whatever DEBUG says."""
        return True
