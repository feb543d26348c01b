"""About ninety odd ways for a model to answer. Each ends with a clean reply, or with an error that says why not."""

import json
from dataclasses import dataclass

import pytest

from conversations.llm.envelope import FALLBACK_INTENT, Envelope, EnvelopeReader
from conversations.llm.errors import Kind, LLMError

INTENTS = frozenset({"จัดส่ง", FALLBACK_INTENT})
REPLY = "ส่งภายใน 2 วันค่ะ"
HEAD = '{"intent": "จัดส่ง", "action_required": false, "escalate": false, "response": '

REPLY_FIRST = '{"response": "ค่ะ", "intent": "จัดส่ง", "escalate": true, "action_required": false}'


def good(response: str = REPLY, **fields: object) -> str:
    whole = {"intent": "จัดส่ง", "action_required": False, "escalate": False, "response": response} | fields
    return json.dumps(whole, ensure_ascii=False)


@dataclass(frozen=True)
class Exact:
    """The reply and the flags, read without a repair."""

    response: str = REPLY
    intent: str = "จัดส่ง"
    escalate: bool = False


class Repaired(Exact):
    """The same, read with a repair."""


ODD: dict[str, tuple[str, Exact | Kind]] = {
    # 1, 2: escapes and surrogates
    "escaped": (json.dumps(json.loads(good("ส่ง 😀 ค่ะ"))), Exact("ส่ง 😀 ค่ะ")),
    "escapes of all kinds": (HEAD + r'"a\n\t\"b\" \\ \/ \u0e01"}', Exact('a\n\t"b" \\ / ก')),
    "escaped control characters": (HEAD + r'"a\b\f\r\u0000\u001b[1m b"}', Exact("a[1m b")),
    "an escape that doesn't exist": (HEAD + r'"100\% sure"}', Repaired(r"100\% sure")),
    "an escape in capitals": (HEAD + r'"C:\New"}', Repaired(r"C:\New")),
    "a long escape in capitals": (HEAD + r'"\U0e01 ok"}', Repaired(r"\U0e01 ok")),
    # 3: half a surrogate pair
    "half a pair, escaped": (HEAD + r'"a \ud83d b"}', Repaired("a \ufffd b")),
    "the other half, escaped": (HEAD + r'"a \ude00 b"}', Repaired("a \ufffd b")),
    "half a pair, raw": (good("a \ud83d b"), Exact("a \ufffd b")),
    "a pair, raw and in two halves": (good("a \ud83d\ude00 b"), Exact("a 😀 b")),
    # 4: raw newlines
    "raw newline": (HEAD + '"a\nb"}', Repaired("a\nb")),
    "raw tab and carriage return": (HEAD + '"a\tb\r\nc"}', Repaired("a\tb\nc")),
    "raw NUL": (HEAD + '"a\x00b"}', Repaired("ab")),
    # 5: quotes inside
    "unescaped quotes": (HEAD + '"กด "ตกลง" แล้วรอ"}', Repaired('กด "ตกลง" แล้วรอ')),
    "unescaped quotes and a comma": (HEAD + '"มี "S", "M" ค่ะ"}', Repaired('มี "S", "M" ค่ะ')),
    "unescaped quotes at the end": (HEAD + '"กด "ตกลง""}', Repaired('กด "ตกลง"')),
    "quotes that end it early": (HEAD + '"ใช้ "}" ปิด"}', Kind.INVALID),
    "quotes that look like a key": (HEAD + '"a", "b": "c" ค่ะ"}', Kind.INVALID),
    # 6: order and keys of the same name
    "reply first": (REPLY_FIRST, Exact("ค่ะ", escalate=True)),
    "a nested key before": ('{"meta": {"response": "ไม่ใช่"}, ' + good()[1:], Exact()),
    "a nested key in a list": ('{"meta": [[{"response": "ไม่ใช่"}]], ' + good()[1:], Exact()),
    "a nested key after": (good(meta={"response": "ไม่ใช่"}), Exact()),
    "an envelope within": ('{"reply": ' + good() + "}", Kind.INVALID),
    "the key twice": (good()[:-1] + ', "response": "อีกอัน"}', Repaired()),
    "the flag twice": (good(escalate=True)[:-1] + ', "escalate": false}', Repaired(escalate=True)),
    "the key as a value": ('{"key": "response", ' + good()[1:], Exact()),
    "more keys": (good(confidence=0.93, note='"response": "x"'), Exact()),
    # 7: values of the wrong kind
    "reply is null": (good().replace(f'"{REPLY}"', "null"), Kind.INVALID),
    "reply is a number": (good().replace(f'"{REPLY}"', "5"), Kind.INVALID),
    "reply is a list": (good().replace(f'"{REPLY}"', '["a", "b"]'), Kind.INVALID),
    "reply is an object": (good().replace(f'"{REPLY}"', '{"text": "a"}'), Kind.INVALID),
    "reply is null, then text": ('{"response": null, ' + good()[1:], Kind.INVALID),
    "no reply": ('{"intent": "จัดส่ง", "escalate": false}', Kind.INVALID),
    "keys in capitals": (good().replace("response", "Response").replace("intent", "INTENT"), Repaired()),
    "keys with spaces": (good().replace('"response"', '" response "'), Repaired()),
    "flag as a word": (good(escalate="true"), Repaired(escalate=True)),
    "flag as a number": (good(escalate=1), Repaired(escalate=True)),
    "flag as nonsense": (good(escalate="maybe"), Kind.INVALID),
    "flag is null": (good(escalate=None), Kind.INVALID),
    "no flags": ('{"intent": "จัดส่ง", "response": "ค่ะ"}', Repaired("ค่ะ")),
    "unknown intent": (good(intent="ไม่รู้จัก"), Repaired(intent=FALLBACK_INTENT)),
    "intent is null": (good(intent=None), Repaired(intent=FALLBACK_INTENT)),
    "intent is a list": (good(intent=["จัดส่ง"]), Repaired(intent=FALLBACK_INTENT)),
    "no intent": ('{"action_required": false, "escalate": false, "response": "ค่ะ"}', Repaired("ค่ะ", FALLBACK_INTENT)),
    "the fallback intent": (good(intent=FALLBACK_INTENT), Exact(intent=FALLBACK_INTENT)),
    # 8: things around it
    "fence": (f"```json\n{good()}\n```", Repaired()),
    "fence without a name": (f"```\n{good()}\n```", Repaired()),
    "fence and prose after it": (f"```json\n{good()}\n```\nHope this helps!", Repaired()),
    "fence that never ends": (f"```json\n{good()}", Repaired()),
    "byte order mark": ("\ufeff" + good(), Exact()),
    "blank lines": (f"\n\n  {good()}\n\n", Exact()),
    "spread over lines": (json.dumps(json.loads(good()), indent=4), Exact()),
    "prose before": (f"Here you go:\n{good()}", Repaired()),
    "prose with braces before": (f"Fill in {{name}} and {{}}:\n{good()}", Repaired()),
    "prose after": (f"{good()}\nHope this helps!", Repaired()),
    "twice the same": (good() * 2, Repaired()),
    "two different ones": (good() + good("ไม่ใช่"), Kind.INVALID),
    # 9: reasoning
    "reasoning": (f"<think>ลูกค้าถาม</think>{good()}", Exact()),
    "reasoning with attributes and capitals": (f'<Think type="deep">hm</THINK >\n{good()}', Exact()),
    "reasoning with braces": (f'<think>{{"response": "ไม่ใช่"}} {{</think>{good()}', Exact()),
    "reasoning twice": (f"<think>a</think>\n<think>b</think>{good()}", Exact()),
    "reasoning in a fence": (f"<think>a</think>```json\n{good()}\n```", Repaired()),
    "reasoning, closing tag only": (f"ลูกค้าถาม {{ </think>{good()}", Exact()),
    "reasoning, closing tag only, with a draft": (f'{good("ร่าง")} ไม่ดี </think>{good("ร่าง")}', Exact("ร่าง")),
    "reasoning, closing tag only, draft shown": (f'{good("ร่าง ที่แสดงแล้ว")} </think>{good("ของจริง")}', Kind.INVALID),
    "reasoning without tags": (f"The customer asks {{about}} delivery. {good()}", Repaired()),
    "reasoning that never ends": (f"<think>ลูกค้าถาม {good()}", Kind.BLANK),
    "reasoning only": ("<think>ลูกค้าถาม</think>", Kind.BLANK),
    "reasoning after": (f"{good()}<think>ดีแล้ว</think>", Exact()),
    "reasoning in the reply": (good("<think>ลับ</think>ส่งค่ะ"), Exact("ส่งค่ะ")),
    "reasoning in the reply, unclosed": (good("<think>ลับ"), Kind.BLANK),
    "reasoning in the reply, closing tag only": (good("ลับ</think>ส่งค่ะ"), Kind.INVALID),
    # 10: other shapes
    "plain text": (REPLY, Kind.INVALID),
    "markdown": ("**ส่ง** ค่ะ\n- 2 วัน", Kind.INVALID),
    "empty": ("", Kind.BLANK),
    "blank": (" " * 200, Kind.BLANK),
    "invisible": ("\u200b\u200b\ufeff", Kind.BLANK),
    "an empty object": ("{}", Kind.INVALID),
    "in a list": (f"[{good()}]", Repaired()),
    "a list of words": ('["a", "b"]', Kind.INVALID),
    "as a quoted string": (json.dumps(good(), ensure_ascii=False), Repaired()),
    "a quoted sentence": (f'"{REPLY}"', Kind.INVALID),
    "single quotes": (str(json.loads(good(escalate=True))), Repaired(escalate=True)),
    "keys without quotes": ('{intent: "จัดส่ง", action_required: false, response: "ค่ะ"}', Kind.INVALID),
    "trailing comma": (good()[:-1] + ",}", Repaired()),
    "missing comma": (good().replace('", "action', '" "action'), Repaired()),
    "a number that is none": (good()[:-1] + ', "score": NaN}', Repaired()),
    "a number": ("42", Kind.INVALID),
    "null": ("null", Kind.INVALID),
    "too deep": ('{"a":' * 50_000, Kind.INVALID),
    "xml": ("<response>ส่งค่ะ</response>", Kind.INVALID),
    # 11: cut off
    "last brace missing": (good()[:-1], Repaired()),
    "last brace missing after a comma": (good()[:-1] + ",", Repaired()),
    "cut in the reply": (HEAD + '"ส่งภายใน 2', Kind.INVALID),
    "cut in the reply, after a brace": (HEAD + '"ใช้โค้ด {SALE}', Kind.INVALID),
    "cut in an escape": (HEAD + '"ส่ง\\', Kind.INVALID),
    "cut in a long escape": (HEAD + '"ส่ง\\u0e', Kind.INVALID),
    "cut in a pair": (HEAD + '"ส่ง\\ud83d', Kind.INVALID),
    "cut before the reply": (HEAD, Kind.INVALID),
    "cut in a key": ('{"intent": "จัดส่ง", "resp', Kind.INVALID),
    "one brace": ("{", Kind.INVALID),
    # 13: what is in the reply
    "reply is empty": (good(""), Kind.BLANK),
    "reply is blank": (good(" \n "), Kind.BLANK),
    "reply is markup only": (good("<p></p>**"), Kind.BLANK),
    "reply is an envelope": (good(good()), Kind.INVALID),
    "reply is a fence": (good("```json\n{}\n```"), Kind.INVALID),
    "reply is a list in quotes": (good('["a", "b"]'), Kind.INVALID),
    "reply holds an envelope": (good(f"ได้ค่ะ {good()}"), Kind.INVALID),
    "reply holds the rest of one": (good('ได้ค่ะ", "escalate": true'), Kind.INVALID),
    "reply holds html": (good("<b>ส่ง</b> <a href='https://a.b'>ที่นี่</a><br>ค่ะ"), Exact("ส่ง ที่นี่\nค่ะ")),
    "reply holds markdown": (good("## ส่ง\n**2 วัน** `ค่ะ`"), Exact("ส่ง\n2 วัน ค่ะ")),
    "spaces around the reply": (good(f"\n {REPLY} \n"), Exact()),
}  # fmt: skip


