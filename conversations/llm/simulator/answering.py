"""Chooses the answer: the nearest example's, else the nearest fact's words, else a person.

A stand-in for understanding, with no answers of its own. Same prompt and same luck, same answer.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.calculating import is_asked_to_work, worked_out
from conversations.llm.simulator.comparing import judged
from conversations.llm.simulator.grams import normalise, numbers_in
from conversations.llm.simulator.knowledge import (
    RESPONSE,
    Conversation,
    Envelope,
    Knowledge,
    Shown,
    language_of,
    read_conversation,
    read_opening,
    split_prompt,
)
from conversations.llm.simulator.luck import STEADY, Luck

EXAMPLE_NEAR = 0.36
EXAMPLE_SURE = 0.6
FACT_NEAR = 0.45
FACT_SURE = 0.75
# Shorter words are part of too many others.
FACT_QUESTION_CHARS = 8
# An example that computes with the customer's numbers says something false about other numbers.
OTHER_NUMBERS = 0.3
MANY_NUMBERS = 2
WANTS_PERSON = re.compile(
    r"(คุย|ติดต่อ|ขอสาย|โอนสาย|เรียก|เรียน|ขอ|ตาม).{0,12}(พนักงาน|เจ้าหน้าที่|แอดมิน|คนจริง|คนตอบ|มนุษย์|ผู้จัดการ|กับคน)"
    r"|(talk|speak|chat|connect|transfer|want|need|get)\b.{0,24}\b(human|person|agent|representative|staff|manager|operator)"
    r"|real (person|human)|human agent",
    re.IGNORECASE,
)
NOTHING_KNOWN = "[simulator] No example and no fact in the prompt fits."


@dataclass(frozen=True, slots=True)
class Match:
    """An example and how near it is."""

    example: Shown
    score: float


def answer(messages: Sequence[ChatMessage], luck: Luck = STEADY) -> Envelope:
    """Return the envelope with which the prompt's last question is answered, or the verdict that it asks for."""
    if (verdict := judged(messages)) is not None:
        return verdict
    opening, rest = split_prompt(messages)
    knowledge = luck.shaken(read_opening(opening))
    conversation = read_conversation(rest)
    if not conversation.customer:
        return hand_over(knowledge, language=conversation.language_hint, words="")
    question = conversation.customer[-1]
    language = language_spoken(conversation)
    if WANTS_PERSON.search(question):
        return hand_over(knowledge, language=language, words=question)
    is_to_work = any(is_asked_to_work(message.content) for message in messages if message.role != "assistant")
    return (
        (worked_out(knowledge, question, language=language) if is_to_work else None)
        or from_examples(knowledge, conversation, language=language, near=EXAMPLE_SURE)
        or from_facts(knowledge, question, language=language, near=FACT_SURE)
        or from_examples(knowledge, conversation, language=language, near=EXAMPLE_NEAR)
        or from_facts(knowledge, question, language=language, near=FACT_NEAR)
        or from_context(knowledge, conversation, language=language)
        or hand_over(knowledge, language=language, words="")
    )


def language_spoken(conversation: Conversation) -> str:
    """Return the language of the customer's newest words that are of one."""
    spoken = (language_of(text) for text in reversed(conversation.customer))
    return next((language for language in spoken if language), conversation.language_hint)


def from_examples(knowledge: Knowledge, conversation: Conversation, *, language: str, near: float) -> Envelope | None:
    """Return the nearest example's answer, for the line of a burst that asks for something."""
    lines = [line for line in conversation.customer[-1].splitlines() if line.strip()]
    candidates = [conversation.customer[-1], *lines] if len(lines) > 1 else lines
    matches = [match for text in candidates for match in nearest(knowledge, text, language=language, limit=1)]
    matches = [match for match in matches if match.score >= EXAMPLE_NEAR]
    asking = [match for match in matches if not is_small_talk(knowledge, match.example)]
    best = max(reversed(asking or matches), key=lambda match: match.score, default=None)
    return best.example.envelope if best and best.score >= near else None


