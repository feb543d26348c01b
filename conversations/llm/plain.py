"""Makes plain text of what a model wrote for a customer, while it streams: no markup, no JSON, nothing invisible.

The result is the same however the text is cut: what could still become markup is held back until that is clear. This
is for reading, not for safety: whoever shows the text must still escape it.
"""

from conversations.llm.errors import Kind, LLMError
from conversations.llm.markup import SPECIAL, Match, Rule, first_rule

_OPENERS = ("<", "{", "[")
"""Nothing may be taken out right behind these: what is left could come together as new markup."""


class PlainText:
    """Takes a reply in pieces. Gives what can be shown for good, or nothing any more once `is_broken`."""

    __slots__ = ("_held", "_shown", "_text", "is_broken")

    def __init__(self) -> None:
        self._held = ""
        self._text = ""
        self._shown = 0
        self.is_broken = False
        """Whether this holds what no reply to a customer does: JSON, stray reasoning, nothing but a code block."""

    def push(self, piece: str) -> str:
        """Take more text; return what can be shown now."""
        if self._held or SPECIAL.search(piece):
            self._read(self._held + piece, is_end=False)
        elif not self.is_broken:
            self._write(piece)
        return self._release()

    def finish(self) -> str:
        """Return what was held back. It ends with the last character that isn't a space."""
        self._read(self._held, is_end=True)
        return self._release()

    def _read(self, text: str, *, is_end: bool) -> None:
        position = 0
        self._held = ""
        while not self.is_broken and (special := SPECIAL.search(text, position)):
            start = special.start()
            self._write(text[position:start])
            found = first_rule(text, start, before=self._text, is_end=is_end)
            if found is None:
                self._write(special[0])
                position = start + 1
                continue
            rule, match = found
            if match.partial or (match.end() == len(text) and not is_end):
                self._held = text[start:]
                return
            self._apply(rule, match)
            position = match.end()
        self._write(text[position:])

    def _apply(self, rule: Rule, match: Match) -> None:
        replacement = rule.replacement
        if callable(replacement):
            replacement = replacement(match, self._text)
        if replacement is None or (not replacement and self._text.rstrip().endswith(_OPENERS)):
            self.is_broken = True
        else:
            self._write(replacement)

    def _write(self, piece: str) -> None:
        if not self.is_broken:
            self._text += piece if self._text else piece.lstrip()

    def _release(self) -> str:
        """Spaces wait for what comes after them, so that none is left at the end."""
        end = len(self._text.rstrip())
        fresh = self._text[self._shown : end]
        self._shown = end
        return fresh


def plain_text(text: str) -> str:
    """Return a whole reply as plain text. Raises LLMError where it holds what no reply does."""
    result = _filtered(text)
    # Where there is still something to take out, somebody tried to build markup out of markup.
    if _filtered(result) != result:
        raise LLMError(Kind.INVALID)
    return result


def _filtered(text: str) -> str:
    plain = PlainText()
    result = plain.push(text) + plain.finish()
    if plain.is_broken:
        raise LLMError(Kind.INVALID)
    return result
