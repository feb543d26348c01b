"""The envelope, cut in every way: what is shown is always the beginning of the reply, in whole characters."""

import json
import random
import time
from itertools import pairwise

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from conversations.llm.envelope import FALLBACK_INTENT, Envelope, EnvelopeReader, read_envelope
from conversations.llm.errors import Kind, LLMError
from conversations.llm.plain import plain_text

INTENTS = frozenset({"สินค้า", "จัดส่ง", FALLBACK_INTENT})
LEAKS = regex.compile(
    r"```|</?(?:think|b|div)\b[^<>]*>|\{\s*[\"']|\"(?:intent|response|escalate|action_required)\"|(?<![*\d])\*\*\w"
)

PLAIN = [
    "สวัสดีค่ะ",
    "ที่",
    "น้ำ",
    " ",
    "\n",
    "5 < 10",
    "a_b",
    "1,290 บาท",
    "👩‍👧",
    "😀",
    "🇹🇭",
    "e\u0301",
    '"',
    "'",
    "\\",
    "/",
    "\t",
]
MARKUP = ["**", "__", "`", "```", "# ", "* ", "[ดู](https://a.b/c_d)", "![", "](", "{", "}", "{name}", '{"']
HTML = ["<b>", "</b>", "<", ">", "<br>", "<think>", "</think>", "&amp;", "<!-- x -->", '<a href="x">']
ODD = ["\x00", "\x1b", "\r\n", "\ud83d", "\ude00"]
PLAIN_TEXTS = st.lists(st.sampled_from(PLAIN) | st.text("abกขค่ ", max_size=5), min_size=1, max_size=15).map("".join)
ANY_TEXTS = st.lists(st.sampled_from([*PLAIN, *MARKUP, *HTML, *ODD]), min_size=1, max_size=15).map("".join)
EXTRAS: st.SearchStrategy[dict[str, object]] = st.sampled_from(
    [{}, {"confidence": 0.9}, {"meta": {"response": "no", "a": [1, {"b": "}"}]}}, {"why": 'say "x" {'}]
)


@st.composite
def answers(draw: st.DrawFn, texts: st.SearchStrategy[str]) -> tuple[str, str]:
    """An answer as models write it, and the response in it."""
    text = draw(texts)
    fields: dict[str, object] = {"intent": "จัดส่ง", "action_required": False, "escalate": True, "response": text}
    fields.update(draw(EXTRAS))
    ordered = {key: fields[key] for key in draw(st.permutations(list(fields)))}
    body = json.dumps(ordered, ensure_ascii=draw(st.booleans()), indent=draw(st.sampled_from([None, 2])))
    shape = draw(
        st.sampled_from(["{}", "\ufeff {}\n", '<think>hm {{ "response": "no" </think>\n{}', "```json\n{}\n```"])
    )
    return shape.format(body), text


def pieces(text: str, cuts: list[int]) -> list[str]:
    ends = sorted({0, len(text), *[cut % (len(text) + 1) for cut in cuts]})
    return [text[start:end] for start, end in pairwise(ends)]


def read(parts: list[str]) -> tuple[list[str], Envelope | Kind]:
    """Return what was visible after each part, and the envelope or why there was none."""
    reader, seen = EnvelopeReader(INTENTS), [""]
    for part in parts:
        fresh = reader.feed(part)
        assert reader.visible == seen[-1] + fresh
        seen.append(reader.visible)
    try:
        return seen, reader.finish()
    except LLMError as error:
        return seen, error.kind


def is_whole(shown: str, text: str) -> bool:
    return len(shown) in {0, len(text), *[cluster.start() for cluster in regex.finditer(r"\X", text)]}


CUTS = st.lists(st.integers(0, 5000), max_size=60)


@given(answers(PLAIN_TEXTS), CUTS)
def test_a_reply_in_plain_words_arrives_as_it_was_written(answer: tuple[str, str], cuts: list[int]) -> None:
    body, text = answer
    seen, envelope = read(pieces(body, cuts))
    if not text.strip():
        assert envelope is Kind.BLANK
        return
    assert isinstance(envelope, Envelope)
    assert envelope.response == text.strip()
    assert (envelope.intent, envelope.action_required, envelope.escalate) == ("จัดส่ง", False, True)
    assert all(text.strip().startswith(shown) and is_whole(shown, text.strip()) for shown in seen)


