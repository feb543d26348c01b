"""Every way the simulator can be told to fail, and what then arrives: one row per mode."""

import re
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from conversations.llm.simulator.faults import FAULTS
from tests.simulator.wire import ANSWER, PATIENCE_SECONDS, SILENCE_SECONDS, Received, ask, request_body

GOOD = ANSWER
RESPONSE = str(orjson.loads(ANSWER)["response"])
DOCS = Path(__file__).resolve().parents[2] / "docs" / "simulator.md"

Check = Callable[[Received], object]


def says(text: str, *, finish: str = "stop") -> Check:
    """The answer is exactly this."""
    return lambda got: got.said() == text and got.finish == finish


def whose_json(check: Callable[[dict[str, object]], object]) -> Check:
    """The answer is valid JSON for which `check` holds."""
    return lambda got: check(orjson.loads(got.said())) and got.finish == "stop"


def stops_early(finish: str) -> Check:
    """The answer is cut in the middle of the response, for this reason."""
    return lambda got: GOOD.startswith(got.said()) and RESPONSE[:5] in got.said() and got.finish == finish


def fails(status: int, **headers: str) -> Check:
    """The answer is an HTTP error in OpenAI's form."""
    return lambda got: (
        got.status == status and got.body["error"]["message"] and headers.items() <= lowered(got.headers).items()
    )


def lowered(headers: dict[str, str]) -> dict[str, str]:
    return {name.lower().replace("-", "_"): value for name, value in headers.items()}


def page(status: int) -> Check:
    """The answer is a web page."""
    return lambda got: got.status == status and b"<html>" in got.data and "html" in got.headers["Content-Type"]


def ends(how: str, check: Check | None = None) -> Check:
    """The connection ends like this, and what came before passes `check`."""
    return lambda got: got.end == how and (check is None or check(got))


def unharmed(*marks: str) -> Check:
    """The whole answer arrives, with these bytes among it."""
    return lambda got: says(GOOD)(got) and got.end == "complete" and all(mark.encode() in got.data for mark in marks)


def begun(got: Received) -> bool:
    """Some of the answer came, and no reason why it stopped."""
    return bool(got.said()) and GOOD.startswith(got.said()) and got.said() != GOOD and not got.finish


