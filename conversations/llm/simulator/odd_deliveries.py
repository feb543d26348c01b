"""Odd ways for an answer to travel, or not to: each takes a good delivery and returns a bad one."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import orjson

from conversations.llm.simulator.delivery import (
    DONE,
    EVENT_STREAM,
    JSON,
    KEEP_ALIVE,
    Delivery,
    Ending,
    Frame,
    Part,
    Redeliver,
    error,
    event,
)

CONTENT = frozenset({Part.THOUGHT, Part.TEXT, Part.BODY})
SOME_FRAMES = 5
QUEUE_SECONDS = 1.0
QUEUE_COMMENTS = 5
LATE_SECONDS = 3.0
PAUSE_SECONDS = 2.0
HUGE_SECONDS = "86400"
HTML = "<!doctype html><html><body><h1>502 Bad Gateway</h1></body></html>"
ERROR_EVENT = event({"error": {"message": "Internal error", "type": "server_error", "param": None, "code": None}})
BAD_EVENT = b'data: {"id":"x","choices":[{"index":0,"delta":{"content":"\n\n'
ODD_HEAD = {"id": "x", "object": "chat.completion.chunk", "created": 0, "model": "x"}


def refuse(status: int, message: str, *, kind: str = "invalid_request_error", retry_after: str = "") -> Redeliver:
    """Return the redelivery that answers with an HTTP error instead."""
    headers = {"Retry-After": retry_after} if retry_after else {}
    return lambda _: replace(error(status, message, kind=kind), headers=headers)


def retry_at_date(_: Delivery) -> Delivery:
    """Answer 429 with the moment to come back as a date."""
    moment = format_datetime(datetime.now(tz=UTC) + timedelta(seconds=2), usegmt=True)
    return replace(error(429, "Rate limit reached", kind="rate_limit_error"), headers={"Retry-After": moment})


def page(status: int) -> Redeliver:
    """Return the redelivery that answers with a web page, as proxies do."""
    frames = (Frame(Part.BODY, HTML.encode()),)
    return lambda _: Delivery(frames=frames, content_type="text/html; charset=utf-8", status=status)


def begin(frames: Iterable[Frame], *, count: int = SOME_FRAMES) -> tuple[Frame, ...]:
    """Return the frames up to and with the `count`th that has content (of a JSON body: its first half)."""
    kept: list[Frame] = []
    left = count
    for frame in frames:
        kept.append(frame)
        left -= frame.part in CONTENT
        if left == 0 or frame.part is Part.BODY:
            break
    return tuple(kept)


def broken_off(ending: Ending, *, count: int = SOME_FRAMES) -> Redeliver:
    """Return the redelivery that stops after some pieces and ends like this."""
    return lambda sent: replace(sent, frames=begin(sent.frames, count=count), ending=ending)


def unbegun(ending: Ending, *, has_head: bool) -> Redeliver:
    """Return the redelivery that sends nothing, or only the head."""
    return lambda sent: replace(sent, frames=(), ending=ending, has_head=has_head)


def ended_by_close(sent: Delivery) -> Delivery:
    """Break off on a connection whose end is the body's end: the client can't tell that something is missing."""
    return replace(sent, frames=begin(sent.frames), is_chunked=False)


def each(change: Callable[[bytes], bytes]) -> Redeliver:
    """Return the redelivery that changes the bytes of every frame."""
    return lambda sent: replace(sent, frames=tuple(replace(frame, data=change(frame.data)) for frame in sent.frames))


def inserted(data: bytes, *, after: int = SOME_FRAMES) -> Redeliver:
    """Return the redelivery that puts bytes of its own after some pieces; only streams have a place for them."""

    def redeliver(sent: Delivery) -> Delivery:
        if sent.content_type != EVENT_STREAM:
            return sent
        start = begin(sent.frames, count=after) if after else sent.frames[:1]
        return replace(sent, frames=(*start, Frame(Part.ODD, data), *sent.frames[len(start) :]))

    return redeliver


def broken_by(data: bytes, *, after: int) -> Redeliver:
    """Return the redelivery that ends with bytes of its own after some pieces."""
    insert = inserted(data, after=after)

    def redeliver(sent: Delivery) -> Delivery:
        frames = insert(sent).frames
        odd = next((number for number, frame in enumerate(frames) if frame.part is Part.ODD), len(frames))
        return replace(sent, frames=frames[: odd + 1])

    return redeliver


def leaving_out(*parts: Part) -> Redeliver:
    """Return the redelivery without these frames."""
    return lambda sent: replace(sent, frames=tuple(frame for frame in sent.frames if frame.part not in parts))


def byte_by_byte(sent: Delivery) -> Delivery:
    """Write each byte on its own, so that characters and events arrive split."""
    frames = (
        Frame(frame.part, frame.data[at : at + 1], 0.0 if at else frame.wait_seconds)
        for frame in sent.frames
        for at in range(len(frame.data))
    )
    return replace(sent, frames=tuple(frames))


def in_one_piece(sent: Delivery) -> Delivery:
    """Write everything at once."""
    seconds = sum(frame.wait_seconds for frame in sent.frames)
    return replace(sent, frames=(Frame(Part.BODY, b"".join(frame.data for frame in sent.frames), seconds),))


def queued(sent: Delivery) -> Delivery:
    """Keep the connection alive for a while first: comments in a stream, empty lines before a body."""
    data = KEEP_ALIVE if sent.content_type == EVENT_STREAM else b"\n"
    waiting = [Frame(Part.ODD, data, QUEUE_SECONDS / QUEUE_COMMENTS) for _ in range(QUEUE_COMMENTS)]
    return replace(sent, frames=(*waiting, *sent.frames))


def late(sent: Delivery) -> Delivery:
    """Let the first token take seconds."""
    first, *rest = sent.frames
    return replace(sent, frames=(replace(first, wait_seconds=first.wait_seconds + LATE_SECONDS), *rest))


def pausing(sent: Delivery) -> Delivery:
    """Pause in the middle of the answer."""
    start = begin(sent.frames)
    *before, last = start
    slow = replace(last, wait_seconds=last.wait_seconds + PAUSE_SECONDS)
    return replace(sent, frames=(*before, slow, *sent.frames[len(start) :]))


def recoded(change: Callable[[dict[str, object]], dict[str, object]]) -> Redeliver:
    """Return the redelivery that changes the object of every event or body."""

    def data(frame: Frame) -> bytes:
        body = frame.data.removeprefix(b"data: ")
        if frame.part is Part.DONE:
            return frame.data
        changed = orjson.dumps(change(orjson.loads(body)))
        return b"data: %b\n\n" % changed if frame.data != body else changed

    def redeliver(sent: Delivery) -> Delivery:
        frames = sent.frames if sent.content_type == EVENT_STREAM else in_one_piece(sent).frames
        return replace(sent, frames=tuple(replace(frame, data=data(frame)) for frame in frames))

    return redeliver


def without_usage(chunk: dict[str, object]) -> dict[str, object]:
    """Leave the usage out."""
    return {key: value for key, value in chunk.items() if key != "usage"}


def odd_usage(chunk: dict[str, object]) -> dict[str, object]:
    """Claim more cached tokens than the prompt has."""
    usage = {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110, "prompt_cache_hit_tokens": 4096}
    return chunk | {"usage": usage} if chunk.get("usage") else chunk


def usage_everywhere(chunk: dict[str, object]) -> dict[str, object]:
    """Put a usage so far into every chunk."""
    return {"usage": {"prompt_tokens": 100, "completion_tokens": 1, "total_tokens": 101}} | {
        key: value for key, value in chunk.items() if key != "usage" or value
    }


def multiline(data: bytes) -> bytes:
    """Spread an event's JSON over several data lines, as the format allows."""
    return data.replace(b',"choices":', b',\ndata: "choices":')


