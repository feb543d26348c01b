"""What the playground's page may ask, read and checked; and its answers, as plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from conversations.gateway.metering import CallWatch
from conversations.llm.requests import Usage
from conversations.playbook.content import Playbook
from conversations.playbook.prompt import Prompt
from conversations.playbook.used import UsedExample
from conversations.replies.trying import Tried

MAX_QUESTION_CHARS: Final = 4000
MAX_SIDES: Final = 3
MAX_SAMPLES: Final = 5
MAX_WITHOUT: Final = 100
MAX_FRAME_CHARS: Final = 16_384
SHOWN_EXAMPLES: Final = 12
LARGEST_ID: Final = 2**63 - 1
LARGEST_NUMBER: Final = 2**31 - 1

Id = Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID)]
DRAFT: Final = "draft"
LIVE: Final = "live"


class Asked(BaseModel):
    """Base of all frames."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Side(Asked):
    """One column: which playbook, which route (None: as customers are answered), which examples to leave out."""

    book: Literal["draft", "live"] | Annotated[int, Field(strict=True, ge=1, le=LARGEST_NUMBER)]
    route: Id | None = None
    without: Annotated[tuple[Id, ...], Field(max_length=MAX_WITHOUT)] = ()


class Ask(Asked):
    """A question for all sides. `id` is the page's own number of it; `run`: the reply whose history goes with it."""

    type: Literal["ask"]
    id: Annotated[int, Field(strict=True, ge=0, le=LARGEST_NUMBER)]
    question: Annotated[str, StringConstraints(max_length=MAX_QUESTION_CHARS)]
    locale: Literal["th", "en", ""] = ""
    run: Id | None = None
    samples: Annotated[int, Field(strict=True, ge=1, le=MAX_SAMPLES)] = 1
    sides: Annotated[tuple[Side, ...], Field(min_length=1, max_length=MAX_SIDES)]


class Stop(Asked):
    """Make no more answers."""

    type: Literal["stop"]


class Ping(Asked):
    """A heartbeat."""

    type: Literal["ping"]


Frame = Ask | Stop | Ping
FRAME: Final[TypeAdapter[Frame]] = TypeAdapter(Annotated[Frame, Field(discriminator="type")])


def read_frame(text: str | None) -> Frame | None:
    """Return the frame, or None for what isn't one."""
    if text is None or len(text) > MAX_FRAME_CHARS:
        return None
    try:
        return FRAME.validate_json(text)
    except (ValidationError, UnicodeEncodeError):
        return None


@dataclass(frozen=True, slots=True)
class Cell:
    """Where an answer stands: which question, column and sample."""

    ask: int
    side: int
    sample: int

    def values(self) -> dict[str, object]:
        """Return the place as a frame says it."""
        return {"id": self.ask, "side": self.side, "sample": self.sample}


def asked_frame(
    ask: Ask, side: int, *, playbook: Playbook, prompt: Prompt, used: Sequence[UsedExample], who: str
) -> dict[str, object]:
    """Return what a column's answers are made from."""
    return {
        "type": "asked",
        "id": ask.id,
        "side": side,
        "release": playbook.number,
        "version": playbook.version,
        "who": who,
        "profile": prompt.trace["profile"],
        "reasoning": prompt.trace.get("reasoning", ""),
        "tokens": prompt.trace["estimated_tokens"],
        "turns": prompt.trace["turns"],
        "turns_left_out": prompt.trace["turns_left_out"],
        "examples": [example_values(each) for each in used[:SHOWN_EXAMPLES]],
        "examples_count": len(used),
    }


def example_values(used: UsedExample) -> dict[str, object]:
    """Return an example as the page shows it."""
    example = used.example
    return {
        "id": example.id,
        "customer_text": example.customer_text,
        "intent": example.intent,
        "response": example.response,
        "action_required": example.action_required,
        "escalate": example.escalate,
        "is_pinned": example.is_pinned,
        "percent": round(used.similarity * 100),
    }


def answer_frame(cell: Cell, tried: Tried) -> dict[str, object]:
    """Return what came of one answer."""
    envelope, verdict = tried.envelope, tried.verdict
    return {
        "type": "answer",
        **cell.values(),
        "error": error_of(tried),
        "response": envelope.response if envelope else "",
        "intent": verdict.intent if verdict else "",
        "action_required": verdict.action_required if verdict else False,
        "escalate": verdict.escalate if verdict else False,
        "guards": list(dict.fromkeys(guard.value for guard in tried.guards)),
        "repairs": [repair.value for repair in envelope.repairs] if envelope else [],
        "raw": tried.raw,
        **figures_of(tried.calls),
    }


def error_of(tried: Tried) -> str:
    """Return why there is no reply; "" where there is one."""
    if tried.envelope is not None:
        return ""
    return tried.error.value if tried.error else tried.guards[-1].value


def figures_of(calls: Sequence[CallWatch]) -> Mapping[str, Any]:
    """Return what the calls took together; the times are those of the last one."""
    rows = [call.row(run_id=None) for call in calls]
    costs: list[Decimal] = [row.cost for row in rows if row.cost is not None]
    usages = [call.usage or Usage() for call in calls]
    return {
        "who": called(calls[-1]) if calls else "",
        "first_token_ms": calls[-1].first_token_ms if calls else None,
        "total_ms": sum(call.total_ms for call in calls),
        "prompt_tokens": sum(usage.prompt_tokens for usage in usages),
        "cached_tokens": sum(usage.cached_tokens for usage in usages),
        "completion_tokens": sum(usage.completion_tokens for usage in usages),
        "reasoning_tokens": sum(usage.reasoning_tokens for usage in usages),
        "cost": str(sum(costs)) if costs else None,
        "currency": rows[-1].currency if rows else "",
    }


def called(call: CallWatch) -> str:
    """Return which model was called."""
    candidate = call.lease.candidate
    return f"{candidate.provider} / {candidate.model}"
