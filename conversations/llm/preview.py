"""Shows the reply in an answer's JSON while that is still being written.

It goes on only as long as the answer is exactly what was asked for. At anything odd it stops, for good: the whole
answer is judged at the end, so what isn't shown early is shown late, but nothing is shown that isn't the reply.
"""

import json
import re

import orjson
import regex

MAX_HEAD_CHARS = 2_000
"""What comes before the reply is matched more than once: beyond this it has to wait for the end."""

_STRING = r'"(?:[^"\\]|\\.)*+"'
_OPENING = regex.compile(
    rf"""
    [\s\ufeff]*+ (?: ```\w*+\s*+ )?+ \{{            # perhaps in a code fence
    (?: \s*+ (?!"\s*response\s*"){_STRING} \s*+ : \s*+ (?&value) \s*+ , )*+
    \s*+ "\s*response\s*" \s*+ : \s*+ "            # the first key of that name, at this depth only
    (?(DEFINE) (?P<value> {_STRING} | [^\s"{{}}\[\],:]++ | [{{\[] (?: [^"{{}}\[\]]++ | (?&value) )*+ [}}\]] ) )
    """,
    regex.VERBOSE | regex.IGNORECASE | regex.DOTALL,
)
_HEX = "[0-9a-fA-F]"
_BODY = re.compile(
    rf"""(?:
    [^"\\]+ | \\["\\/bfnrt] | \\u(?![dD][89a-fA-F]){_HEX}{{4}}
    | \\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}
    )*+""",
    re.VERBOSE,
)
"""As much of a JSON string as is whole: no half escape, no half surrogate pair."""
_ESCAPE_CHARS = len("\\u0e01")
_LONG = ("", "u")
_DECODER = json.JSONDecoder(strict=False)


class Preview:
    """Takes an answer in pieces, gives the text of its reply, unescaped."""

    __slots__ = ("_is_open", "_is_over", "_pending")

    def __init__(self) -> None:
        self._pending = ""
        self._is_open = False
        self._is_over = False

    def push(self, text: str) -> str:
        """Take more of the answer; return what it adds to the reply."""
        if self._is_over:
            return ""
        self._pending += text
        if not self._is_open and not self._opens(text):
            return ""
        pending = self._pending
        if '"' in pending:
            return self._take_whole(pending)
        if "\\" in pending:
            return self._take_escaped(pending)
        self._pending = ""
        return pending

    def _opens(self, text: str) -> bool:
        """Look for the start of the reply, but only where the text that just came could have completed it."""
        if '"' not in text or "response" not in self._pending.lower():
            return False
        if len(self._pending) > MAX_HEAD_CHARS:
            self._is_over = True
            return False
        opening = _OPENING.match(self._pending)
        if opening:
            self._pending = self._pending[opening.end() :]
            self._is_open = True
        return self._is_open

    def _take_escaped(self, pending: str) -> str:
        """Take all but a long escape that isn't whole yet, at once; what JSON wouldn't have is looked at closely."""
        at = pending.rfind("\\", -_ESCAPE_CHARS + 1)
        if at >= 0 and pending[at + 1 : at + 2] not in _LONG:
            return self._take_whole(pending)
        whole = pending if at < 0 else pending[:at]
        try:
            text: str = orjson.loads(f'"{whole}"')
        except orjson.JSONDecodeError:
            return self._take_whole(pending)
        self._pending = pending[len(whole) :]
        return text

    def _take_whole(self, pending: str) -> str:
        whole = _whole_length(pending)
        self._is_over = pending[whole : whole + 1] == '"'
        self._pending = pending[whole:]
        return _unescaped(pending[:whole])


def _whole_length(text: str) -> int:
    whole = _BODY.match(text)
    return whole.end() if whole else 0


def _unescaped(text: str) -> str:
    if "\\" not in text:
        return text
    decoded: str = _DECODER.raw_decode(f'"{text}"')[0]
    return decoded
