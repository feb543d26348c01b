"""What each provider's terms say about training on its answers: data in `terms.toml`, and the shop's own decisions."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from conversations.gateway.models import Provider

ALLOWED: Final = "allowed"
UNKNOWN: Final = "unknown"
PEOPLE: Final = ""
"""The provider of what people wrote: nobody's terms."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What a provider's terms said when they were read."""

    name: str
    training: str
    words: str = ""
    url: str = ""
    read: str = ""
    is_own_decision: bool = False

    @property
    def allow_training(self) -> bool:
        """Whether its answers are exported."""
        return self.training == ALLOWED or self.is_own_decision

    def to_json(self) -> dict[str, Any]:
        """Return them as JSON values."""
        return asdict(self)


def read_terms() -> list[dict[str, Any]]:
    """Return what `terms.toml` says."""
    text = Path(__file__).with_name("terms.toml").read_text(encoding="utf-8")
    entries: list[dict[str, Any]] = tomllib.loads(text)["terms"]
    return entries


TERMS: Final = read_terms()


def terms_by_provider(*, allowed: Collection[str]) -> Mapping[str, Terms]:
    """Return each provider's terms by its name; `allowed` are those the operator decided for."""
    rows = Provider.objects.values_list("name", "kind", "base_url")
    return {name: terms_of(kind, base_url, is_own_decision=name in allowed) for name, kind, base_url in rows}


def terms_of(kind: str, base_url: str, *, is_own_decision: bool) -> Terms:
    """Return the terms of a provider: by its host; by its kind where that has no hosts of its own."""
    host = urlsplit(base_url).hostname or ""
    found = next((each for each in TERMS if host in each["hosts"]), None)
    found = found or next((each for each in TERMS if kind in each["kinds"] and not each["hosts"]), None)
    if found is None:
        return Terms(host, UNKNOWN, is_own_decision=is_own_decision)
    told = {field: found[field] for field in ("name", "training", "words", "url", "read")}
    return Terms(**told, is_own_decision=is_own_decision)
