"""The gate: may a release be published, judged by how the cases went with it and with the live one? Pure.

A group of cases (all of them, an intent's, those that need a person) has lost if both hold:

1. chance doesn't explain it: the exact paired test, corrected for the number of groups, says at most ALPHA;
2. it matters: more than one case's worth, and more than the share of the group that may be lost.

The second keeps a release from being stopped for one question out of many: an edit shifts answers at the edges in both
directions. The first keeps the model's dice out of it, so that a release is never stopped for nothing more often than
ALPHA, however many intents a shop has.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from conversations.playbook.evaluation.statistics import Pair, adjusted, loss_p_value

ALPHA: Final = 0.05
MAY_LOSE_OF_ALL: Final = 0.03
MAY_LOSE_OF_GROUP: Final = 0.10
MAY_LOSE_CASES: Final = 1.0
MAY_MISS: Final = 0.05
"""The share of answers that may be missing (the provider gave none): what is left must speak for all."""
NEARLY: Final = 1e-9


class Verdict(StrEnum):
    """What a run found out. `UNKNOWN`: too many answers are missing to say."""

    GREEN = "green"
    RED = "red"
    UNKNOWN = "unknown"


class Group(StrEnum):
    """Which cases are looked at together, and what counts as good. `INTENT` comes once for each intent."""

    ALL = "all"
    INTENT = "intent"
    PERSON = "person"
    VALID = "valid"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one case went. `person`: of those that need a person, how often one was called."""

    intent: str
    good: Pair
    valid: Pair
    person: Pair | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What is said of one group. Shares are 0 to 1; `p_value` is the corrected one."""

    group: Group
    intent: str
    cases: int
    new: float
    old: float
    lost_cases: float
    p_value: float
    is_loss: bool

    @property
    def drop(self) -> float:
        """By how much the new release is worse."""
        return self.old - self.new


@dataclass(frozen=True, slots=True)
class Judgment:
    """What the gate says, and of what it says it."""

    verdict: Verdict
    findings: tuple[Finding, ...]
    missing: float = 0.0

    @property
    def losses(self) -> tuple[Finding, ...]:
        """The groups that have lost."""
        return tuple(finding for finding in self.findings if finding.is_loss)

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "verdict": self.verdict.value,
            "missing": self.missing,
            "findings": [asdict(finding) | {"group": finding.group.value} for finding in self.findings],
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "Judgment":
        """Return the judgment that JSON values stand for."""
        findings = (Finding(**{**each, "group": Group(each["group"])}) for each in values["findings"])
        return cls(Verdict(values["verdict"]), tuple(findings), values["missing"])


def judge(outcomes: Sequence[Outcome], *, missing: float = 0.0) -> Judgment:
    """Return whether the new release may be published. `missing` is the share of answers that never came."""
    groups = {key: pairs for key, pairs in groups_of(outcomes).items() if pairs}
    p_values = adjusted({key: loss_p_value(pairs) for key, pairs in groups.items()})
    findings = tuple(finding_of(key, pairs, p_value=p_values[key]) for key, pairs in groups.items())
    # A loss that shows although answers are missing is one all the same.
    if any(finding.is_loss for finding in findings):
        return Judgment(Verdict.RED, findings, missing)
    is_known = missing <= MAY_MISS and any(key[0] is Group.ALL for key in groups)
    return Judgment(Verdict.GREEN if is_known else Verdict.UNKNOWN, findings, missing)


def groups_of(outcomes: Iterable[Outcome]) -> dict[tuple[Group, str], list[Pair]]:
    """Return the pairs of each group; a case without answers from both sides is in none."""
    groups: dict[tuple[Group, str], list[Pair]] = {(Group.ALL, ""): [], (Group.VALID, ""): [], (Group.PERSON, ""): []}
    for outcome in outcomes:
        if not outcome.good.is_whole:
            continue
        groups[Group.ALL, ""].append(outcome.good)
        groups[Group.VALID, ""].append(outcome.valid)
        if outcome.intent:
            groups.setdefault((Group.INTENT, outcome.intent), []).append(outcome.good)
        if outcome.person is not None:
            groups[Group.PERSON, ""].append(outcome.person)
    return groups


def finding_of(key: tuple[Group, str], pairs: Sequence[Pair], *, p_value: float) -> Finding:
    """Return what is said of a group."""
    group, intent = key
    number = len(pairs)
    lost = sum(pair.drop for pair in pairs)
    allowed = max(MAY_LOSE_CASES, number * (MAY_LOSE_OF_GROUP if group is Group.INTENT else MAY_LOSE_OF_ALL))
    return Finding(
        group=group,
        intent=intent,
        cases=number,
        new=sum(pair.new_good / pair.new for pair in pairs) / number,
        old=sum(pair.old_good / pair.old for pair in pairs) / number,
        lost_cases=lost,
        p_value=p_value,
        is_loss=p_value <= ALPHA and lost > allowed + NEARLY,
    )