def is_small_talk(knowledge: Knowledge, example: Shown) -> bool:
    """Say whether an example asks for nothing in particular (a greeting, thanks)."""
    return example.envelope.get("intent") == knowledge.fallback_intent and not example.envelope.get("escalate")


def nearest(knowledge: Knowledge, text: str, *, language: str, limit: int) -> list[Match]:
    """Return the nearest examples in this language, best first."""
    found = [
        Match(example, score * number_factor(text, example=example))
        for number, score in knowledge.examples_index.cosines(text).items()
        if (example := knowledge.examples[number]).language in {language, ""}
    ]
    return sorted(found, key=lambda match: -match.score)[:limit]


def number_factor(text: str, *, example: Shown) -> float:
    """Return 1, or less where an example with several numbers meets a question with others."""
    shown = numbers_in(example.says)
    return OTHER_NUMBERS if len(shown) >= MANY_NUMBERS and numbers_in(text) != shown else 1.0


def from_facts(knowledge: Knowledge, question: str, *, language: str, near: float) -> Envelope | None:
    """Return the words of the fact that holds most of the question."""
    if len(normalise(question)) < FACT_QUESTION_CHARS:
        return None
    scores = {
        number: score
        for number, score in knowledge.facts_index.containments(question).items()
        if knowledge.facts[number].language == language
    }
    best = max(scores, key=lambda number: scores[number], default=None)
    if best is None or scores[best] < near:
        return None
    fact = knowledge.facts[best]
    return envelope(knowledge, intent=intent_near(knowledge, fact.text), response=fact.text)


def intent_near(knowledge: Knowledge, text: str) -> str:
    """Return the intent of the example whose answer is most like `text`."""
    scores = knowledge.answers_index.cosines(text)
    best = max(scores, key=lambda number: scores[number], default=None)
    return knowledge.fallback_intent if best is None else str(knowledge.examples[best].envelope.get("intent", ""))


def from_context(knowledge: Knowledge, conversation: Conversation, *, language: str) -> Envelope | None:
    """Return the answer to the last words read together with those before; never the same answer twice in a row."""
    if len(conversation.customer) < len(("before", "now")):
        return None
    words = "\n".join(conversation.customer[-2:])
    for match in nearest(knowledge, words, language=language, limit=len(knowledge.examples)):
        if match.score < EXAMPLE_NEAR:
            return None
        if match.example.response != conversation.last_answer:
            return match.example.envelope
    return None


def hand_over(knowledge: Knowledge, *, language: str, words: str) -> Envelope:
    """Return the answer that calls a person: that of the example in which nothing but a person is asked for."""
    callers = [shown for shown in handing_over(knowledge) if shown.language == language] or list(
        handing_over(knowledge)
    )
    if not callers:
        return envelope(knowledge, intent=knowledge.fallback_intent, response=NOTHING_KNOWN, escalate=True)
    scores = knowledge.examples_index.cosines(words) if words else {}
    best = max(callers, key=lambda shown: scores.get(knowledge.examples.index(shown), 0.0))
    return best.envelope


def handing_over(knowledge: Knowledge) -> Iterator[Shown]:
    """Yield the examples that call a person, those of the fallback intent first."""
    callers = [shown for shown in knowledge.examples if shown.envelope.get("escalate") is True]
    yield from sorted(callers, key=lambda shown: shown.envelope.get("intent") != knowledge.fallback_intent)


def envelope(knowledge: Knowledge, *, intent: str, response: str, escalate: bool = False) -> Envelope:
    """Return an answer in the form, and key order, of the examples."""
    values: Envelope = {"intent": intent, "escalate": escalate, "action_required": False, RESPONSE: response}
    order = list(knowledge.examples[0].envelope) if knowledge.examples else list(values)
    return {key: values[key] for key in order if key in values} | values
