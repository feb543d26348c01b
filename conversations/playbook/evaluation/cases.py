"""A case: a question (or the end of a dialogue) and what a good answer to it must be. Values only, no database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from pydantic import TypeAdapter

from conversations.playbook.prompt import Speaker, Turn

MAX_LINES: Final = 40
"""More of a dialogue than any customer has with a bot before a person comes."""


@dataclass(frozen=True, slots=True)
class Line:
    """Something that was said before the question."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a good answer is. What is empty or None may be anything.

    `must_say`: each must occur; `must_not_say`: none may. Within one, `|` parts words of which one is enough.
    """

    intent: str = ""
    escalate: bool | None = None
    action_required: bool | None = None
    must_say: tuple[str, ...] = ()
    must_not_say: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether any answer in the right form would do."""
        return self == Expectation()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is asked, and what is expected. `reference` is an answer that a person would give, shown beside others."""

    question: str
    locale: str = "th"
    dialogue: tuple[Line, ...] = ()
    expected: Expectation = field(default_factory=Expectation)
    reference: str = ""

    @property
    def turns(self) -> list[Turn]:
        """The conversation, the question last."""
        before = [Turn(line.speaker, line.text) for line in self.dialogue]
        return [*before, Turn(Speaker.CUSTOMER, self.question)]


CASE: Final = TypeAdapter(Case)


def to_json(case: Case) -> dict[str, Any]:
    """Return a case as JSON values."""
    values: dict[str, Any] = orjson.loads(orjson.dumps(case))
    return values


def from_json(values: Mapping[str, Any]) -> Case:
    """Return the case that JSON values stand for."""
    return CASE.validate_python(values)
