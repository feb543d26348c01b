"""Which pages may speak to us: origins as browsers send them, compared as RFC 6454 says."""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def normal_origin(origin: str) -> str | None:
    """Return `scheme://host[:port]` in lower case without the scheme's own port; None for "null" and the like."""
    try:
        parts = urlsplit(origin.strip().lower())
        port = parts.port
    except ValueError:
        return None
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname or "@" in parts.netloc:
        return None
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    is_default = port is None or port == DEFAULT_PORTS[parts.scheme]
    return f"{parts.scheme}://{host}" if is_default else f"{parts.scheme}://{host}:{port}"


def is_own_origin(origin: str, *, host: str) -> bool:
    """Say whether a page of our own address (the request's Host, checked by the caller) sends this origin."""
    wanted = normal_origin(origin)
    return wanted is not None and wanted in (normal_origin(f"http://{host}"), normal_origin(f"https://{host}"))


def is_listed_origin(origin: str, *, allowed: Iterable[str]) -> bool:
    """Say whether the origin is one of those that a site allows."""
    wanted = normal_origin(origin)
    return wanted is not None and wanted in {normal_origin(entry) for entry in allowed}