def not_streamed(sent: Delivery) -> Delivery:
    """Answer a stream's request with a JSON body, as servers do that don't know streaming."""
    text = "".join(text_of(frame) for frame in sent.frames if frame.part is Part.TEXT)
    message = {"role": "assistant", "content": text}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    body = orjson.dumps({**ODD_HEAD, "object": "chat.completion", "choices": [choice]})
    return replace(sent, frames=(Frame(Part.BODY, body),), content_type=JSON) if text else sent


def text_of(frame: Frame) -> str:
    """Return the text in a frame."""
    chunk = orjson.loads(frame.data.removeprefix(b"data: "))
    return str(chunk["choices"][0]["delta"].get("content") or "")


def last_event_unended(sent: Delivery) -> Delivery:
    """Leave out [DONE] and the blank line after the last event: some parsers lose that event."""
    *frames, last = leaving_out(Part.DONE)(sent).frames
    return replace(sent, frames=(*frames, replace(last, data=last.data.rstrip(b"\n"))))


DELIVERY_FAULTS: dict[str, tuple[str, Redeliver]] = {
    "status-400": ("C", refuse(400, "Invalid request")),
    "status-400-length": ("C", refuse(400, "This model's maximum context length is 131072 tokens")),
    "status-401": ("C", refuse(401, "Authentication Fails", kind="authentication_error")),
    "status-402": ("C", refuse(402, "Insufficient Balance", kind="unknown_error")),
    "status-403": ("C", refuse(403, "Forbidden", kind="permission_error")),
    "status-404": ("C", refuse(404, "Model Not Exist")),
    "status-413": ("C", refuse(413, "Request too large")),
    "status-422": ("C", refuse(422, "Invalid parameter")),
    "status-429": ("C", refuse(429, "Rate limit reached", kind="rate_limit_error")),
    "status-429-seconds": ("C", refuse(429, "Rate limit reached", kind="rate_limit_error", retry_after="2")),
    "status-429-date": ("C", retry_at_date),
    "status-429-huge": ("C", refuse(429, "Rate limit reached", kind="rate_limit_error", retry_after=HUGE_SECONDS)),
    "status-429-negative": ("C", refuse(429, "Rate limit reached", kind="rate_limit_error", retry_after="-5")),
    "status-500": ("C", refuse(500, "Server error", kind="server_error")),
    "status-502": ("C", page(502)),
    "status-503": ("C", refuse(503, "Server overloaded", kind="server_error")),
    "status-504": ("C", page(504)),
    "html-page": ("D2", page(200)),
    "reset": ("C", unbegun(Ending.ABORT, has_head=False)),
    "hang": ("C", unbegun(Ending.HANG, has_head=False)),
    "silent": ("D2", unbegun(Ending.HANG, has_head=True)),
    "nothing": ("D2", unbegun(Ending.CLOSE, has_head=True)),
    "queued": ("C", queued),
    "keep-alive-forever": ("D2", unbegun(Ending.KEEP_ALIVE, has_head=True)),
    "late": ("C", late),
    "pause": ("C", pausing),
    "stall": ("C", broken_off(Ending.HANG)),
    "stall-first": ("C", broken_off(Ending.HANG, count=1)),
    "stall-keep-alive": ("C", broken_off(Ending.KEEP_ALIVE)),
    "cut": ("D2", broken_off(Ending.CLOSE)),
    "cut-reset": ("D2", broken_off(Ending.ABORT)),
    "cut-by-close": ("D2", ended_by_close),
    "cut-before-finish": ("D2", leaving_out(Part.FINISH, Part.USAGE, Part.DONE)),
    "no-finish": ("D2", leaving_out(Part.FINISH, Part.USAGE)),
    "no-done": ("D2", leaving_out(Part.DONE)),
    "no-role": ("D2", leaving_out(Part.ROLE)),
    "two-dones": ("D2", lambda sent: replace(sent, frames=(*sent.frames, Frame(Part.ODD, DONE)))),
    "done-then-hang": ("D2", lambda sent: replace(sent, ending=Ending.HANG)),
    "last-event-unended": ("D2", last_event_unended),
    "crlf": ("D2", each(lambda data: data.replace(b"\n", b"\r\n"))),
    "byte-by-byte": ("D2", byte_by_byte),
    "one-piece": ("D2", in_one_piece),
    "no-space": ("D2", each(lambda data: data.replace(b"data: ", b"data:", 1))),
    "multi-line-data": ("D2", each(multiline)),
    "comments": ("D2", inserted(KEEP_ALIVE * 3)),
    "id-then-comment": ("D2", inserted(b"id: 7\n: comment\n\n")),
    "event-lines": ("D2", inserted(b"event: message\nretry: 1000\n\n")),
    "empty-data": ("D2", inserted(b"data:\n\n")),
    "choices-null": ("D2", inserted(event({**ODD_HEAD, "choices": None}))),
    "choices-empty": ("D2", inserted(event({**ODD_HEAD, "choices": []}))),
    "delta-null": ("D2", inserted(event({**ODD_HEAD, "choices": [{"index": 0, "delta": None}]}))),
    "content-null": ("C", inserted(event({**ODD_HEAD, "choices": [{"index": 0, "delta": {"content": None}}]}))),
    "bad-frame": ("D2", broken_by(BAD_EVENT, after=SOME_FRAMES)),
    "error-frame": ("D2", broken_by(ERROR_EVENT, after=SOME_FRAMES)),
    "error-frame-first": ("D2", broken_by(ERROR_EVENT, after=0)),
    "no-usage": ("D2", recoded(without_usage)),
    "usage-everywhere": ("D2", recoded(usage_everywhere)),
    "usage-odd": ("D2", recoded(odd_usage)),
    "not-streamed": ("D2", not_streamed),
}
