"""Frames of one stream that differ in nothing but their few characters of text, read without parsing the rest again.

A pattern is what stands before and after the text of a frame that was parsed whole, and it is tried before it is used:
with another text in that place the frame must say that text and nothing else. What doesn't fit it is parsed as ever.
"""

import sys
from typing import Final

import orjson

from conversations.llm.chunks import Chunk, parse_chunk
from conversations.llm.errors import LLMError

PROBE: Final = "csbot-probe"
MAX_TRIES: Final = 5
"""Frames a stream is given to show a pattern: some servers pad each frame, and have none."""
NEVER: Final = sys.maxsize


class AlikeFrames:
    """The pattern of one stream's frames, learnt from the first that has one."""

    __slots__ = ("_after", "_before", "_least", "_tries")

    def __init__(self) -> None:
        self._before = self._after = b""
        self._least = NEVER
        self._tries = MAX_TRIES

    def text_of(self, payload: bytes) -> str | None:
        """Return the text of a frame that fits the pattern; None for one that has to be parsed."""
        if len(payload) < self._least or not (payload.startswith(self._before) and payload.endswith(self._after)):
            return None
        try:
            # With its quotes it is JSON of a single string, or there is more in it than a text.
            text: str = orjson.loads(payload[len(self._before) - 1 : len(payload) - len(self._after) + 1])
        except orjson.JSONDecodeError:
            return None
        return text

    def learn(self, payload: bytes, text: str) -> None:
        """Take the pattern from a frame that says nothing but `text`, if it has one."""
        if not text or not self._tries or self._least != NEVER:
            return
        self._tries -= 1
        before, quoted, after = payload.partition(b'"%b"' % text.encode(errors="replace"))
        if quoted and _says(before + b'"%b"' % PROBE.encode() + after):
            self._before, self._after = before + b'"', b'"' + after
            self._least = len(self._before) + len(self._after)


def _says(payload: bytes) -> bool:
    """Say whether a frame has the probe for its text, and nothing else."""
    try:
        return parse_chunk(payload) == Chunk(PROBE)
    except LLMError:
        return False
