"""How large a prompt is and what it costs, part by part: for staff who decide what is always sent.

Tokens are estimates (`llm.tokens`); bills are made from what the provider counts. Prices are of a million tokens.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Protocol

from conversations.llm.requests import ChatMessage
from conversations.llm.tokens import TOKENS_PER_MESSAGE, estimate_tokens
from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.opening import example_messages
from conversations.playbook.prompt import Prompt, messages_tokens

USUAL_ANSWER_TOKENS: Final = 80
"""What an answer of a few short Thai sentences takes with its envelope."""
MESSAGES: Final = 1000
MILLION: Final = Decimal(1_000_000)


class TokenPrices(Protocol):
    """Prices of a million tokens, such as `gateway.pricing.UnitPrices`."""

    @property
    def currency(self) -> str:
        """The currency's code."""
        ...

    @property
    def input(self) -> Decimal:
        """Of the prompt's tokens that the provider has to read anew."""
        ...

    @property
    def cached_input(self) -> Decimal:
        """Of those that its prefix cache serves."""
        ...

    @property
    def output(self) -> Decimal:
        """Of the answer's tokens, reasoning included."""
        ...


@dataclass(frozen=True, slots=True)
class PromptSize:
    """The parts of one prompt in tokens: the fixed part is the same for every question of a release."""

    system: int
    pinned: int
    nearest: int
    conversation: int

    @property
    def fixed(self) -> int:
        """What the provider's prefix cache can serve."""
        return self.system + self.pinned

    @property
    def total(self) -> int:
        """All of it."""
        return self.fixed + self.nearest + self.conversation


@dataclass(frozen=True, slots=True)
class PromptPrice:
    """What 1,000 messages with this prompt cost."""

    currency: str
    cached: Decimal
    uncached: Decimal

    @property
    def saving(self) -> Decimal:
        """The share (0-1) that the prefix cache saves."""
        return (self.uncached - self.cached) / self.uncached if self.uncached else Decimal(0)


def prompt_size(prompt: Prompt) -> PromptSize:
    """Return the size of a prompt by its parts."""
    shown = 2 * len(prompt.nearest)
    return PromptSize(
        system=message_tokens(prompt.messages[0]),
        pinned=messages_tokens(prompt.messages[1 : prompt.fixed]),
        nearest=messages_tokens(prompt.messages[prompt.fixed : prompt.fixed + shown]),
        conversation=messages_tokens(prompt.messages[prompt.fixed + shown :]),
    )


def prompt_price(size: PromptSize, prices: TokenPrices, *, answer_tokens: int = USUAL_ANSWER_TOKENS) -> PromptPrice:
    """Return what 1,000 messages cost with the fixed part from the prefix cache, and without any cache."""
    answer = answer_tokens * prices.output
    fresh = (size.total - size.fixed) * prices.input
    return PromptPrice(
        currency=prices.currency,
        cached=(size.fixed * prices.cached_input + fresh + answer) * MESSAGES / MILLION,
        uncached=(size.total * prices.input + answer) * MESSAGES / MILLION,
    )


def pinned_price(example: ExampleEntry, prices: TokenPrices) -> Decimal:
    """Return what pinning one more example costs for 1,000 messages, from the cache."""
    return example_tokens(example) * prices.cached_input * MESSAGES / MILLION


def example_tokens(example: ExampleEntry) -> int:
    """Return about how many tokens an example takes."""
    return messages_tokens(example_messages(example))


def largest_examples(playbook: Playbook, *, limit: int) -> Sequence[tuple[ExampleEntry, int]]:
    """Return the pinned examples that take most tokens, with how many."""
    sizes = [(example, example_tokens(example)) for example in playbook.pinned]
    return sorted(sizes, key=lambda each: -each[1])[:limit]


def message_tokens(message: ChatMessage) -> int:
    """Return about how many tokens one message takes."""
    return estimate_tokens(message.content) + TOKENS_PER_MESSAGE
