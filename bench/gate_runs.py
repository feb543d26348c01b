"""Drafts of the starter playbook, evaluated again and again beside it (`gate`)."""

import random
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from statistics import fmean
from typing import Final

from bench.figures import Checked, at_least, at_most, table
from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.answering import answer
from conversations.llm.simulator.luck import Dice
from conversations.playbook.content import ExampleEntry, Playbook, playbook_of
from conversations.playbook.evaluation.cases import Case, Expectation
from conversations.playbook.evaluation.gate import ALPHA, Judgment, Outcome, Verdict, judge
from conversations.playbook.evaluation.scoring import Answer, failed_checks
from conversations.playbook.evaluation.starter import starter_rows
from conversations.playbook.evaluation.statistics import Pair
from conversations.playbook.prompt import build_prompt
from tests.playbook.samples import starter

RETURN, SHIPPING = "คืนสินค้า", "จัดส่ง"
BUDGET_TOKENS: Final = 4000
PER_CENT: Final = 100
ENDINGS: Final = ("ค่ะ", "นะคะ", "ครับ", " please")

Examples = tuple[ExampleEntry, ...]
Edit = Callable[[Examples, random.Random], Examples]


@dataclass(frozen=True)
class Draft:
    """A change of the playbook, and whether the gate should stop it (None: it may, or not)."""

    name: str
    edit: Edit
    is_bad: bool | None


class Bench:
    """Asks the cases of playbooks, with dice of one seed."""

    def __init__(self, *, noise: float, samples: int) -> None:
        self._noise = noise
        self._samples = samples
        self.cases = [case_of(row) for row in starter_rows()]

    def goods(self, playbook: Playbook, *, dice: Dice) -> list[list[tuple[bool, bool]]]:
        """Return, for each case, of each of its answers whether it was good and whether it called a person."""
        spread = self._noise * playbook.sampling.temperature
        return [[self._one(playbook, case, dice, spread=spread) for _ in range(self._samples)] for case in self.cases]

    def _one(self, playbook: Playbook, case: Case, dice: Dice, *, spread: float) -> tuple[bool, bool]:
        prompt = prompt_of(playbook, case)
        said = answer(prompt, dice.luck(prompt, spread=spread))
        told = Answer(
            intent=str(said["intent"]),
            escalate=bool(said["escalate"]),
            action_required=bool(said["action_required"]),
            response=str(said["response"]),
        )
        return not failed_checks(case.expected, told), told.escalate

    def judgment(self, new: Playbook, old: Playbook, *, seed: int) -> Judgment:
        """Return what the gate says of one evaluation."""
        # The same seed would give the same release the same answers: no chance at all.
        sides = self.goods(new, dice=Dice(2 * seed)), self.goods(old, dice=Dice(2 * seed + 1))
        return judge([self._outcome(*both) for both in zip(self.cases, *sides, strict=True)])

    def _outcome(self, case: Case, new: list[tuple[bool, bool]], old: list[tuple[bool, bool]]) -> Outcome:
        good, person = (
            Pair(sum(each[at] for each in new), self._samples, sum(each[at] for each in old), self._samples)
            for at in (0, 1)
        )
        whole = Pair(self._samples, self._samples, self._samples, self._samples)
        return Outcome(
            intent=case.expected.intent, good=good, valid=whole, person=person if case.expected.escalate else None
        )


@lru_cache(maxsize=4096)
def prompt_of(playbook: Playbook, case: Case) -> tuple[ChatMessage, ...]:
    """Return what a model is sent for a case."""
    return build_prompt(playbook, case.turns, locale=case.locale, budget_tokens=BUDGET_TOKENS).messages


def case_of(row: dict[str, object]) -> Case:
    """Return a starter case."""
    expected = Expectation(
        intent=str(row["intent"]),
        escalate=flag(row.get("escalate")),
        action_required=flag(row.get("action_required")),
        must_not_say=words(row.get("must_not_say")),
    )
    return Case(question=str(row["question"]), locale=str(row["locale"]), expected=expected)


def flag(value: object) -> bool | None:
    """Return what is expected of a flag."""
    return None if value is None else bool(value)


def words(value: object) -> tuple[str, ...]:
    """Return the words of a list."""
    return tuple(map(str, value)) if isinstance(value, list) else ()


