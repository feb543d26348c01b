"""One streamed answer, put together from raw bytes: its text as it comes, and how it ended."""

from contextlib import suppress

from conversations.llm.chunks import Finished, check_finish, parse_chunk
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Usage
from conversations.llm.sse import EventSplitter

DONE = b"[DONE]"


class StreamedReply:
    """Takes the bytes of one response. It may be read no further once `is_done`."""

    __slots__ = ("_events", "_finish_reason", "_splitter", "_usage", "is_done")

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self._events = 0
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self.is_done = False

    @property
    def is_finished(self) -> bool:
        """Whether the model will write no more. Its usage may still be on the way."""
        return self.is_done or self._finish_reason is not None

    def push(self, data: bytes) -> str:
        """Take more bytes; return the text in them, or raise the LLMError that they bring."""
        return "".join([self._read(payload) for payload in self._splitter.push(data)])

    def end(self) -> str:
        """Take the end of the stream; return the text of an event that it cut off behind its last byte."""
        try:
            return "".join([self._read(payload) for payload in self._splitter.finish()])
        except LLMError:
            # Half a frame: the stream was cut, and finished() says so.
            return ""

    def finished(self) -> Finished:
        """Return how it ended. Raises LLMError where that gives no reply."""
        if self._finish_reason is None:
            raise LLMError(Kind.CUT if self._events else Kind.MALFORMED, usage=self._usage)
        check_finish(self._finish_reason, self._usage)
        return Finished(self._finish_reason, self._usage)

    def _read(self, payload: bytes) -> str:
        if self.is_done:
            return ""
        self._events += 1
        if payload == DONE:
            self.is_done = True
            return ""
        if self.is_finished:
            self._read_trailer(payload)
            return ""
        chunk = parse_chunk(payload)
        self._usage = chunk.usage or self._usage
        self._finish_reason = chunk.finish_reason
        return chunk.text

    def _read_trailer(self, payload: bytes) -> None:
        """All words are there: of what follows only the usage matters, and nothing is an error any more."""
        with suppress(LLMError):
            self._usage = parse_chunk(payload).usage or self._usage
