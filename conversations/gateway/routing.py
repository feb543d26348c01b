"""In which order candidates are tried: priority groups, weights within a group, the arm first. Pure and quick.

Within a group a conversation always meets the same order (weighted rendezvous hashing), so that it stays with the
account whose prefix cache knows it, and a changed weight moves no more conversations than it must.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from math import inf, log
from typing import Final

from conversations.gateway.catalog import Candidate, Catalog
from conversations.gateway.models import Arm, Tier

HASH_RANGE: Final = float(1 << 64)


@dataclass(frozen=True, slots=True)
class Plan:
    """The order for one reply; `arm` and `rollout_id` say under which rollout ("" and None: none).

    `release_id` is the playbook's release that this arm gets; None: the live one.
    """

    candidates: tuple[Candidate, ...]
    arm: str = ""
    rollout_id: int | None = None
    release_id: int | None = None


def plan(
    catalog: Catalog, *, conversation: bytes, arm: Arm | None = None, tiers: Collection[Tier] | None = None
) -> Plan:
    """Return who is tried in which order for a conversation (its public id as bytes); `tiers` limits who may be."""
    allowed = catalog.candidates if tiers is None else [each for each in catalog.candidates if each.tier in tiers]
    rollout = catalog.rollout
    canary_model = rollout.canary_model_id if rollout else None
    is_canary_first = rollout is not None and arm is Arm.CANARY and rollout.ratio > 0

    def rank(candidate: Candidate) -> tuple[bool, int, float]:
        is_canary = candidate.model_id == canary_model
        return is_canary != is_canary_first, candidate.group, _distance(candidate, conversation)

    ordered = tuple(_each_pair_once(sorted(allowed, key=rank)))
    return Plan(
        ordered,
        arm=arm.value if arm else "",
        rollout_id=rollout.id if rollout and arm else None,
        release_id=rollout.release_id if rollout and is_canary_first else None,
    )


def _distance(candidate: Candidate, conversation: bytes) -> float:
    """Return a number by which the smallest of a group comes first: each as often as its weight says."""
    if candidate.weight <= 0:
        return inf
    # One block: a key of its own would make two of it.
    digest = blake2b(conversation + candidate.hash_key, digest_size=8).digest()
    return -log((int.from_bytes(digest) + 1) / HASH_RANGE) / candidate.weight


def _each_pair_once(candidates: list[Candidate]) -> Iterator[Candidate]:
    seen = set()
    for candidate in candidates:
        if candidate.pair not in seen:
            seen.add(candidate.pair)
            yield candidate
