"""The kinds of markup that models write, and what becomes of each in plain text."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import regex

from conversations.llm.reasoning import CLOSING, OPENING

Match: TypeAlias = regex.Match[str]
Replacement: TypeAlias = str | Callable[[Match, str], str] | None
"""A text, or what makes one of the match and the text before it. None: no reply to a customer holds this."""


@dataclass(frozen=True, slots=True)
class Rule:
    """What becomes of one kind of markup, where the text before it allows for that kind."""

    pattern: regex.Pattern[str]
    replacement: Replacement
    is_place: Callable[[str], bool] | None


def first_rule(text: str, start: int, *, before: str, is_end: bool) -> tuple[Rule, Match] | None:
    """Return the first rule that matches here, or that could with more text: then its match is partial."""
    for rule in _RULES.get(text[start], _CONTROL_RULES):
        if rule.is_place is None or rule.is_place(before):
            match = rule.pattern.match(text, start, partial=not is_end)
            if match:
                return rule, match
    return None


def _is_start(before: str) -> bool:
    return not before


def _is_line_start(before: str) -> bool:
    return before.rstrip(" \t")[-1:] in ("", "\n")


def _link(match: Match, _before: str) -> str:
    words, address = _IN_LINK.sub("", match[1]).strip(), match[2]
    return f"{words} ({address})" if words and address not in ("", words, f"mailto:{words}") else words or address


def _stars(match: Match, before: str) -> str:
    """Two or three are emphasis, but not in 5**2, and more are a mask, as in ****1234."""
    is_power = before[-1:].isdigit() and _following(match).isdigit()
    return match[0] if is_power or len(match[0]) not in (2, 3) else ""


def _underscores(match: Match, before: str) -> str:
    """Two or three are emphasis, but not in a name or an address, and more are a blank to fill in."""
    is_in_name = (before[-1:].isalnum() and _following(match).isalnum()) or "://" in _last_word(before)
    return match[0] if is_in_name or len(match[0]) not in (2, 3) else ""


def _following(match: Match) -> str:
    return match.string[match.end() : match.end() + 1]


def _last_word(text: str) -> str:
    return text[max(text.rfind(" "), text.rfind("\n")) + 1 :]


def _rule(pattern: str, replacement: Replacement, is_place: Callable[[str], bool] | None = None) -> Rule:
    return Rule(regex.compile(pattern, regex.IGNORECASE | regex.DOTALL), replacement, is_place)


_CONTROLS = r"\x00-\x08\x0b-\x1f\x7f-\x9f"
SPECIAL = re.compile(rf"[<`*_#\[!{{\"{_CONTROLS}]")
"""Where a rule may apply: the first characters of all of them."""

# Bounded, since what could still become a tag or a link is matched again with each piece that comes.
_ATTRIBUTE = r"\s+[a-z_:@][\w:.-]*(?:\s*=\s*(?:\"[^\"<>]*\"|'[^'<>]*'|[^\s\"'<>=]+))?"
_WORDS = r"[^\[\]\n{}]"
_ADDRESS = r"\(\s*([^\s()<>{}`]*(?:\([^\s()<>{}`]*\)[^\s()<>{}`]*){0,5})(?:\s+[\"'][^\"'\n]*[\"'])?\s*\)"
_IN_LINK = regex.compile(rf"\*+|__+|`+|<[^<>]*>|[<>{_CONTROLS}]")

_RULES = {
    "<": (
        _rule(rf"{OPENING}.*?(?:{CLOSING}|\Z)", ""),
        _rule(CLOSING, None),
        _rule(r"<!--.*?(?:-->|\Z)", ""),
        _rule(r"<[|｜][^<>]{0,60}[|｜]>", ""),
        _rule(r"<br\s*/?>|</(?:p|div|li|tr|h[1-6])\s*>", "\n"),
        _rule(rf"<[/!?]?[a-z][^\s<>/@]*(?:{_ATTRIBUTE}){{0,20}}\s*[/?]?>", ""),
    ),
    "`": (
        _rule(r"`{3}", None, _is_start),
        _rule(r"`{3,}[\w+-]*[ \t]*(?:\n|\Z)", "", _is_line_start),
        _rule(r"`+", ""),
    ),
    "*": (_rule(r"\*[ \t]+", "- ", _is_line_start), _rule(r"\*+", _stars)),
    "_": (_rule(r"_+", _underscores),),
    "#": (_rule(r"#{1,6}[ \t]+", "", _is_line_start),),
    "[": (_rule(r"\[\s*[\[{\"]", None), _rule(rf"\[({_WORDS}{{1,300}})\]{_ADDRESS}", _link)),
    "!": (_rule(rf"!\[({_WORDS}{{0,300}})\]{_ADDRESS}", _link),),
    '"': (_rule(r"\"\s*(?:intent|response|action_required|escalate)\s*\"", None),),
    "{": (_rule(r"\{\s*(?:[\"'{\[]|\w{1,40}\s*:)", None),),
}
_CONTROL_RULES = (_rule(rf"[{_CONTROLS}]+", ""),)
