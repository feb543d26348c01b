"""Reads a prompt as a model would: what the examples show, what the facts say, what the conversation was.

Nothing here knows a shop: with other examples in the prompt come other answers. The headings are those of
`playbook/opening.py`, which may not be imported from here; a test holds them together.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import orjson

from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.grams import GramIndex, Index

FACTS_HEADING = "# Shop facts"
INTENTS_HEADING = "# Intents"
THAI = re.compile(r"[\u0e00-\u0e7f]")
LATIN_WORD = re.compile(r"(?<![A-Za-z\d])[A-Za-z]{2,}(?![A-Za-z\d])|^\W*[A-Za-z]\W*$")
HINT = re.compile(r"\bin (Thai|English)\b")
INTENT_LINE = re.compile(r'^- ("(?:[^"\\]|\\.)*") \((.*?)\): ')
RESPONSE = "response"

Envelope = dict[str, object]


@dataclass(frozen=True, slots=True)
class Shown:
    """An example of the prompt."""

    says: str
    envelope: Envelope
    language: str

    @property
    def response(self) -> str:
        """What the customer would read."""
        return str(self.envelope[RESPONSE])


@dataclass(frozen=True, slots=True)
class Told:
    """A fact of the prompt, in one language."""

    title: str
    text: str
    language: str


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What a prompt's opening tells."""

    examples: tuple[Shown, ...]
    facts: tuple[Told, ...]
    intents: tuple[str, ...]
    examples_index: Index
    answers_index: Index
    facts_index: Index

    @property
    def fallback_intent(self) -> str:
        """The last intent, where everything else belongs."""
        return self.intents[-1] if self.intents else ""


@dataclass(frozen=True, slots=True)
class Conversation:
    """What was said after the examples."""

    customer: tuple[str, ...]
    last_answer: str
    language_hint: str


def language_of(text: str) -> str:
    """Return `th` or `en`, or nothing for digits, signs and order numbers."""
    if THAI.search(text):
        return "th"
    return "en" if LATIN_WORD.search(text) else ""


def split_prompt(messages: Sequence[ChatMessage]) -> tuple[tuple[ChatMessage, ...], tuple[ChatMessage, ...]]:
    """Return the opening and the conversation. A second system message divides them, else the last user message."""
    systems = [number for number, message in enumerate(messages) if message.role == "system"]
    if len(systems) > 1:
        start = systems[-1]
        return tuple(messages[:start]), tuple(messages[start:])
    users = [number for number, message in enumerate(messages) if message.role == "user"]
    start = users[-1] if users else len(messages)
    return tuple(messages[:start]), tuple(messages[start:])


@lru_cache(maxsize=16)
def read_opening(opening: tuple[ChatMessage, ...]) -> Knowledge:
    """Return what an opening tells; a shop's opening is the same for all its questions."""
    # Models that want no system message get the instructions as the first one of the user.
    system = "\n".join(message.content for message in opening if message.role == "system" or message is opening[0])
    examples = tuple(read_examples(opening))
    facts = tuple(read_facts(system))
    return Knowledge(
        examples=examples,
        facts=facts,
        intents=tuple(read_intents(system)),
        examples_index=GramIndex([example.says for example in examples]),
        answers_index=GramIndex([f"{example.says} {example.response}" for example in examples]),
        facts_index=GramIndex([f"{fact.title} {fact.text}" for fact in facts]),
    )


def read_examples(opening: Sequence[ChatMessage]) -> Iterator[Shown]:
    """Yield the exchanges whose answer is an envelope."""
    for asked, answered in pairwise(opening):
        if (asked.role, answered.role) == ("user", "assistant"):
            envelope = read_envelope(answered.content)
            if envelope:
                yield Shown(asked.content, envelope, language_of(asked.content))


def read_envelope(text: str) -> Envelope | None:
    """Return the JSON object with a response in it, or None."""
    try:
        envelope = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return envelope if isinstance(envelope, dict) and isinstance(envelope.get(RESPONSE), str) else None


def section(system: str, heading: str) -> list[str]:
    """Return the lines under a heading."""
    lines = system.splitlines()
    if heading not in lines:
        return []
    body = lines[lines.index(heading) + 1 :]
    end = next((number for number, line in enumerate(body) if line.startswith("# ")), len(body))
    return body[:end]


def read_facts(system: str) -> Iterator[Told]:
    """Yield each fact once per language."""
    title = ""
    for line in section(system, FACTS_HEADING):
        if line.startswith("- "):
            title = line.removeprefix("- ")
        for language in ("th", "en"):
            if line.startswith(f"  {language}: "):
                yield Told(title, line.removeprefix(f"  {language}: "), language)


def read_intents(system: str) -> Iterator[str]:
    """Yield the intents' keys."""
    for line in section(system, INTENTS_HEADING):
        if found := INTENT_LINE.match(line):
            yield str(orjson.loads(found.group(1)))


def read_conversation(messages: Sequence[ChatMessage]) -> Conversation:
    """Return what the customer said, oldest first, and what the shop said last."""
    answers = [message.content for message in messages if message.role == "assistant"]
    envelope = read_envelope(answers[-1]) if answers else None
    hint = next((HINT.search(message.content) for message in messages if message.role == "system"), None)
    return Conversation(
        customer=tuple(message.content for message in messages if message.role == "user"),
        last_answer=str(envelope[RESPONSE]) if envelope else "".join(answers[-1:]),
        language_hint="en" if hint and hint.group(1) == "English" else "th",
    )
