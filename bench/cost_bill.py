"""The bill of `cost_replay`, stage by stage, from the tokens of one day. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Final

from conversations.answers.limit import interval
from conversations.gateway.pricing import UnitPrices, cost_of
from conversations.llm.requests import Usage

A_DAY: Final = 50_000
GPT: Final = "gpt-4o"
DEEPSEEK: Final = "deepseek-flash"
OTHER_PAIR: Final = ("deepseek-v4-pro", "deepseek-flash")
"""A large and a small model of one provider, whose bill is worked out beside the one that was run."""
HEADERS: Final = ("bill", "USD a day", "at peak", "below GPT-4o", "below DeepSeek", "peak: GPT-4o", "peak: DeepSeek")

Prices = Mapping[str, tuple[UnitPrices, UnitPrices]]
"""Of each model, off-peak and at peak."""
Part = tuple[str, Sequence[Usage]]


@dataclass(frozen=True, slots=True)
class Spent:
    """What one question of today took: by whom it was answered, and with how many tokens.

    `bare_tokens`: what the prompt would have without examples. For known answers, tokens are what a call would have
    taken.
    """

    usage: Usage
    bare_tokens: int
    model: str = ""
    step: str = ""
    is_wrong: bool = False


@dataclass(frozen=True)
class Day:
    """What was seen today. `others`: calls beside replies; `checked`: would-be hits checked, and wrong ones of them."""

    spent: Sequence[Spent]
    others: Sequence[Usage]
    checked: tuple[int, int]
    economy: str

    @cached_property
    def asked(self) -> list[Spent]:
        """What a model answered."""
        return [each for each in self.spent if not each.step]

    @cached_property
    def cached_share(self) -> float:
        """The share of prompt tokens that the prefix cache served."""
        prompts = sum(each.usage.prompt_tokens for each in self.asked)
        return sum(each.usage.cached_tokens for each in self.asked) / max(1, prompts)

    @cached_property
    def all_asked(self) -> list[Usage]:
        """All questions as if a model had answered each, with the usual share from the prefix cache."""
        return [as_if_asked(each, self.cached_share) if each.step else each.usage for each in self.spent]

    def tiered(self, *, is_small: bool) -> list[Spent]:
        """Return what the small model answered, or the usual one."""
        return [each for each in self.asked if (each.model == self.economy) is is_small]


@dataclass(frozen=True)
class Bill:
    """What is printed."""

    told: str
    rows: list[tuple[str, ...]]
    below_gpt: float
    below_deepseek: float


def bill_of(day: Day, prices: Prices) -> Bill:
    """Return the bill at each stage, for a day of 50,000 messages."""
    scale = Decimal(A_DAY) / len(day.spent)
    money = {name: money_of(parts, prices, scale) for name, parts in {**stages(day), **other_stages(day)}.items()}
    naive = money["naive GPT-4o"], money["naive DeepSeek"]
    last = money[ran_as(day)]
    return Bill(
        told=told(day),
        rows=[row_of(name, both, naive) for name, both in money.items()],
        below_gpt=float(1 - last[0] / naive[0][0]),
        below_deepseek=float(1 - last[0] / naive[1][0]),
    )


def ran_as(day: Day) -> str:
    """Return the name of the stage that was really run: everything switched on."""
    return f"+ tiers: {day.economy}"


def stages(day: Day) -> dict[str, list[Part]]:
    """Return the five stages: which model is paid for which tokens."""
    fresh = [replace(usage, cached_tokens=0) for usage in day.all_asked]
    usual = (DEEPSEEK, [*usages(day.tiered(is_small=False)), *day.others])
    small = day.tiered(is_small=True)
    return {
        "naive GPT-4o": [(GPT, fresh)],
        "naive DeepSeek": [(DEEPSEEK, fresh)],
        "+ prefix cache": [(DEEPSEEK, day.all_asked)],
        "+ known answers": [(DEEPSEEK, [*usages(day.asked), *day.others])],
        ran_as(day): [usual, (day.economy, usages(small))],
        "  the same, needing no examples": [usual, (day.economy, [without_examples(each) for each in small])],
    }


def other_stages(day: Day) -> dict[str, list[Part]]:
    """Return what the same tokens would cost with a large model as the usual one."""
    large, small = OTHER_PAIR
    usual, simple = usages(day.tiered(is_small=False)), usages(day.tiered(is_small=True))
    return {
        f"{large}, prefix cache, known answers": [(large, [*usages(day.asked), *day.others])],
        f"  + tiers: {small}": [(large, [*usual, *day.others]), (small, simple)],
    }


def usages(spent: Iterable[Spent]) -> list[Usage]:
    """Return the tokens alone."""
    return [each.usage for each in spent]


def as_if_asked(each: Spent, share: float) -> Usage:
    """Return the usage of a call that wasn't made."""
    return replace(each.usage, cached_tokens=round(each.usage.prompt_tokens * share))


def without_examples(each: Spent) -> Usage:
    """Return what a call would take without examples, with no prefix cache at all."""
    return replace(each.usage, prompt_tokens=each.bare_tokens, cached_tokens=0)


def money_of(parts: Sequence[Part], prices: Prices, scale: Decimal) -> tuple[Decimal, Decimal]:
    """Return what the parts cost off-peak and at peak, scaled to a day."""
    off_peak, peak = (
        sum((cost_of(usage, prices[name][when]) for name, tokens in parts for usage in tokens), Decimal(0))
        for when in (0, 1)
    )
    return off_peak * scale, peak * scale


def row_of(
    name: str, both: tuple[Decimal, Decimal], naive: tuple[tuple[Decimal, Decimal], tuple[Decimal, Decimal]]
) -> tuple[str, ...]:
    """Return a row of the table."""
    shares = [f"{1 - both[when] / each[when]:.1%}" for when in (0, 1) for each in naive]
    return name, *(f"{each:,.2f}" for each in both), *shares


def told(day: Day) -> str:
    """Return what was seen, in words."""
    count, spent = len(day.spent), day.spent
    steps = Counter(each.step for each in spent if each.step)
    served, wrong = sum(steps.values()), sum(each.is_wrong for each in spent)
    seen, small = interval(wrong, served), len(day.tiered(is_small=True))
    prompt = sum(each.usage.prompt_tokens for each in spent) / count
    answer = sum(each.usage.completion_tokens for each in spent) / count
    lines = (
        f"{count:,} replies: known answers {served:,} ({served / count:.1%}: {dict(steps)}), small model {small:,} "
        f"({small / count:.1%}), calls beside replies {len(day.others):,}",
        f"wrong of the {served:,} served, by the sets' labels: {wrong} ({seen.share:.2%}, 95 % interval "
        f"{seen.low:.2%} to {seen.high:.2%}); checked by the model all the same: {day.checked[0]}, of them wrong: "
        f"{day.checked[1]}",
        f"{prompt:,.0f} prompt tokens each, {day.cached_share:.1%} from the prefix cache; {answer:,.0f} of the answer",
        f"Bills are for {A_DAY:,} messages; billed were {count:,}, the rest is extrapolated.",
    )
    return "\n".join(lines)