@given(answers(ANY_TEXTS), CUTS)
def test_the_cuts_change_nothing(answer: tuple[str, str], cuts: list[int]) -> None:
    body, _text = answer
    seen, envelope = read(pieces(body, cuts))
    assert envelope == read([body])[1]
    if isinstance(envelope, Envelope):
        assert all(envelope.response.startswith(shown) and is_whole(shown, envelope.response) for shown in seen)
        assert not LEAKS.search(envelope.response)
        assert plain_text(envelope.response) == envelope.response


@given(
    answers(ANY_TEXTS),
    CUTS,
    st.integers(0, 5000),
    st.sampled_from(["", *'{}[]":,\\<>`*\n', "```", "</think>", '"response": "']),
)
def test_a_broken_answer_never_shows_more_than_words(
    answer: tuple[str, str], cuts: list[int], at: int, junk: str
) -> None:
    body, _text = answer
    at %= len(body)
    broken = body[:at] + junk + body[at + 1 :]
    seen, envelope = read(pieces(broken, cuts))
    assert not LEAKS.search(seen[-1])
    if isinstance(envelope, Envelope):
        assert all(envelope.response.startswith(shown) for shown in seen)
        assert not LEAKS.search(envelope.response)
    else:
        assert envelope in (Kind.INVALID, Kind.BLANK)


@given(answers(PLAIN_TEXTS), st.integers(0, 5000))
def test_half_an_answer_is_no_answer(answer: tuple[str, str], at: int) -> None:
    body, text = answer
    _seen, envelope = read([body[: at % len(body)]])
    if isinstance(envelope, Envelope):
        assert envelope.response == text.strip()
    else:
        assert envelope in (Kind.INVALID, Kind.BLANK)


@given(st.text())
def test_any_text_at_all_is_judged(text: str) -> None:
    seen, envelope = read(list(text))
    assert isinstance(envelope, Envelope) or envelope in (Kind.INVALID, Kind.BLANK)
    assert seen[-1] == "" or isinstance(envelope, Envelope)


@pytest.mark.parametrize("is_ascii", [True, False])
def test_the_reply_is_shown_while_it_is_written(*, is_ascii: bool) -> None:
    text = "สวัสดีค่ะ ส่งภายใน 2 วัน 😀 ค่ะ"
    fields = {"intent": "จัดส่ง", "action_required": False, "escalate": False, "response": text}
    body = json.dumps(fields, ensure_ascii=is_ascii)
    seen, _envelope = read(list(body))
    assert len(set(seen)) == len(regex.findall(r"\X", text)) - text.count(" ")
    assert text.startswith(seen[-1])
    assert len(text) - len(seen[-1]) <= 3


HOSTILE = {
    "many keys before the reply": "{" + '"response2": 1, ' * 800,
    "deep before the reply": '{"a":' * 3000 + '"response": "' + 'x "' * 200,
    "an html tag without end": '{"response": "<a ' + "b " * 4000,
    "a link without end": '{"response": "[a](' + "(a)" * 2500,
    "many brackets": '{"response": "' + "![<a {" * 1200,
    "reasoning that begins and begins": '{"response": "' + "<think>" * 1100,
    "one letter with thousands of marks": '{"response": "a' + "\u0301" * 6000,
    "quotes in quotes": '{"response": "' + '"a" ' * 1800 + '"}',
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE.keys())
def test_no_answer_takes_the_loop_from_the_other_streams(body: str) -> None:
    """The worst of these took 7 s before the patterns had bounds."""
    started = time.process_time()
    read([body[start : start + 5] for start in range(0, len(body), 5)])
    assert time.process_time() - started < 2


def test_what_was_shown_and_turned_out_to_be_something_else_is_an_error() -> None:
    body = '{"intent": "จัดส่ง", "response": "ร่างแรก ๆ "} </think> {"intent": "จัดส่ง", "response": "ฉบับจริง"}'
    seen, envelope = read(pieces(body, [random.Random(1).randrange(len(body)) for _ in range(9)]))
    assert seen[-1] == "ร่างแรก "
    assert envelope is Kind.INVALID


def test_a_whole_answer_is_read_by_the_same_machine() -> None:
    body = '{"intent": "สินค้า", "action_required": true, "escalate": false, "response": "มีค่ะ"}'
    assert read_envelope(body, INTENTS) == Envelope(
        intent="สินค้า", response="มีค่ะ", action_required=True, escalate=False, is_repaired=False
    )
