"""Odd ways for a model to write its answer: each takes a good answer and returns a bad one."""

import json
from collections.abc import Callable
from dataclasses import replace

import orjson

from conversations.llm.simulator.draft import Draft, Rewrite, dump, with_response
from conversations.llm.simulator.knowledge import RESPONSE

EMOJI = "😊"
BRACES_THOUGHT = 'Perhaps {"intent": "x", "response": "not this"} or {that}? '
PLAIN_THOUGHT = "Let me think. The customer asks something; the example says what to answer."
# Still within the 800 tokens that csbot allows an answer.
LONG_CHARS = 1_500
ONE_CHAR = (1,)
SHOWN_SHARE = 3


def text(change: Callable[[str], str]) -> Rewrite:
    """Return the rewrite that changes what is written."""
    return lambda draft: replace(draft, text=change(draft.text))


def response(change: Callable[[str], object]) -> Rewrite:
    """Return the rewrite that changes the response."""
    return lambda draft: with_response(draft, change(str(draft.envelope[RESPONSE])))


def ending(finish_reason: str) -> Rewrite:
    """Return the rewrite that stops after a third of the answer for this reason."""
    return lambda draft: replace(draft, text=first_third(draft.text), finish_reason=finish_reason)


def nothing(finish_reason: str) -> Rewrite:
    """Return the rewrite that writes nothing and stops for this reason."""
    return lambda draft: replace(draft, text="", finish_reason=finish_reason)


