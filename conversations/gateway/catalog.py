"""What can answer, read and frozen: the values that routing, calling and billing need. No database here."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from conversations.gateway.models import Placement, ProviderKind, Purpose, Tier
from conversations.gateway.pricing import PriceEntry
from conversations.gateway.secrets import Secret
from conversations.llm.requests import Dialect, Endpoint, Sampling

DIALECTS: Final = {
    ProviderKind.DEEPSEEK: Dialect.DEEPSEEK,
    ProviderKind.OPENAI: Dialect.OPENAI,
    ProviderKind.SELF_HOSTED: Dialect.SELF_HOSTED,
    ProviderKind.SIMULATOR: Dialect.SIMULATOR,
}

Pair = tuple[int, int]
"""An account and a model: what fails, heals and is limited together, and is asked at most once a reply."""


@dataclass(frozen=True, slots=True)
class Key:
    """An account's key that is on."""

    fingerprint: str
    secret: Secret


NO_KEY: Final = Key(fingerprint="", secret=Secret("none"))
"""For servers that want no key. The SDK insists on one."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What an account allows; None where it doesn't limit."""

    concurrency: int | None = None
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None

    def __bool__(self) -> bool:
        return bool(self.concurrency or self.requests_per_minute or self.tokens_per_minute)


@dataclass(frozen=True, slots=True)
class SamplingChanges:
    """How a model samples for one use, where it differs from the playbook."""

    is_thinking: bool | None = None
    temperature: float | None = None
    top_p: float | None = None
    frequency_penalty: float | None = None
    max_tokens: int | None = None

    def applied_to(self, sampling: Sampling) -> Sampling:
        """Return the playbook's sampling with these changes."""
        return Sampling(
            temperature=sampling.temperature if self.temperature is None else self.temperature,
            top_p=sampling.top_p if self.top_p is None else self.top_p,
            frequency_penalty=sampling.frequency_penalty if self.frequency_penalty is None else self.frequency_penalty,
            max_tokens=sampling.max_tokens if self.max_tokens is None else self.max_tokens,
            is_thinking=sampling.is_thinking if self.is_thinking is None else self.is_thinking,
        )


@dataclass(frozen=True, slots=True)
class Waits:
    """A provider's own deadlines in seconds; None: as for all."""

    first_token_seconds: float | None = None
    between_chunks_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Names:
    """What a candidate's circuits and places are called in Redis; `all` is in the order of `lua/admit.lua`."""

    pair: str
    account: str
    slots: str
    buckets: str
    keys: Mapping[str, str]
    all: tuple[str, ...]


def key_circuit(account_id: int, fingerprint: str) -> str:
    """Return what a key's circuit is called."""
    return f"csbot:circuit:key:{account_id}:{fingerprint}"


@dataclass(frozen=True, eq=False)
class Candidate:
    """One route with all that a call over it needs. `keys` is never empty."""

    route_id: int
    provider_id: int
    account_id: int
    model_id: int
    provider: str
    kind: ProviderKind
    base_url: str
    model: str
    keys: tuple[Key, ...]
    group: int = 1
    weight: int = 100
    tier: Tier = Tier.STANDARD
    placement: Placement = Placement.CHAT
    limits: Limits = field(default_factory=Limits)
    prices: tuple[PriceEntry, ...] = ()
    profiles: Mapping[str, SamplingChanges] = field(default_factory=dict)
    waits: Waits = field(default_factory=Waits)
    extra_body: str = ""
    proxy: Secret | None = None

    @cached_property
    def pair(self) -> Pair:
        """The account and the model."""
        return self.account_id, self.model_id

    @cached_property
    def names(self) -> Names:
        """What its circuits and places are called."""
        account, pair = str(self.account_id), f"{self.account_id}:{self.model_id}"
        keys = {key.fingerprint: key_circuit(self.account_id, key.fingerprint) for key in self.keys}
        own = (
            f"csbot:circuit:pair:{pair}",
            f"csbot:circuit:account:{account}",
            f"csbot:slots:{pair}",
            f"csbot:buckets:{pair}",
        )
        return Names(*own, keys=keys, all=(*own, *keys.values()))

    @cached_property
    def hash_key(self) -> bytes:
        """What tells this candidate from others where conversations are spread over a group."""
        return b"%d:%d" % self.pair

    def endpoint(self, key: Key) -> Endpoint:
        """Return where a call with this key goes."""
        endpoint = Endpoint(
            name=self.provider,
            base_url=self.base_url,
            api_key=key.secret.reveal(),
            model=self.model,
            dialect=DIALECTS[self.kind],
            extra_body=self.extra_body,
        )
        return replace(endpoint, proxy=self.proxy.reveal()) if self.proxy else endpoint

    def sampling(self, playbook: Sampling, *, purpose: Purpose) -> Sampling:
        """Return how this model samples for a use."""
        changes = self.profiles.get(purpose)
        return changes.applied_to(playbook) if changes else playbook


@dataclass(frozen=True, slots=True)
class LiveRollout:
    """The rollout that is running or paused. `ratio` is of BUCKETS; at 0 nobody is sent to the canary any more.

    It tries a model (`canary_model_id`), a release of the playbook (`release_id`), or both.
    """

    id: int
    canary_model_id: int | None
    ratio: int
    release_id: int | None = None


@dataclass(frozen=True, slots=True)
class Baseline:
    """What savings are compared with."""

    model: str
    prices: tuple[PriceEntry, ...]


@dataclass(frozen=True, slots=True)
class Group:
    """Candidates of which the conversation's hash says who comes first; `is_even` where all weigh the same."""

    candidates: tuple[Candidate, ...]
    is_even: bool


@dataclass(frozen=True, slots=True)
class Line:
    """Groups in the order in which they are tried; `has_twins` where two routes have the same account and model."""

    groups: tuple[Group, ...]
    has_twins: bool


@dataclass(frozen=True, eq=False)
class Catalog:
    """Everything that may answer now, as the tables said under `stamp`."""

    stamp: uuid.UUID | None
    candidates: tuple[Candidate, ...]
    rollout: LiveRollout | None = None
    baseline: Baseline | None = None

    @cached_property
    def lines(self) -> dict[tuple[bool, frozenset[Tier] | None], Line]:
        """Where everybody stands, by whether the canary comes first and by the tiers allowed (see `routing`)."""
        return {}

    @cached_property
    def is_simulated(self) -> bool:
        """Whether customers get the simulator's answers only."""
        return all(candidate.kind == ProviderKind.SIMULATOR for candidate in self.candidates)

    @cached_property
    def provider_names(self) -> tuple[str, ...]:
        """The providers that may answer, each once."""
        return tuple(dict.fromkeys(candidate.provider for candidate in self.candidates))

    def find(self, route_id: int) -> Candidate | None:
        """Return the candidate of a route, or None where it can't be used."""
        return next((candidate for candidate in self.candidates if candidate.route_id == route_id), None)
