"""Builds what the model is sent. Pure: the same playbook and turns give the same prompt, byte for byte.

Order: the opening (instruction, shop facts, intents, examples: the same for every question, so that the provider's
prefix cache serves it), one short line that ends the examples, then the conversation. What a customer wrote is only
ever the content of user messages; it is never formatted into instructions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from itertools import groupby

from conversations.llm.envelope import FALLBACK_INTENT
from conversations.llm.requests import ChatMessage
from conversations.llm.tokens import TOKENS_PER_MESSAGE, estimate_tokens
from conversations.playbook.content import Playbook
from conversations.playbook.opening import envelope_json, opening_messages

# One system message per language, so that the prompt has as many prefixes as there are languages, and no more.
CONVERSATION_BEGINS = (
    "The examples end here. Now a real conversation with a customer begins. Answer the customer's last words with one "
    "json object. Answer in the customer's language; where it can't be told, in {language}."
)
LANGUAGES = {"th": "Thai", "en": "English"}


class Speaker(StrEnum):
    """Who said something in a conversation."""

    CUSTOMER = "customer"
    BOT = "bot"
    AGENT = "agent"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation. What a bot decided with its words makes its own past look as it was."""

    speaker: Speaker
    text: str
    intent: str = ""
    action_required: bool = False
    escalate: bool = False


@dataclass(frozen=True, slots=True)
class Prompt:
    """What is sent, and what may be said about it in a run's trace: counts and the playbook's version, no text."""

    messages: tuple[ChatMessage, ...]
    trace: dict[str, object]


@dataclass(frozen=True, slots=True)
class Opening:
    """The part that is the same for all questions, with its size."""

    messages: tuple[ChatMessage, ...]
    tokens: int


def build_prompt(playbook: Playbook, turns: Sequence[Turn], *, locale: str, budget_tokens: int) -> Prompt:
    """Return the prompt that asks for the answer to the customer's last words.

    `budget_tokens` limits the conversation's part (estimated); the oldest turns are left out whole. The newest is
    always sent. `locale` is the conversation's language, for words that are of none.
    """
    opening = opening_of(playbook)
    kept = turns[first_kept(turns, budget_tokens=budget_tokens) :]
    begin = ChatMessage("system", CONVERSATION_BEGINS.format(language=LANGUAGES.get(locale, LANGUAGES["th"])))
    history = history_messages(kept)
    trace: dict[str, object] = {
        "playbook": playbook.version,
        "examples": len(playbook.examples),
        "turns": len(kept),
        "turns_left_out": len(turns) - len(kept),
        "estimated_tokens": opening.tokens + messages_tokens((begin, *history)),
    }
    return Prompt(messages=(*opening.messages, begin, *history), trace=trace)


@lru_cache(maxsize=4)
def opening_of(playbook: Playbook) -> Opening:
    """Return the playbook's opening, made once per playbook."""
    messages = opening_messages(playbook)
    return Opening(messages=messages, tokens=messages_tokens(messages))


def messages_tokens(messages: Sequence[ChatMessage]) -> int:
    """Return about how many tokens the messages are."""
    return sum(estimate_tokens(message.content) + TOKENS_PER_MESSAGE for message in messages)


def first_kept(turns: Sequence[Turn], *, budget_tokens: int) -> int:
    """Return the index of the oldest turn that is sent.

    Where something is left out, what is sent begins with a customer's turn: an answer without its question misleads.
    """
    start = first_within(turns, budget_tokens=budget_tokens)
    if start == 0:
        return 0
    customers = (index for index in range(start, len(turns)) if turns[index].speaker is Speaker.CUSTOMER)
    return next(customers, len(turns) - 1)


def first_within(turns: Sequence[Turn], *, budget_tokens: int) -> int:
    """Return the index of the oldest turn from which all turns fit the budget; the newest one always does."""
    left = budget_tokens
    for index in range(len(turns) - 1, -1, -1):
        left -= estimate_tokens(turns[index].text) + TOKENS_PER_MESSAGE
        if left < 0:
            return min(index + 1, len(turns) - 1)
    return 0


def history_messages(turns: Sequence[Turn]) -> tuple[ChatMessage, ...]:
    """Return the conversation as messages that alternate: some models refuse two of one role in a row."""
    groups = groupby(turns, key=lambda turn: turn.speaker is Speaker.CUSTOMER)
    return tuple(
        customer_message(list(group)) if is_customer else shop_message(list(group)) for is_customer, group in groups
    )


def customer_message(turns: Sequence[Turn]) -> ChatMessage:
    """Return what a customer wrote in one go, word for word."""
    return ChatMessage("user", "\n".join(turn.text for turn in turns))


def shop_message(turns: Sequence[Turn]) -> ChatMessage:
    """Return what the bot and agents said, in the form the model shall answer in; an agent's words pass as the shop's.

    The last turn's decision counts. Where a turn has none (an agent's), the fallback intent stands in.
    """
    last = turns[-1]
    content = envelope_json(
        intent=last.intent or FALLBACK_INTENT,
        escalate=last.escalate,
        action_required=last.action_required,
        response="\n".join(turn.text for turn in turns),
    )
    return ChatMessage("assistant", content)
