"""What is worked out once for a catalog gives the order that the rule gives, candidate by candidate."""

import random
import uuid
from dataclasses import replace

from conversations.gateway.catalog import Candidate, Catalog, Key, LiveRollout
from conversations.gateway.models import Arm, ProviderKind, Tier
from conversations.gateway.routing import _distance, plan
from conversations.gateway.secrets import Secret

CATALOGS = 150
PLANS = 6


def drawn(dice: random.Random, number: int) -> Candidate:
    """Return a candidate drawn by chance; some share account and model, some weigh nothing."""
    candidate = Candidate(
        route_id=number,
        provider_id=1,
        account_id=dice.randrange(4),
        model_id=dice.randrange(4),
        provider="p",
        kind=ProviderKind.OPENAI,
        base_url="http://x/v1",
        model="m",
        keys=(Key("k", Secret("k")),),
    )
    weight = dice.choice([0, 1, 50, *[100] * 6])
    return replace(candidate, group=dice.randrange(1, 4), weight=weight, tier=dice.choice(list(Tier)))


def by_the_rule(
    catalog: Catalog, conversation: bytes, *, arm: Arm | None, tiers: list[Tier] | None
) -> tuple[Candidate, ...]:
    """Return the order as the rule says it: canary or not, group, weighted distance; each pair once."""
    rollout = catalog.rollout
    canary = rollout.canary_model_id if rollout else None
    is_canary_first = rollout is not None and arm is Arm.CANARY and rollout.ratio > 0

    def rank(candidate: Candidate) -> tuple[bool, int, float]:
        is_canary = candidate.model_id == canary
        return is_canary != is_canary_first, candidate.group, _distance(candidate, conversation)

    allowed = [each for each in catalog.candidates if tiers is None or each.tier in tiers]
    first_of_pair: dict[tuple[int, int], Candidate] = {}
    for candidate in sorted(allowed, key=rank):
        first_of_pair.setdefault(candidate.pair, candidate)
    return tuple(first_of_pair.values())


def test_the_order_is_the_rule_s_for_any_catalog_arm_and_tiers() -> None:
    dice = random.Random(7)
    for _ in range(CATALOGS):
        candidates = tuple(drawn(dice, number) for number in range(dice.randrange(8)))
        rollout = dice.choice([None, LiveRollout(3, dice.choice([None, 0, 1]), dice.choice([0, 100]))])
        catalog = Catalog(stamp=None, candidates=candidates, rollout=rollout)
        for _ in range(PLANS):
            conversation = uuid.UUID(int=dice.getrandbits(128)).bytes
            arm, tiers = dice.choice([None, *Arm]), dice.choice([None, [], [Tier.STANDARD], list(Tier)])
            found = plan(catalog, conversation=conversation, arm=arm, tiers=tiers)
            assert found.candidates == by_the_rule(catalog, conversation, arm=arm, tiers=tiers)
