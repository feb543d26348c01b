"""Candidates made by hand, for what needs no tables."""

from conversations.gateway.catalog import Candidate, Catalog, Key, Limits, LiveRollout
from conversations.gateway.models import ProviderKind
from conversations.gateway.secrets import Secret


def candidate(
    number: int,
    *,
    account: int | None = None,
    group: int = 1,
    weight: int = 100,
    keys: tuple[str, ...] = ("k",),
    limits: Limits | None = None,
) -> Candidate:
    """Return a candidate whose ids are all `number`."""
    return Candidate(
        route_id=number,
        provider_id=number,
        account_id=account or number,
        model_id=number,
        provider=f"provider-{number}",
        kind=ProviderKind.DEEPSEEK,
        base_url="http://127.0.0.1:9/v1",
        model=f"model-{number}",
        keys=tuple(Key(key, Secret(key)) for key in keys),
        group=group,
        weight=weight,
        limits=limits or Limits(),
    )


def catalog(*candidates: Candidate, rollout: LiveRollout | None = None) -> Catalog:
    """Return a catalog of these."""
    return Catalog(stamp=None, candidates=candidates, rollout=rollout)