def first_third(written: str) -> str:
    """Return the beginning of an answer, with some of the response in it."""
    prose = written.find(RESPONSE) + len(RESPONSE) + len('":"')
    return written[: prose + (len(written) - prose) // SHOWN_SHARE]


def ordered(*keys: str) -> Rewrite:
    """Return the rewrite that writes these keys first."""

    def rewrite(draft: Draft) -> Draft:
        envelope = {key: draft.envelope[key] for key in keys if key in draft.envelope} | draft.envelope
        return replace(draft, envelope=envelope, text=dump(envelope))

    return rewrite


def without(key: str) -> Rewrite:
    """Return the rewrite that leaves a key out."""
    return lambda draft: replace(
        draft, text=dump({name: value for name, value in draft.envelope.items() if name != key})
    )


def with_value(key: str, value: object) -> Rewrite:
    """Return the rewrite that gives a key another value."""
    return lambda draft: replace(draft, text=dump(draft.envelope | {key: value}))


def upper_keys(draft: Draft) -> Draft:
    """Write the keys with capitals."""
    return replace(draft, text=dump({key.title(): value for key, value in draft.envelope.items()}))


def flags_as_text(draft: Draft) -> Draft:
    """Write true and false as words in quotes."""
    words = {key: str(value).lower() for key, value in draft.envelope.items() if isinstance(value, bool)}
    return replace(draft, text=dump(draft.envelope | words))


def nested_response(draft: Draft) -> Draft:
    """Put an object with a response of its own before the real one."""
    return replace(
        draft, text=dump({"meta": {RESPONSE: "not this", "deep": [{RESPONSE: "nor this"}]}} | draft.envelope)
    )


def response_twice(draft: Draft) -> Draft:
    """Write the response twice; the last one counts for JSON parsers, the first has been shown."""
    return replace(draft, text=f'{draft.text[:-1]},"{RESPONSE}":"{EMOJI}"}}')


def escaped(draft: Draft) -> Draft:
    r"""Write all that isn't ASCII as \uXXXX, one character a piece: every split point of an escape occurs."""
    envelope = with_emoji(draft).envelope
    return replace(draft, envelope=envelope, text=json.dumps(envelope), piece_chars=ONE_CHAR)


def with_emoji(draft: Draft) -> Draft:
    """Let the response end with a character outside the basic plane."""
    return with_response(draft, f"{draft.envelope[RESPONSE]} {EMOJI}")


def split_surrogates(draft: Draft) -> Draft:
    """Send the halves of a surrogate pair in pieces of their own."""
    halves = EMOJI.encode("utf-16-be").hex()
    high, low = chr(int(halves[:4], 16)), chr(int(halves[4:], 16))
    smiling = with_emoji(draft)
    return replace(smiling, text=smiling.text.replace(EMOJI, high + low), piece_chars=ONE_CHAR)


def cut_after(mark: str) -> Rewrite:
    """Return the rewrite that stops in the middle of an escape, and says that all is well."""
    return lambda draft: replace(draft, text=first_third(draft.text) + mark)


def in_response(piece: str) -> Rewrite:
    """Return the rewrite that puts raw characters into the response's JSON text, valid or not."""

    def rewrite(draft: Draft) -> Draft:
        start = first_third(draft.text)
        return replace(draft, text=start + piece + draft.text[len(start) :])

    return rewrite


def thinking(form: str) -> Rewrite:
    """Return the rewrite that writes reasoning into the content; `form` has a place for it and for the answer."""
    return lambda draft: replace(draft, text=form.replace("THOUGHT", BRACES_THOUGHT).replace("ANSWER", draft.text))


def as_python(written: str) -> str:
    """Return the envelope as Python prints it."""
    return repr(orjson.loads(written))


def runs_out_thinking(draft: Draft) -> Draft:
    """Spend the whole limit on reasoning: empty content, finish_reason length."""
    return replace(draft, reasoning=PLAIN_THOUGHT, text="", finish_reason="length")


def refused(draft: Draft) -> Draft:
    """Refuse in the field OpenAI has for it, with no content."""
    return replace(draft, text="", refusal="I'm sorry, but I can't help with that.")


ANSWER_FAULTS: dict[str, tuple[str, Rewrite]] = {
    "overloaded": ("C", ending("insufficient_system_resource")),
    "overloaded-empty": ("C", nothing("insufficient_system_resource")),
    "content-filter": ("C", ending("content_filter")),
    "content-filter-empty": ("C", nothing("content_filter")),
    "length": ("E11", ending("length")),
    "length-empty": ("C", runs_out_thinking),
    "tool-calls": ("C", nothing("tool_calls")),
    "unknown-finish": ("C", ending("something_new")),
    "blank": ("0.3", text(lambda written: " " * len(written))),
    "blank-lines": ("0.3", text(lambda written: "\n" * len(written))),
    "empty": ("E10", nothing("stop")),
    "refusal": ("D2", refused),
    "reasoning": ("C", lambda draft: replace(draft, reasoning=PLAIN_THOUGHT)),
    "reasoning-braces": ("E9", lambda draft: replace(draft, reasoning=BRACES_THOUGHT)),
    "think": ("E9", thinking("<think>\nTHOUGHT\n</think>\n\nANSWER")),
    "think-close-only": ("C", thinking("THOUGHT\n</think>\n\nANSWER")),
    "think-no-tags": ("C", text(lambda written: f"{PLAIN_THOUGHT}\n\n{written}")),
    "think-unclosed": ("E9", thinking("<think>\nTHOUGHT\nANSWER")),
    "think-only": ("E9", thinking("<think>\nTHOUGHT\n</think>")),
    "escaped": ("E1", escaped),
    "cut-in-escape": ("E1", cut_after("\\")),
    "cut-in-unicode": ("E1", cut_after("\\u0e")),
    "cut-in-surrogate": ("E1", cut_after("\\ud83d")),
    "split-surrogates": ("E2", split_surrogates),
    "lone-surrogate": ("E3", in_response("\\ud83d")),
    "raw-newline": ("E4", in_response("\n\n")),
    "raw-tab": ("E4", in_response("\t")),
    "inner-quotes": ("E5", in_response(' "now" ')),
    "bad-escape": ("E5", in_response("\\x")),
    "response-first": ("E6", ordered(RESPONSE)),
    "response-middle": ("E6", ordered("intent", RESPONSE)),
    "nested-response": ("E6", nested_response),
    "response-twice": ("E6", response_twice),
    "response-null": ("E7", with_value(RESPONSE, None)),
    "response-number": ("E7", with_value(RESPONSE, 1284)),
    "response-list": ("E7", with_value(RESPONSE, ["a", "b"])),
    "response-object": ("E7", with_value(RESPONSE, {"text": "a"})),
    "response-missing": ("E7", without(RESPONSE)),
    "response-empty": ("E7", with_value(RESPONSE, "")),
    "response-spaces": ("E7", with_value(RESPONSE, "  \n ")),
    "response-invisible": ("E7", with_value(RESPONSE, "\u200b\u200d\ufeff")),
    "intent-unknown": ("E7", with_value("intent", "weather")),
    "intent-null": ("E7", with_value("intent", None)),
    "intent-missing": ("E7", without("intent")),
    "escalate-missing": ("E7", without("escalate")),
    "extra-keys": ("E7", with_value("confidence", 0.93)),
    "upper-keys": ("E7", upper_keys),
    "flags-as-text": ("E7", flags_as_text),
    "fence": ("E8", text(lambda written: f"```json\n{written}\n```")),
    "fence-plain": ("E8", text(lambda written: f"```\n{written}\n```")),
    "fence-then-prose": ("E8", text(lambda written: f"```json\n{written}\n```\nI hope this helps!")),
    "bom": ("E8", text(lambda written: f"\ufeff{written}")),
    "preamble": ("E8", text(lambda written: f"Sure! Here is the JSON you asked for:\n{written}")),
    "preamble-braces": ("E8", text(lambda written: f"For {{customer}} I answer {{}}: {written}")),
    "plain": ("E10", lambda draft: replace(draft, text=str(draft.envelope[RESPONSE]))),
    "array": ("E10", text(lambda written: f"[{written}]")),
    "quoted": ("E10", text(json.dumps)),
    "single-quotes": ("E10", text(as_python)),
    "trailing-comma": ("E10", text(lambda written: f"{written[:-1]},}}")),
    "not-a-number": ("E10", text(lambda written: f'{{"confidence":NaN,{written[1:]}')),
    "trailing-text": ("E10", text(lambda written: f"{written}\nAnything else?")),
    "two-objects": ("E10", text(lambda written: f"{written}\n{written}")),
    "truncated": ("E11", text(first_third)),
    "no-closing-brace": ("E11", text(lambda written: written[:-1])),
    "html": ("E13", response(lambda said: f'<b>{said}</b><img src=x onerror="alert(1)"><script>alert(1)</script>')),
    "markdown": ("E13", response(lambda said: f"**{said}**\n- [link](javascript:alert(1))\n```js\nalert(1)\n```")),
    "json-in-response": ("E13", response(lambda said: f'{{"intent":"x","response":"{said}"}}')),
    "control-characters": ("E13", response(lambda said: f"{said}\x00\x08\x1b[31m\u202e")),
    "long": ("E11", response(lambda said: (said * (LONG_CHARS // len(said) + 1))[:LONG_CHARS])),
    "repeating": ("E11", response(lambda said: said * 20)),
}
