"""Text in steps of what a reader sees as one character, so that none is ever shown half: ที่, é, 👩‍👧, 🇹🇭."""

import regex

_CLUSTER = regex.compile(r"\X")
"""An extended grapheme cluster (Unicode Standard Annex 29)."""

_MARKS = frozenset(
    "\u0e31\u0e33\u0e34\u0e35\u0e36\u0e37\u0e38\u0e39\u0e3a\u0e47\u0e48\u0e49\u0e4a\u0e4b\u0e4c\u0e4d\u0e4e"
)
"""Thai vowels and tones that stand over, under or right behind their letter."""
_LETTERS = frozenset(map(chr, [*range(0x20, 0x7F), *range(0x0E01, 0x0E5C)])) - _MARKS
"""ASCII and the other Thai characters, none of which joins what stands before it."""
_ORDINARY = _LETTERS | _MARKS


def complete_prefix_length(text: str) -> int:
    """Return how much of the text can be shown: all but its last grapheme, which what comes next could still join."""
    last = len(text) - 1
    while last > 0 and text[last] in _MARKS:
        last -= 1
    # Nearly all texts end like this, and the full rules take ten times as long.
    if last > 0 and text[last] in _LETTERS and text[last - 1] in _ORDINARY:
        return last
    return len(text) - len(_CLUSTER.findall(text)[-1]) if text else 0


class GraphemeBuffer:
    """Passes text on as soon as its graphemes are complete. What it gives, joined, is what it got."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held = ""

    def push(self, text: str) -> str:
        """Take more text; return what can be shown now."""
        text = self._held + text
        length = complete_prefix_length(text)
        self._held = text[length:]
        return text[:length]

    def flush(self) -> str:
        """Return what was held back: nothing can follow it any more."""
        held, self._held = self._held, ""
        return held
