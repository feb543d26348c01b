"""Builds what the model is sent. Pure: the same playbook and turns give the same prompt, byte for byte.

Order: the opening (instruction, shop facts, intents, pinned examples: the same for every question, so that the
provider's prefix cache serves it), the further examples that are nearest to this question, one short line that ends the
examples (and says how to work something out, where that is asked), then the conversation. What a customer wrote is only
ever the content of user messages; it is never formatted into instructions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import lru_cache
from itertools import groupby, takewhile

from django.utils import timezone

from conversations.llm.envelope import FALLBACK_INTENT
from conversations.llm.requests import ChatMessage, Sampling
from conversations.llm.tokens import TOKENS_PER_MESSAGE, estimate_tokens
from conversations.playbook.arithmetic.checks import Ground, ground_of, joined
from conversations.playbook.arithmetic.questions import expected_answer
from conversations.playbook.content import ExampleEntry, Playbook
from conversations.playbook.opening import envelope_json, example_messages, opening_messages
from conversations.playbook.reasoning import Calculation, task
from conversations.playbook.reasoning_questions import Kind
from conversations.playbook.selection import KEPT_PLAYBOOKS, nearest_examples, use_for

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
    """What is sent and how the model samples; `calculation` where its figures must be judged before anybody sees them.

    The first `fixed` messages are the same for every question. `trace` is what may be said about the prompt in a run's
    trace: names, ids and counts, no text.
    """

    messages: tuple[ChatMessage, ...]
    trace: dict[str, object]
    sampling: Sampling
    fixed: int
    nearest: tuple[ExampleEntry, ...] = ()
    calculation: Calculation | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    """The part that is the same for all questions, with its size."""

    messages: tuple[ChatMessage, ...]
    tokens: int


def build_prompt(
    playbook: Playbook,
    turns: Sequence[Turn],
    *,
    locale: str,
    budget_tokens: int,
    today: date | None = None,
    intent: str = "",
) -> Prompt:
    """Return the prompt that asks for the answer to the customer's last words.

    `budget_tokens` limits the conversation's part (estimated); the oldest turns are left out whole. The newest is
    always sent. `locale` is the conversation's language, for words that are of none. `today` is the shop's date, for
    questions that have to be worked out (None: as the clock says). `intent` is what the question wants where somebody
    knows it; it decides the sampling profile.
    """
    opening = opening_of(playbook)
    kept = turns[first_kept(turns, budget_tokens=budget_tokens) :]
    question = last_words(kept)
    use = use_for(playbook, question, intent=intent)
    nearest = nearest_examples(playbook, question)
    calculation = calculation_for(playbook, kept, kind=use.reasoning, today=today) if use.reasoning else None
    shown = [message for example in nearest for message in example_messages(example)]
    own = (*shown, begin_message(locale, calculation), *history_messages(kept))
    trace: dict[str, object] = {
        "playbook": playbook.version,
        "release": playbook.number,
        "profile": use.profile,
        "pinned": len(playbook.pinned),
        "examples": [example.id for example in nearest],
        "turns": len(kept),
        "turns_left_out": len(turns) - len(kept),
        "estimated_tokens": opening.tokens + messages_tokens(own),
    }
    return Prompt(
        messages=(*opening.messages, *own),
        trace=trace | ({"reasoning": calculation.kind.value} if calculation else {}),
        sampling=playbook.sampling_of(use.profile),
        fixed=len(opening.messages),
        nearest=nearest,
        calculation=calculation,
    )


def begin_message(locale: str, calculation: Calculation | None) -> ChatMessage:
    """Return the line that ends the examples, with the task where something has to be worked out."""
    begins = CONVERSATION_BEGINS.format(language=LANGUAGES.get(locale, LANGUAGES["th"]))
    return ChatMessage("system", f"{begins}\n\n{task(calculation.ground.today)}" if calculation else begins)


@lru_cache(maxsize=KEPT_PLAYBOOKS)
def opening_of(playbook: Playbook) -> Opening:
    """Return the playbook's opening, made once per playbook."""
    messages = opening_messages(playbook)
    return Opening(messages=messages, tokens=messages_tokens(messages))


def last_words(turns: Sequence[Turn]) -> str:
    """Return what the customer wrote since anybody answered."""
    words = takewhile(lambda turn: turn.speaker is Speaker.CUSTOMER, reversed(turns))
    return "\n".join(reversed([turn.text for turn in words]))


def calculation_for(playbook: Playbook, turns: Sequence[Turn], *, kind: Kind, today: date | None) -> Calculation:
    """Return by what the figures of an answer to these turns are judged."""
    today = today or timezone.localdate()
    said = ground_of((turn.text for turn in turns), today=today)
    return Calculation(kind, joined(shop_ground(playbook, today), said), expected_answer(last_words(turns)))


@lru_cache(maxsize=KEPT_PLAYBOOKS)
def shop_ground(playbook: Playbook, today: date) -> Ground:
    """Return the numbers and dates that the shop itself gives, read once a day."""
    facts = (text for fact in playbook.facts for text in (fact.text_th, fact.text_en))
    return ground_of((playbook.instruction, *facts), today=today)


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
