"""What an OpenAI-compatible endpoint says, as typed values: one frame of a stream, or a whole completion."""

import json
from dataclasses import dataclass
from typing import TypeAlias

import orjson

from conversations.llm.errors import Kind, LLMError, kind_of_status
from conversations.llm.requests import Usage

Json: TypeAlias = "dict[str, Json] | list[Json] | str | int | float | bool | None"

FINISH_KINDS = {
    "length": Kind.TOO_LONG,
    "content_filter": Kind.FILTERED,
    "insufficient_system_resource": Kind.OVERLOADED,
    "tool_calls": Kind.MALFORMED,
    "function_call": Kind.MALFORMED,
}
"""Ways to finish that give no reply. All others (`stop`, and what other servers call it) are fine."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """The next piece of what the model writes. Never its reasoning, where the endpoint keeps that apart."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The model is done. The usage is None where the endpoint didn't tell."""

    finish_reason: str
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Completion:
    """A whole answer."""

    text: str
    usage: Usage | None


@dataclass(frozen=True, slots=True)
class Chunk:
    """One frame of a stream, or all of an answer that wasn't streamed."""

    text: str = ""
    finish_reason: str | None = None
    usage: Usage | None = None


def parse_chunk(payload: bytes) -> Chunk:
    """Read a frame or a completion. Raises LLMError for anything else, error frames included."""
    body = _as_dict(_load(payload))
    if body.get("error"):
        raise _error(body["error"])
    if "choices" not in body:
        raise LLMError(Kind.MALFORMED)
    choices = body["choices"]
    choice = _as_dict(choices[0]) if isinstance(choices, list) and choices else {}
    said = choice.get("delta") or choice.get("message")
    usage, finish_reason = body.get("usage"), choice.get("finish_reason")
    return Chunk(
        text=_text(_as_dict(said)) if said else "",
        finish_reason=finish_reason if isinstance(finish_reason, str) and finish_reason else None,
        usage=_usage(usage) if isinstance(usage, dict) else None,
    )


def check_finish(finish_reason: str, usage: Usage | None) -> None:
    """Raise LLMError where the model finished without a reply."""
    if finish_reason in FINISH_KINDS:
        raise LLMError(FINISH_KINDS[finish_reason], usage=usage)


def _load(payload: bytes) -> Json:
    try:
        loaded: Json = orjson.loads(payload)
    except orjson.JSONDecodeError:
        loaded = _load_leniently(payload)
    return loaded


def _load_leniently(payload: bytes) -> Json:
    """Some servers send each half of a surrogate pair in a frame of its own: only the slow parser lets that through."""
    try:
        loaded: Json = json.loads(payload.decode(errors="replace"), strict=False)
    except (ValueError, RecursionError):
        raise LLMError(Kind.MALFORMED) from None
    return loaded


def _as_dict(value: Json) -> dict[str, Json]:
    if not isinstance(value, dict):
        raise LLMError(Kind.MALFORMED)
    return value


def _text(said: dict[str, Json]) -> str:
    if said.get("refusal"):
        raise LLMError(Kind.REFUSED)
    content = said.get("content")
    return content if isinstance(content, str) else ""


def _error(error: Json) -> LLMError:
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, int | str) and str(code).isdecimal():
        return LLMError(kind_of_status(int(code)), status=int(code))
    return LLMError(Kind.MALFORMED)


def _usage(usage: dict[str, Json]) -> Usage:
    prompt = _count(usage.get("prompt_tokens"))
    cached = usage.get("prompt_cache_hit_tokens") or _detail(usage, "prompt_tokens_details", "cached_tokens")
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=min(_count(cached), prompt),
        completion_tokens=_count(usage.get("completion_tokens")),
        reasoning_tokens=_count(_detail(usage, "completion_tokens_details", "reasoning_tokens")),
    )


def _detail(usage: dict[str, Json], group: str, name: str) -> Json:
    details = usage.get(group)
    return details.get(name) if isinstance(details, dict) else None


def _count(value: Json) -> int:
    return value if isinstance(value, int) and value > 0 else 0
