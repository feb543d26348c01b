"""A playbook for tests that need no database: the starter one, and real questions."""

import json
from pathlib import Path

from conversations.playbook.content import ExampleEntry, FactEntry, Playbook, make_playbook
from conversations.playbook.prompt import Speaker, Turn
from conversations.playbook.starter_examples import EXAMPLES
from conversations.playbook.starter_texts import FACTS, INSTRUCTION, INTENTS, PROFILES, USUAL

QUESTIONS_FILE = Path(__file__).resolve().parents[1] / "data" / "th_questions.jsonl"


def starter(*, facts: tuple[FactEntry, ...] = FACTS) -> Playbook:
    """Return the starter playbook as it is read from the tables."""
    return make_playbook(
        INSTRUCTION,
        profiles=PROFILES,
        profile=USUAL,
        intents=INTENTS,
        facts=facts,
        examples=tuple(
            ExampleEntry(
                customer_text=example.says,
                intent=example.intent,
                response=example.answer,
                action_required=example.action_required,
                escalate=example.escalate,
                locale=example.locale,
            )
            for example in EXAMPLES
        ),
    )


def real_questions() -> list[str]:
    """Return what real people wrote to shops, in Thai (tests/data/README.md)."""
    return [json.loads(line)["text"] for line in QUESTIONS_FILE.read_text(encoding="utf-8").splitlines()]


def customer(text: str) -> Turn:
    """Return a customer's turn."""
    return Turn(Speaker.CUSTOMER, text)


def bot(text: str) -> Turn:
    """Return a bot's turn."""
    return Turn(Speaker.BOT, text)
