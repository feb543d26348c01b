"""What a prompt costs: by hand for a small one, and in proportion for the starter playbook."""

from dataclasses import dataclass
from decimal import Decimal

from conversations.playbook.prompt import build_prompt, messages_tokens
from conversations.playbook.sizes import (
    PromptSize,
    largest_examples,
    pinned_price,
    prompt_price,
    prompt_size,
)
from tests.playbook.samples import customer, starter
from tests.prompting.test_fixed_part import PLAYBOOK


@dataclass(frozen=True)
class Prices:
    """DeepSeek's off-peak prices of November 2026."""

    currency: str = "USD"
    input: Decimal = Decimal("0.15")
    cached_input: Decimal = Decimal("0.003")
    output: Decimal = Decimal("0.60")


def test_the_parts_add_up_to_the_prompt() -> None:
    built = build_prompt(PLAYBOOK, [customer("คืนของได้กี่วันคะ")], locale="th", budget_tokens=500)
    size = prompt_size(built)
    assert built.nearest
    assert min(size.system, size.pinned, size.nearest, size.conversation) > 0
    assert size.total == messages_tokens(built.messages) == built.trace["estimated_tokens"]


def test_a_thousand_messages_cost_what_the_price_list_says() -> None:
    # 3,300 prompt tokens of which 2,944 cached, 150 written: $0.585 without and $0.152 with the prefix cache.
    price = prompt_price(PromptSize(1000, 1944, 100, 256), Prices(), answer_tokens=150)
    assert (price.uncached, round(price.cached, 3), price.currency) == (Decimal("0.585"), Decimal("0.152"), "USD")
    assert round(price.saving, 2) == Decimal("0.74")


def test_a_free_model_saves_nothing() -> None:
    free = Prices(input=Decimal(0), cached_input=Decimal(0), output=Decimal(0))
    assert prompt_price(PromptSize(1000, 1000, 0, 100), free).saving == 0


def test_the_dearest_examples_come_first() -> None:
    largest = largest_examples(starter(), limit=3)
    assert [tokens for _, tokens in largest] == sorted((tokens for _, tokens in largest), reverse=True)
    assert pinned_price(largest[0][0], Prices()) == largest[0][1] * Decimal("0.003") / 1000