ANSWERS: dict[str, Check] = {
    "overloaded": stops_early("insufficient_system_resource"),
    "overloaded-empty": says("", finish="insufficient_system_resource"),
    "content-filter": stops_early("content_filter"),
    "content-filter-empty": says("", finish="content_filter"),
    "length": stops_early("length"),
    "length-empty": lambda got: says("", finish="length")(got) and got.said("reasoning_content"),
    "tool-calls": says("", finish="tool_calls"),
    "unknown-finish": stops_early("something_new"),
    "blank": says(" " * len(GOOD)),
    "blank-lines": says("\n" * len(GOOD)),
    "empty": says(""),
    "refusal": lambda got: says("")(got) and "can't help" in got.said("refusal"),
    "reasoning": lambda got: says(GOOD)(got) and "Let me think" in got.said("reasoning_content"),
    "reasoning-braces": lambda got: says(GOOD)(got) and '{"intent"' in got.said("reasoning_content"),
    "think": lambda got: re.fullmatch(r"<think>\n.*\n</think>\n\n" + re.escape(GOOD), got.said()),
    "think-close-only": lambda got: not got.said().startswith("<") and got.said().endswith(f"</think>\n\n{GOOD}"),
    "think-no-tags": lambda got: got.said().startswith("Let me think") and got.said().endswith(GOOD),
    "think-unclosed": lambda got: got.said().startswith("<think>") and "</think>" not in got.said(),
    "think-only": lambda got: got.said().endswith("</think>"),
    "escaped": lambda got: got.said().isascii() and "\\ud83d\\ude0a" in got.said() and len(got.choices) > len(GOOD),
    "cut-in-escape": lambda got: got.said().endswith("\\") and got.finish == "stop",
    "cut-in-unicode": lambda got: got.said().endswith("\\u0e"),
    "cut-in-surrogate": lambda got: got.said().endswith("\\ud83d"),
    "split-surrogates": lambda got: b'"\\ud83d"' in got.data and b'"\\ude0a"' in got.data,
    "lone-surrogate": lambda got: "\\ud83d" in got.said() and "\\ude0a" not in got.said(),
    "raw-newline": lambda got: "\n\n" in got.said() and got.said().replace("\n\n", "") == GOOD,
    "raw-tab": lambda got: got.said().replace("\t", "") == GOOD != got.said(),
    "inner-quotes": lambda got: got.said().replace(' "now" ', "") == GOOD,
    "bad-escape": lambda got: got.said().replace("\\x", "") == GOOD,
    "response-first": whose_json(lambda said: next(iter(said)) == "response" and len(said) == len(orjson.loads(GOOD))),
    "response-middle": whose_json(lambda said: list(said)[1] == "response"),
    "nested-response": whose_json(lambda said: next(iter(said)) == "meta" and said["response"] == RESPONSE),
    "response-twice": lambda got: got.said().count('"response"') == len(("first", "last")),
    "response-null": whose_json(lambda said: said["response"] is None),
    "response-number": whose_json(lambda said: said["response"] == 1284),
    "response-list": whose_json(lambda said: isinstance(said["response"], list)),
    "response-object": whose_json(lambda said: isinstance(said["response"], dict)),
    "response-missing": whose_json(lambda said: "response" not in said and "intent" in said),
    "response-empty": whose_json(lambda said: said["response"] == ""),
    "response-spaces": whose_json(lambda said: str(said["response"]).isspace()),
    "response-invisible": whose_json(lambda said: said["response"] == "\u200b\u200d\ufeff"),
    "intent-unknown": whose_json(lambda said: said["intent"] == "weather"),
    "intent-null": whose_json(lambda said: said["intent"] is None),
    "intent-missing": whose_json(lambda said: "intent" not in said),
    "escalate-missing": whose_json(lambda said: "escalate" not in said),
    "extra-keys": whose_json(lambda said: said["confidence"]),
    "upper-keys": whose_json(lambda said: said["Response"] == RESPONSE),
    "flags-as-text": whose_json(lambda said: said["escalate"] == "false"),
    "fence": says(f"```json\n{GOOD}\n```"),
    "fence-plain": says(f"```\n{GOOD}\n```"),
    "fence-then-prose": lambda got: got.said().startswith("```json") and not got.said().endswith("```"),
    "bom": says(f"\ufeff{GOOD}"),
    "preamble": lambda got: got.said().endswith(GOOD) and got.said().startswith("Sure!"),
    "preamble-braces": lambda got: got.said().endswith(GOOD) and got.said().index("{") < got.said().index(GOOD),
    "plain": says(RESPONSE),
    "array": says(f"[{GOOD}]"),
    "quoted": lambda got: orjson.loads(orjson.loads(got.said()))["response"] == RESPONSE,
    "single-quotes": lambda got: got.said().startswith("{'intent'") and "False" in got.said(),
    "trailing-comma": says(f"{GOOD[:-1]},}}"),
    "not-a-number": lambda got: ":NaN," in got.said(),
    "trailing-text": lambda got: got.said().startswith(GOOD) and got.said() != GOOD,
    "two-objects": says(f"{GOOD}\n{GOOD}"),
    "truncated": stops_early("stop"),
    "no-closing-brace": says(GOOD[:-1]),
    "html": whose_json(lambda said: "<script>" in str(said["response"])),
    "markdown": whose_json(lambda said: "```js" in str(said["response"])),
    "json-in-response": whose_json(lambda said: str(said["response"]).startswith('{"intent"')),
    "control-characters": whose_json(lambda said: "\x00" in str(said["response"])),
    "long": whose_json(lambda said: len(str(said["response"])) == 1_500),
    "repeating": whose_json(lambda said: str(said["response"]) == RESPONSE * 20),
}