def read(answer: str, *, size: int) -> tuple[str, Envelope | Kind]:
    reader = EnvelopeReader(INTENTS)
    for start in range(0, len(answer), size):
        reader.feed(answer[start : start + size])
    try:
        return reader.visible, reader.finish()
    except LLMError as error:
        return reader.visible, error.kind


@pytest.mark.parametrize(("answer", "expected"), ODD.values(), ids=ODD.keys())
@pytest.mark.parametrize("size", [1, 2, 3, 7, 100_000], ids="in {} characters".format)
def test_an_odd_answer_ends_cleanly(answer: str, expected: Exact | Kind, size: int) -> None:
    visible, envelope = read(answer, size=size if len(answer) < 10_000 else 100_000)
    if isinstance(expected, Kind):
        assert envelope is expected
        return
    assert isinstance(envelope, Envelope)
    assert Exact(envelope.response, envelope.intent, envelope.escalate) == Exact(
        expected.response, expected.intent, expected.escalate
    )
    assert envelope.is_repaired is isinstance(expected, Repaired)
    assert expected.response.startswith(visible)


@pytest.mark.parametrize(("answer", "expected"), ODD.values(), ids=ODD.keys())
def test_an_odd_answer_ends_the_same_at_every_split(answer: str, expected: Exact | Kind) -> None:
    if len(answer) > 10_000:
        return
    whole = read(answer, size=len(answer) or 1)[1]
    for split in range(1, len(answer)):
        reader = EnvelopeReader(INTENTS)
        shown = reader.feed(answer[:split]) + reader.feed(answer[split:])
        try:
            envelope: Envelope | Kind = reader.finish()
        except LLMError as error:
            envelope = error.kind
        assert envelope == whole
        assert isinstance(envelope, Kind) or envelope.response.startswith(shown)
