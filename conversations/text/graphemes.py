"""Text in steps of what a reader sees as one character, so that none is ever shown half: ที่, é, 👩‍👧, 🇹🇭."""

import regex

CLUSTER = regex.compile(r"\X")
"""An extended grapheme cluster (Unicode Standard Annex 29)."""


def complete_prefix_length(text: str) -> int:
    """Return how much of the text can be shown: all but its last grapheme, which what comes next could still join."""
    return len(text) - len(CLUSTER.findall(text)[-1]) if text else 0


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
