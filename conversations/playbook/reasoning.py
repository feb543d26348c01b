"""Questions that have to be worked out: what the model is told about them, and how its figures are judged.

The model writes its steps in a key of their own that customers never see ("steps", right before "response"). Nothing of
such an answer is shown before code has worked the same out: see `arithmetic`.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from conversations.llm.reasoning import without_reasoning
from conversations.llm.requests import ChatMessage
from conversations.playbook.arithmetic.checks import Ground, Step, wrong_figures
from conversations.playbook.arithmetic.questions import Expected
from conversations.playbook.reasoning_questions import Kind

PROFILE: Final = "reasoning"
"""The key of the profile with which questions are worked out."""
MAX_LINES: Final = 12

HEADING: Final = "# Work it out"
CHECKED_HEADING: Final = "# Checked by calculator"
TASK: Final = """\
{heading}
The customer's last words need a calculation. Add one key, "steps", right before "response": a list with one object for
each step, in order, for example {{"calculate": "3 * (1 - 25/100)", "result": 2.25}}.
- "calculate" holds numbers, dates as YYYY-MM-DD and + - * / ( ) floor() ceil() round() only: no words, no currency, no
  thousands separators. A date plus a number is a date that many days later.
- Every number in it is the customer's, a shop fact's or an earlier result.
- Every figure in "response" is one of those or a result. Tell the figures that matter in at most 3 short sentences.
- Customers never see the steps. Where a figure is missing, have no steps and ask for it: never guess.
Today is {weekday}, {today}."""
AGAIN: Final = """\
{heading}
An earlier answer to this had wrong figures. What a calculator says:
{lines}
Answer anew, with these values."""


@dataclass(frozen=True, slots=True)
class Calculation:
    """A question that is being worked out, and what its answer is judged by."""

    kind: Kind
    ground: Ground
    expected: Expected | None

    def wrong(self, answer: str, *, response: str, is_handed_over: bool) -> tuple[str, ...]:
        """Return what is wrong with the figures of an answer, as it came from the model; nothing where all is right."""
        return wrong_figures(
            steps_in(answer), response, ground=self.ground, expected=self.expected, is_handed_over=is_handed_over
        )


def task(today: date) -> str:
    """Return what the model is told about working it out."""
    return TASK.format(heading=HEADING, weekday=f"{today:%A}", today=today.isoformat())


def corrected(messages: Sequence[ChatMessage], lines: Iterable[str]) -> tuple[ChatMessage, ...]:
    """Return the prompt with what a calculator says about an earlier answer, in its last system message."""
    at = max(number for number, message in enumerate(messages) if message.role == "system")
    listed = "\n".join(f"- {line}" for line in list(lines)[:MAX_LINES])
    told = ChatMessage("system", f"{messages[at].content}\n\n{AGAIN.format(heading=CHECKED_HEADING, lines=listed)}")
    return (*messages[:at], told, *messages[at + 1 :])


def steps_in(answer: str) -> tuple[Step, ...]:
    """Return the steps of a model's answer, as far as they can be read."""
    answer = without_reasoning(answer)
    start = answer.find("{")
    try:
        found, _ = _DECODER.raw_decode(answer, max(start, 0))
    except (ValueError, RecursionError):
        return ()
    steps = found.get("steps") if isinstance(found, dict) else None
    return tuple(_step(each) for each in steps) if isinstance(steps, list) else ()


def _step(value: object) -> Step:
    # What has no calculation is judged as one that can't be worked out.
    fields: dict[str, Any] = value if isinstance(value, dict) else {}
    return Step(calculate=str(fields.get("calculate", "")), result=str(fields.get("result", "")))


_DECODER: Final = json.JSONDecoder(strict=False, parse_float=str, parse_int=str)
