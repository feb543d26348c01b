"""What is measured while one reply is made, over all of its calls; lives in memory until the run ends."""

import time
from dataclasses import dataclass, field

from django.conf import settings

from conversations.gateway.metering import CallWatch
from conversations.llm.requests import Usage
from conversations.models.run import MAX_RAW_CHARS
from conversations.text.surrogates import mend


@dataclass(slots=True)
class Watch:
    """What is measured while a reply is made."""

    started: float = field(default_factory=time.monotonic)
    first_token_ms: int | None = None
    usage: Usage = field(default_factory=Usage)
    raw: str = ""
    calls: list[CallWatch] = field(default_factory=list)
    unwritten: list[CallWatch] = field(default_factory=list)

    def elapsed_ms(self) -> int:
        """Return the milliseconds since the run was opened."""
        return round((time.monotonic() - self.started) * 1000)

    def remaining_seconds(self) -> float:
        """Return what is left of the deadline for the whole reply."""
        return float(settings.CSBOT_ANSWER_SECONDS) - (time.monotonic() - self.started)

    def see_text(self) -> None:
        """Note when the first visible text came."""
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()

    def see_answer(self, text: str) -> None:
        """Keep the newest answer as the model wrote it, as far as a column holds it."""
        self.raw = mend(text[:MAX_RAW_CHARS].replace("\x00", "\ufffd")) or self.raw

    def add_call(self, call: CallWatch) -> None:
        """Add a call that ended, with what it cost where the provider said so; a reply's calls add up."""
        self.calls.append(call)
        self.unwritten.append(call)
        usage = call.usage or Usage()
        self.usage = Usage(
            prompt_tokens=self.usage.prompt_tokens + usage.prompt_tokens,
            cached_tokens=self.usage.cached_tokens + usage.cached_tokens,
            completion_tokens=self.usage.completion_tokens + usage.completion_tokens,
            reasoning_tokens=self.usage.reasoning_tokens + usage.reasoning_tokens,
        )
