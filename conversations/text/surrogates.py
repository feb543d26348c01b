"""Halves of surrogate pairs, which no encoding takes alone: joined where the other half comes, else replaced."""

REPLACEMENT = "\ufffd"


def mend(text: str) -> str:
    """Join the halves that stand side by side; replace those that stand alone by U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


class SurrogateMender:
    """Mends a text that comes in pieces: the first half of a pair waits for the second."""

    __slots__ = ("_half",)

    def __init__(self) -> None:
        self._half = ""

    def push(self, text: str) -> str:
        """Take more text; return it without halves."""
        if not self._half and _is_whole(text):
            return text
        text = self._half + text
        self._half = text[-1:] if "\ud800" <= text[-1:] <= "\udbff" else ""
        return mend(text.removesuffix(self._half))

    def flush(self) -> str:
        """Return a replacement for a half whose other half never came."""
        half, self._half = self._half, ""
        return REPLACEMENT if half else ""


def _is_whole(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
