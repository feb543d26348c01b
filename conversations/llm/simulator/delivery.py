"""How an answer travels: the frames of a stream (or one JSON body), their pace, and how the connection ends."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

import orjson

from conversations.llm.simulator.draft import Draft

EVENT_STREAM = "text/event-stream; charset=utf-8"
JSON = "application/json"
FINGERPRINT = "csbot-simulator"
DONE = b"data: [DONE]\n\n"
KEEP_ALIVE = b": keep-alive\n\n"


class Part(StrEnum):
    """What a frame is, so that faults can find it."""

    ROLE = "role"
    THOUGHT = "thought"
    TEXT = "text"
    FINISH = "finish"
    USAGE = "usage"
    DONE = "done"
    BODY = "body"
    ODD = "odd"


class Ending(StrEnum):
    """What happens after the last frame."""

    CLOSE = "close"
    HANG = "hang"
    ABORT = "abort"
    KEEP_ALIVE = "keep-alive"


@dataclass(frozen=True, slots=True)
class Frame:
    """Bytes that are written in one go after a pause."""

    part: Part
    data: bytes
    wait_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """Everything that goes over the wire. Where `has_head` is false, not even the status line is sent."""

    frames: tuple[Frame, ...]
    content_type: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    ending: Ending = Ending.CLOSE
    has_head: bool = True
    is_chunked: bool = True


Redeliver = Callable[[Delivery], Delivery]


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the simulated model is."""

    first_token_seconds: float = 0.15
    token_seconds: float = 0.03


@dataclass(frozen=True, slots=True)
class Call:
    """What identifies an answer, and what it is billed as."""

    call_id: str
    created: int
    model: str
    prompt_tokens: int
    cached_tokens: int
    has_usage_chunk: bool = False

    def usage(self, draft: Draft) -> dict[str, object]:
        """Return the usage as DeepSeek counts it: one token a piece."""
        thoughts = len(draft.thoughts)
        completion = thoughts + len(draft.pieces)
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": completion,
            "total_tokens": self.prompt_tokens + completion,
            "prompt_tokens_details": {"cached_tokens": self.cached_tokens},
            "completion_tokens_details": {"reasoning_tokens": thoughts},
            "prompt_cache_hit_tokens": self.cached_tokens,
            "prompt_cache_miss_tokens": self.prompt_tokens - self.cached_tokens,
        }

    def head(self, kind: str) -> dict[str, object]:
        """Return the fields every object of the answer begins with."""
        return {
            "id": self.call_id,
            "object": kind,
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
        }


def dump_any(value: object) -> bytes:
    """Return JSON, halves of surrogate pairs escaped: a real model's pieces may hold them."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return json.dumps(value).encode()


def event(value: object) -> bytes:
    """Return one event of the stream."""
    return b"data: " + dump_any(value) + b"\n\n"


def streamed(draft: Draft, *, call: Call, pace: Pace) -> Delivery:
    """Return the answer as a stream."""
    return Delivery(frames=tuple(stream_frames(draft, call=call, pace=pace)), content_type=EVENT_STREAM)


def stream_frames(draft: Draft, *, call: Call, pace: Pace) -> Iterator[Frame]:
    """Yield the frames of a stream: role, reasoning, text, finish with usage, [DONE]."""
    head = orjson.dumps(call.head("chat.completion.chunk"))[:-1]
    tail = b',"usage":null}\n\n' if call.has_usage_chunk else b"}\n\n"

    def chunk(delta: Mapping[str, object]) -> bytes:
        choices = b'[{"index":0,"delta":%b,"logprobs":null,"finish_reason":null}]' % dump_any(delta)
        return b"data: %b,%b%b%b" % (head, b'"choices":', choices, tail)

    yield Frame(Part.ROLE, chunk({"role": "assistant", "content": ""}), pace.first_token_seconds)
    for thought in draft.thoughts:
        yield Frame(Part.THOUGHT, chunk({"content": None, "reasoning_content": thought}), pace.token_seconds)
    for number, piece in enumerate(draft.pieces):
        yield Frame(Part.TEXT, chunk({"content": piece}), pace.token_seconds if number or draft.reasoning else 0.0)
    if draft.refusal:
        yield Frame(Part.TEXT, chunk({"refusal": draft.refusal}), pace.token_seconds)
    yield from closing_frames(draft, call=call)


def closing_frames(draft: Draft, *, call: Call) -> Iterator[Frame]:
    """Yield what ends a stream."""
    head = call.head("chat.completion.chunk")
    choice = {"index": 0, "delta": {"content": ""}, "logprobs": None, "finish_reason": draft.finish_reason}
    usage = call.usage(draft)
    ending = {**head, "choices": [choice], "usage": None if call.has_usage_chunk else usage}
    yield Frame(Part.FINISH, event(ending))
    if call.has_usage_chunk:
        yield Frame(Part.USAGE, event({**head, "choices": [], "usage": usage}))
    yield Frame(Part.DONE, DONE)


def whole(draft: Draft, *, call: Call, pace: Pace) -> Delivery:
    """Return the answer as one JSON body, when a model of this pace would have finished it."""
    message: dict[str, object] = {"role": "assistant", "content": draft.text}
    if draft.reasoning:
        message["reasoning_content"] = draft.reasoning
    if draft.refusal:
        message["refusal"] = draft.refusal
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": draft.finish_reason}
    body = dump_any({**call.head("chat.completion"), "choices": [choice], "usage": call.usage(draft)})
    seconds = pace.first_token_seconds + pace.token_seconds * (len(draft.thoughts) + len(draft.pieces))
    half = len(body) // 2
    # Two frames, so that an answer can break off in the middle of the body.
    frames = (Frame(Part.BODY, body[:half], seconds), Frame(Part.BODY, body[half:]))
    return Delivery(frames=frames, content_type=JSON)


def error(status: int, message: str, *, kind: str = "invalid_request_error") -> Delivery:
    """Return an error in OpenAI's form."""
    body = orjson.dumps({"error": {"message": message, "type": kind, "param": None, "code": kind}})
    return Delivery(frames=(Frame(Part.BODY, body),), content_type=JSON, status=status)