def same(examples: Examples, _dice: random.Random) -> Examples:
    """Change nothing."""
    return examples


def reworded(examples: Examples, dice: random.Random) -> Examples:
    """Make one example a little more polite, on either side."""
    chosen = dice.randrange(len(examples))
    old = examples[chosen]
    new = replace(
        old, customer_text=old.customer_text + dice.choice(ENDINGS), response=old.response + dice.choice("🙏😊")
    )
    return (*examples[:chosen], new, *examples[chosen + 1 :])


def reordered(examples: Examples, dice: random.Random) -> Examples:
    """Put the examples into another order."""
    return tuple(dice.sample(examples, len(examples)))


def without_one(examples: Examples, dice: random.Random) -> Examples:
    """Leave one example out."""
    chosen = dice.randrange(len(examples))
    return (*examples[:chosen], *examples[chosen + 1 :])


def mislabelled(share: float) -> Edit:
    """Make a draft in which this share of the examples of a return says delivery."""

    def edit(examples: Examples, dice: random.Random) -> Examples:
        returns = [place for place, example in enumerate(examples) if example.intent == RETURN]
        wrong = set(dice.sample(returns, round(len(returns) * share)))
        return tuple(
            replace(example, intent=SHIPPING) if place in wrong else example for place, example in enumerate(examples)
        )

    return edit


DRAFTS: Final = (
    Draft("the same release", same, is_bad=False),
    Draft("one example a little more polite", reworded, is_bad=False),
    Draft("the examples in another order", reordered, is_bad=False),
    Draft("one example left out", without_one, is_bad=None),
    Draft("half of the returns labelled delivery", mislabelled(0.5), is_bad=None),
    Draft("all of the returns labelled delivery", mislabelled(1.0), is_bad=True),
)


def judgments(draft: Draft, bench: Bench, *, runs: int) -> list[Judgment]:
    """Return what the gate says of a draft, run after run; each has its own draw of the edit, and its own dice."""
    old = starter()
    found = []
    for seed in range(runs):
        examples = draft.edit(old.examples, random.Random(seed))
        new = old if examples == old.examples else playbook_of(replaced(old, examples))
        found.append(bench.judgment(new, old, seed=seed))
    return found


def replaced(playbook: Playbook, examples: Examples) -> Playbook:
    """Return a playbook with other examples."""
    return replace(playbook, examples=examples)


def row_of(draft: Draft, found: Sequence[Judgment]) -> tuple[str, ...]:
    """Return a draft's line of the table."""
    reasons = Counter(loss.intent or loss.group.value for judgment in found for loss in judgment.losses)
    return (
        draft.name,
        f"{fmean(judgment.findings[0].old for judgment in found):.1%}",
        f"{fmean(judgment.findings[0].new for judgment in found):.1%}",
        f"{reds(found):.1f} %",
        ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(4)),
    )


def reds(found: Iterable[Judgment]) -> float:
    """Return which share of the runs was red, in per cent."""
    return PER_CENT * fmean(judgment.verdict is Verdict.RED for judgment in found)


def checked(draft: Draft, found: Sequence[Judgment]) -> Checked | None:
    """Return a draft's share of stops beside its limit, where it has one."""
    if draft.is_bad is None:
        return None
    if draft.is_bad:
        return at_least(f"stopped: {draft.name}", reds(found), limit=95.0, unit="%")
    return at_most(f"false alarms: {draft.name}", reds(found), limit=PER_CENT * ALPHA, unit="%")


def measure(*, runs: int, noise: float, samples: int, only: str) -> int:
    """Run all drafts, or those whose name has `only` in it; 1 if a limit was missed."""
    bench = Bench(noise=noise, samples=samples)
    results = [(draft, judgments(draft, bench, runs=runs)) for draft in DRAFTS if only in draft.name]
    sys.stdout.write(f"{len(bench.cases)} cases, {samples} answers each, {runs} runs a draft, noise {noise}\n\n")
    headers = ("draft", "good before", "good with it", "stopped", "because of")
    sys.stdout.write(table(headers, [row_of(*result) for result in results]) + "\n\n")
    verdicts = [verdict for result in results if (verdict := checked(*result))]
    sys.stdout.write(table(("what", "measured", "limit", ""), [verdict.cells() for verdict in verdicts]) + "\n")
    return 0 if all(verdict.is_kept for verdict in verdicts) else 1