DELIVERIES: dict[str, Check] = {
    "status-400": fails(400),
    "status-400-length": lambda got: got.status == 400 and "maximum context length" in got.body["error"]["message"],
    "status-401": fails(401),
    "status-402": fails(402),
    "status-403": fails(403),
    "status-404": fails(404),
    "status-413": fails(413),
    "status-422": fails(422),
    "status-429": lambda got: got.status == 429 and "Retry-After" not in got.headers,
    "status-429-seconds": fails(429, retry_after="2"),
    "status-429-date": lambda got: got.status == 429 and got.headers["Retry-After"].endswith("GMT"),
    "status-429-huge": fails(429, retry_after="86400"),
    "status-429-negative": fails(429, retry_after="-5"),
    "status-500": fails(500),
    "status-502": page(502),
    "status-503": fails(503),
    "status-504": page(504),
    "html-page": page(200),
    "reset": lambda got: got.end == "reset" and not got.status,
    "hang": lambda got: got.end == "silence" and not got.status,
    "silent": lambda got: got.end == "silence" and got.status == 200 and not got.data,
    "nothing": lambda got: got.end == "complete" and got.status == 200 and not got.data,
    "queued": lambda got: unharmed(": keep-alive")(got) and got.seconds >= 1.0,
    "keep-alive-forever": lambda got: got.end == "silence" and not got.events and b": keep-alive" in got.data,
    "late": lambda got: unharmed()(got) and got.seconds >= 3.0,
    "pause": lambda got: unharmed()(got) and got.seconds >= 2.0,
    "stall": ends("silence", begun),
    "stall-first": ends("silence", begun),
    "stall-keep-alive": lambda got: ends("silence", begun)(got) and got.data.endswith(b": keep-alive\n\n"),
    "cut": ends("complete", begun),
    "cut-reset": ends("reset", begun),
    "cut-by-close": lambda got: begun(got) and "Transfer-Encoding" not in got.headers,
    "cut-before-finish": lambda got: got.said() == GOOD and not got.finish and b"[DONE]" not in got.data,
    "no-finish": lambda got: got.said() == GOOD and not got.finish and b"[DONE]" in got.data,
    "no-done": lambda got: says(GOOD)(got) and b"[DONE]" not in got.data,
    "no-role": lambda got: says(GOOD)(got) and b'"role"' not in got.data,
    "two-dones": lambda got: says(GOOD)(got) and got.data.count(b"[DONE]") == 2,
    "done-then-hang": ends("silence", says(GOOD)),
    "last-event-unended": lambda got: says(GOOD)(got) and not got.data.endswith(b"\n"),
    "crlf": unharmed("\r\n\r\n"),
    "byte-by-byte": unharmed(),
    "one-piece": unharmed(),
    "no-space": unharmed("data:{"),
    "multi-line-data": unharmed('\ndata: "choices"'),
    "comments": unharmed(": keep-alive\n\n: keep-alive"),
    "id-then-comment": unharmed("id: 7\n: comment"),
    "event-lines": unharmed("event: message\n"),
    "empty-data": unharmed("data:\n\n"),
    "choices-null": unharmed('"choices":null'),
    "choices-empty": unharmed('"choices":[]'),
    "delta-null": unharmed('"delta":null'),
    "content-null": unharmed('"content":null'),
    "bad-frame": lambda got: begun(got) and b'"content":"\n\n' in got.data,
    "error-frame": lambda got: begun(got) and got.events[-1]["error"],
    "error-frame-first": lambda got: not got.said() and got.events[-1]["error"],
    "no-usage": lambda got: says(GOOD)(got) and not got.usage,
    "usage-everywhere": lambda got: says(GOOD)(got) and all(event["usage"] for event in got.events),
    "usage-odd": lambda got: got.usage["prompt_cache_hit_tokens"] > got.usage["prompt_tokens"],
    "not-streamed": lambda got: got.body["choices"][0]["message"]["content"] == GOOD,
}

SILENT = frozenset(
    {"hang", "silent", "keep-alive-forever", "stall", "stall-first", "stall-keep-alive", "done-then-hang"}
)
# What a body that isn't a stream has no place for leaves it as it was.
IN_A_BODY: dict[str, Check] = {
    "stall": lambda got: got.end == "silence" and got.data.startswith(b'{"id"') and not got.body,
    "cut": lambda got: got.end == "complete" and got.data.startswith(b'{"id"') and not got.body,
    "cut-reset": lambda got: got.end == "reset",
    "queued": lambda got: got.data.startswith(b"\n\n\n\n\n{") and got.said() == GOOD,
    "blank": says(" " * len(GOOD)),
    "overloaded": stops_early("insufficient_system_resource"),
    "status-503": fails(503),
    "hang": lambda got: got.end == "silence" and not got.status,
    "comments": says(GOOD),
    "no-usage": lambda got: says(GOOD)(got) and not got.usage,
    "usage-odd": lambda got: got.usage["prompt_cache_hit_tokens"] > got.usage["prompt_tokens"],
}


@pytest.mark.parametrize("mode", FAULTS)
def test_a_streamed_answer_fails_as_told_by_the_models_name(mode: str) -> None:
    got = ask(
        request_body(model=f"csbot-simulator+{mode}"), patience=SILENCE_SECONDS if mode in SILENT else PATIENCE_SECONDS
    )
    assert (ANSWERS | DELIVERIES)[mode](got), got


@pytest.mark.parametrize("mode", IN_A_BODY)
def test_a_whole_answer_fails_as_told(mode: str) -> None:
    got = ask(
        request_body(model=f"csbot-simulator+{mode}", stream=False),
        patience=SILENCE_SECONDS if mode in SILENT else PATIENCE_SECONDS,
    )
    assert IN_A_BODY[mode](got), got


def test_modes_can_be_joined() -> None:
    got = ask(request_body(model="csbot-simulator+fence+crlf+no-done"))
    assert got.said() == f"```json\n{GOOD}\n```"
    assert b"\r\n" in got.data
    assert b"[DONE]" not in got.data


def test_an_unknown_mode_is_refused_with_the_known_ones() -> None:
    got = ask(request_body(model="csbot-simulator+stal"))
    assert got.status == 400
    assert "stall" in got.body["error"]["message"]


def test_the_documentation_lists_every_mode_with_its_section() -> None:
    rows = dict(re.findall(r"^\| `([a-z\d-]+)` \| ([\w.]+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert rows == {name: fault.source for name, fault in FAULTS.items()}
