"""Server-sent events out of raw bytes, however the network cuts them. Says nothing about what is in them."""

from conversations.llm.errors import Kind, LLMError

MAX_EVENT_BYTES = 1 << 20
BOM = b"\xef\xbb\xbf"


class EventSplitter:
    """Gives the data of each complete event: lines end in LF, CRLF or CR; comments, ids and empty data are dropped."""

    __slots__ = ("_after_cr", "_data", "_is_fresh", "_rest")

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []
        self._is_fresh = True
        self._after_cr = False

    def push(self, chunk: bytes) -> list[bytes]:
        """Take more bytes; return the data of the events that they complete."""
        if not (self._rest or self._data or self._after_cr) and (plain := _plain_events(chunk)):
            self._is_fresh = False
            return plain
        if b"\r" in chunk or self._after_cr:
            chunk = self._with_plain_line_ends(chunk)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            raise LLMError(Kind.MALFORMED)
        if lines and self._is_fresh:
            self._is_fresh = False
            lines[0] = lines[0].removeprefix(BOM)
        events: list[bytes] = []
        for line in lines:
            self._take(line, events)
        return events

    def finish(self) -> list[bytes]:
        """Return the last event where the stream ended without the blank line after it."""
        return self.push(b"\n\n")

    def _take(self, line: bytes, events: list[bytes]) -> None:
        if line.startswith(b"data:"):
            self._data.append(line[5:].removeprefix(b" "))
        elif not line and self._data:
            data = b"\n".join(self._data)
            self._data.clear()
            if data:
                events.append(data)

    def _with_plain_line_ends(self, chunk: bytes) -> bytes:
        """A CR ends a line at once; the LF that may follow it, perhaps in the next chunk, belongs to it."""
        if self._after_cr and chunk:
            chunk = chunk.removeprefix(b"\n")
            self._after_cr = False
        self._after_cr = self._after_cr or chunk.endswith(b"\r")
        return chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _plain_events(chunk: bytes) -> list[bytes]:
    """Return the data of events that are whole and of one line each, as nearly all are; else nothing."""
    if not (chunk.startswith(b"data: ") and chunk.endswith(b"\n\n")) or b"\r" in chunk:
        return []
    events = chunk[6:-2].split(b"\n\ndata: ")
    # Every line end is one of those between events, and none of them is empty.
    return events if chunk.count(b"\n") == 2 * len(events) and all(events) else []
