"""In which order candidates are tried: priority groups, weights within a group, the arm first. Pure and quick.

Within a group a conversation always meets the same order (weighted rendezvous hashing), so that it stays with the
account whose prefix cache knows it, and a changed weight moves no more conversations than it must.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import groupby
from math import inf, log
from typing import Final

from conversations.gateway.catalog import Candidate, Catalog, Group, Line
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
    rollout = catalog.rollout
    is_canary_first = rollout is not None and arm is Arm.CANARY and rollout.ratio > 0
    line = _line(catalog, is_canary_first=is_canary_first, tiers=tiers)
    ordered = [candidate for group in line.groups for candidate in _in_turn(group, conversation)]
    if line.has_twins:
        ordered = list(_each_pair_once(ordered))
    return Plan(
        tuple(ordered),
        arm=arm.value if arm else "",
        rollout_id=rollout.id if rollout and arm else None,
        release_id=rollout.release_id if rollout and is_canary_first else None,
    )


def _line(catalog: Catalog, *, is_canary_first: bool, tiers: Collection[Tier] | None) -> Line:
    """Return who stands where, whatever the conversation: worked out once for a catalog."""
    key = (is_canary_first, None if tiers is None else frozenset(tiers))
    line = catalog.lines.get(key)
    if line is None:
        line = catalog.lines[key] = _new_line(catalog, is_canary_first=is_canary_first, tiers=tiers)
    return line


def _new_line(catalog: Catalog, *, is_canary_first: bool, tiers: Collection[Tier] | None) -> Line:
    canary_model = catalog.rollout.canary_model_id if catalog.rollout else None
    allowed = [each for each in catalog.candidates if tiers is None or each.tier in tiers]

    def place(candidate: Candidate) -> tuple[bool, int]:
        return (candidate.model_id == canary_model) != is_canary_first, candidate.group

    groups = [_group(each) for _place, each in groupby(sorted(allowed, key=place), key=place)]
    return Line(tuple(groups), has_twins=len({each.pair for each in allowed}) < len(allowed))


def _group(candidates: Iterable[Candidate]) -> Group:
    """Where all weigh the same the hashes alone give the order: the largest is the nearest."""
    same_place = tuple(candidates)
    weights = {candidate.weight for candidate in same_place}
    return Group(same_place, is_even=len(weights) == 1 and min(weights) > 0)


def _in_turn(group: Group, conversation: bytes) -> Sequence[Candidate]:
    if len(group.candidates) == 1:
        return group.candidates
    if group.is_even:
        return sorted(
            group.candidates,
            # One block: a key of its own would make two of it.
            key=lambda each: blake2b(conversation + each.hash_key, digest_size=8).digest(),
            reverse=True,
        )
    return sorted(group.candidates, key=lambda each: _distance(each, conversation))


def _distance(candidate: Candidate, conversation: bytes) -> float:
    """Return a number by which the smallest of a group comes first: each as often as its weight says."""
    if candidate.weight <= 0:
        return inf
    digest = blake2b(conversation + candidate.hash_key, digest_size=8).digest()
    return -log((int.from_bytes(digest) + 1) / HASH_RANGE) / candidate.weight


def _each_pair_once(candidates: Sequence[Candidate]) -> Iterator[Candidate]:
    seen = set()
    for candidate in candidates:
        if candidate.pair not in seen:
            seen.add(candidate.pair)
            yield candidate
