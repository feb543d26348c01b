"""What a report says of each side: how many were right, with intervals, how quick and how dear. Pure.

Shares are means over cases of the share of a case's answers, so that a case counts once however often it was asked.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from decimal import Decimal
from statistics import fmean
from typing import Any, Final

from conversations.playbook.evaluation.cases import Expectation
from conversations.playbook.evaluation.scoring import Check
from conversations.playbook.evaluation.statistics import Share, wilson

MEDIAN: Final = 0.50
P95: Final = 0.95
THOUSAND: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """One answer as the figures see it."""

    case: int
    expected: Expectation
    is_valid: bool
    is_repaired: bool
    is_good: bool
    failed: tuple[str, ...]
    escalate: bool
    first_token_ms: int | None
    total_ms: int | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    cost: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """The figures of one side. None where there is nothing to say it of."""

    answers: int
    good: Share | None
    valid: Share | None
    repaired: float | None
    intent: Share | None
    intents: dict[str, Share | None]
    person_precision: Share | None
    person_recall: Share | None
    first_token_ms: tuple[int, int] | None
    total_ms: tuple[int, int] | None
    tokens: tuple[float, float, float] | None
    cost_of_thousand: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def side_of(answers: Sequence[Told]) -> Side:
    """Return the figures of one side's answers."""
    with_intent = [each for each in answers if each.expected.intent]
    judged = [each for each in answers if each.expected.escalate is not None and each.is_valid]
    wanted = [each for each in answers if each.expected.escalate]
    return Side(
        answers=len(answers),
        good=share(answers, lambda each: each.is_good),
        valid=share(answers, lambda each: each.is_valid),
        repaired=fmean(each.is_repaired for each in answers) if answers else None,
        intent=share(with_intent, has_right_intent),
        intents={intent: share(group, has_right_intent) for intent, group in by_intent(with_intent).items()},
        person_precision=share([each for each in judged if each.escalate], lambda each: bool(each.expected.escalate)),
        person_recall=share(wanted, lambda each: each.is_valid and each.escalate),
        first_token_ms=quantiles(each.first_token_ms for each in answers),
        total_ms=quantiles(each.total_ms for each in answers),
        tokens=mean_tokens(answers),
        cost_of_thousand=cost_of_thousand(answers),
    )


def share(answers: Sequence[Told], is_so: Callable[[Told], bool]) -> Share | None:
    """Return the share of answers of which something is so, each case counting once; None of none."""
    by_case: defaultdict[int, list[bool]] = defaultdict(list)
    for each in answers:
        by_case[each.case].append(is_so(each))
    return wilson(fmean(map(fmean, by_case.values())), len(by_case)) if by_case else None


def has_right_intent(answer: Told) -> bool:
    """Say whether an answer named the intent that was expected."""
    return answer.is_valid and Check.INTENT.value not in answer.failed


def by_intent(answers: Iterable[Told]) -> dict[str, list[Told]]:
    """Return the answers by the intent that was expected."""
    groups: defaultdict[str, list[Told]] = defaultdict(list)
    for each in answers:
        groups[each.expected.intent].append(each)
    return dict(sorted(groups.items()))


def quantiles(values: Iterable[int | None]) -> tuple[int, int] | None:
    """Return median and 95th percentile; None of none."""
    known = sorted(value for value in values if value is not None)
    if not known:
        return None
    last = len(known) - 1
    return known[round(MEDIAN * last)], known[round(P95 * last)]


def mean_tokens(answers: Sequence[Told]) -> tuple[float, float, float] | None:
    """Return the usual tokens of prompt, cached part and answer; None where no provider counted any."""
    counted = [each for each in answers if each.prompt_tokens]
    if not counted:
        return None
    return (
        fmean(each.prompt_tokens for each in counted),
        fmean(each.cached_tokens for each in counted),
        fmean(each.completion_tokens for each in counted),
    )


def cost_of_thousand(answers: Iterable[Told]) -> dict[str, str]:
    """Return what 1,000 answers would cost, by currency; of the answers whose price is known."""
    by_currency: defaultdict[str, list[Decimal]] = defaultdict(list)
    for each in answers:
        if each.cost is not None:
            by_currency[each.currency].append(each.cost)
    return {currency: f"{sum(costs) / len(costs) * THOUSAND:.4f}" for currency, costs in sorted(by_currency.items())}
