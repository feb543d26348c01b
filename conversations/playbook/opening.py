"""The prompt's opening: instruction, answer form, shop facts, intents, then the examples as past exchanges.

The simulator reads the headings and the examples from here, as a model would; `docs/simulator.md` says which.
"""

import orjson

from conversations.llm.envelope import FALLBACK_INTENT
from conversations.llm.requests import ChatMessage
from conversations.playbook.content import ExampleEntry, FactEntry, IntentEntry, Playbook

FORM_HEADING = "# Form of the answer"
FACTS_HEADING = "# Shop facts"
INTENTS_HEADING = "# Intents"

FORM = """\
Answer with one json object and nothing else: no text before or after it, no code fence. Its keys, in this order:
1. "intent": one of {keys}
2. "escalate": true if a person has to take over, else false
3. "action_required": true if something must be done or looked up in a system (an order, a parcel, a refund), else false
4. "response": what the customer reads. Decide first, write last.
Example of the form: {form}"""

EXAMPLE_RESPONSE = "สวัสดีค่ะ มีอะไรให้ช่วยไหมคะ"


def opening_messages(playbook: Playbook) -> tuple[ChatMessage, ...]:
    """Return the messages that are the same for every question."""
    system = ChatMessage("system", system_text(playbook))
    pairs = (message for example in playbook.pinned for message in example_messages(example))
    return (system, *pairs)


def system_text(playbook: Playbook) -> str:
    """Return the first system message."""
    keys = [intent.key for intent in playbook.intents] or [FALLBACK_INTENT]
    form = envelope_json(intent=keys[-1], escalate=False, action_required=False, response=EXAMPLE_RESPONSE)
    parts = (
        playbook.instruction.strip(),
        f"{FORM_HEADING}\n{FORM.format(keys=', '.join(quoted(key) for key in keys), form=form)}",
        section(FACTS_HEADING, [fact_text(fact) for fact in playbook.facts]),
        section(INTENTS_HEADING, [intent_text(intent) for intent in playbook.intents]),
    )
    return "\n\n".join(part for part in parts if part)


def section(heading: str, entries: list[str]) -> str:
    """Return the entries under their heading; nothing where there are none."""
    return "\n".join((heading, *entries)) if entries else ""


def fact_text(fact: FactEntry) -> str:
    """Return a fact as one entry with a line per language."""
    return f"- {line(fact.title)}\n  th: {line(fact.text_th)}\n  en: {line(fact.text_en)}"


def intent_text(intent: IntentEntry) -> str:
    """Return an intent as one entry."""
    text = f"- {quoted(intent.key)} ({line(intent.name_th)} / {line(intent.name_en)}): {line(intent.belongs)}"
    return f"{text} Not: {line(intent.belongs_not)}" if intent.belongs_not.strip() else text


def example_messages(example: ExampleEntry) -> tuple[ChatMessage, ChatMessage]:
    """Return an example as an exchange that took place."""
    answer = envelope_json(
        intent=example.intent,
        escalate=example.escalate,
        action_required=example.action_required,
        response=example.response,
    )
    return ChatMessage("user", example.customer_text), ChatMessage("assistant", answer)


def envelope_json(*, intent: str, escalate: bool, action_required: bool, response: str) -> str:
    """Return an answer as compact JSON with the decision before the prose."""
    return orjson.dumps(
        {"intent": intent, "escalate": escalate, "action_required": action_required, "response": response}
    ).decode()


def quoted(key: str) -> str:
    """Return a key as a JSON string."""
    return orjson.dumps(key).decode()


def line(text: str) -> str:
    """Return a text on one line, so that it can't look like another entry or heading."""
    return " ".join(text.split())
