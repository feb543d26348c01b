"""One streamed answer, put together from raw bytes: its text as it comes, and how it ended."""

from contextlib import suppress

from conversations.llm.alike import AlikeFrames
from conversations.llm.chunks import Finished, check_finish, parse_chunk
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Usage
from conversations.llm.sse import EventSplitter

DONE = b"[DONE]"


class StreamedReply:
    """Takes the bytes of one response. It may be read no further once `is_done`."""

    __slots__ = ("_alike", "_events", "_finish_reason", "_splitter", "_usage", "is_done", "is_finished")

    def __init__(self) -> None:
        self._splitter = EventSplitter()
        self._alike = AlikeFrames()
        self._events = 0
        self._finish_reason: str | None = None
        self._usage: Usage | None = None
        self.is_done = False
        self.is_finished = False
        """Whether the model will write no more. Its usage may still be on the way."""

    def push(self, data: bytes) -> str:
        """Take more bytes; return the text in them, or raise the LLMError that they bring."""
        payloads = self._splitter.push(data)
        if len(payloads) == 1:
            return self._read(payloads[0])
        return "".join([self._read(payload) for payload in payloads])

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
        if self.is_finished:
            self._read_trailer(payload)
            return ""
        self._events += 1
        if (alike := self._alike.text_of(payload)) is not None:
            return alike
        if payload == DONE:
            self.is_done = self.is_finished = True
            return ""
        chunk = parse_chunk(payload)
        self._usage = chunk.usage or self._usage
        self._finish_reason = chunk.finish_reason
        self.is_finished = self._finish_reason is not None
        if not (chunk.usage or self.is_finished):
            self._alike.learn(payload, chunk.text)
        return chunk.text

    def _read_trailer(self, payload: bytes) -> None:
        """All words are there: of what follows only the usage matters, and nothing is an error any more."""
        if self.is_done or payload == DONE:
            self.is_done = True
            return
        with suppress(LLMError):
            self._usage = parse_chunk(payload).usage or self._usage
