"""Takes away what a model thinks aloud: `<think>...</think>` in its text, in every way that servers leave it there.

Reasoning that the endpoint keeps apart (`reasoning_content`) never gets here: the client drops it.
"""

import regex

NAMES = r"(?:think|thinking|thoughts?|reasoning|reflection|scratchpad)"
OPENING = rf"<{NAMES}(?:\s[^<>]*)?>"
CLOSING = rf"</{NAMES}\s*>"

_START = regex.compile(rf"[\s\ufeff]*{OPENING}", regex.IGNORECASE)
_END = regex.compile(CLOSING, regex.IGNORECASE)
_BLOCK = regex.compile(rf"{OPENING}.*?{CLOSING}", regex.IGNORECASE | regex.DOTALL)
_LONGEST_END = 40


class ReasoningFilter:
    """Passes a text on without the reasoning that it starts with. What it passes may still turn out to be reasoning:
    where the opening tag is missing, only the closing one tells. See `without_reasoning`.
    """

    __slots__ = ("_held", "_is_inside", "_is_over")

    def __init__(self) -> None:
        self._held = ""
        self._is_inside = False
        self._is_over = False

    def push(self, text: str) -> str:
        """Take more text; return what is not reasoning."""
        if self._is_over:
            return text
        self._held += text
        return self._inside() if self._is_inside else self._before()

    def _before(self) -> str:
        start = _START.match(self._held, partial=True)
        if start and start.partial:
            return ""
        if start:
            self._held = self._held[start.end() :]
            self._is_inside = True
            return self._inside()
        self._is_over = True
        return self._held

    def _inside(self) -> str:
        end = _END.search(self._held)
        if not end:
            self._held = self._held[-_LONGEST_END:]
            return ""
        self._held = self._held[end.end() :]
        self._is_inside = False
        return self._before()


def without_reasoning(text: str) -> str:
    """Return a whole answer without its reasoning, also where the opening tag is missing or the closing one is."""
    text = _BLOCK.sub("", text)
    ends = [end.end() for end in _END.finditer(text)]
    text = text[ends[-1] :] if ends else text
    return "" if _START.match(text) else text
