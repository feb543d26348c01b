"""One row for each call to a model, written in the transaction that ends its run: with the stored reply, or not at all.

A record is made when the call ends. Whoever writes it twice (a transaction that was tried again) writes the same row.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from django.utils import timezone

from conversations.gateway.admission import Lease
from conversations.gateway.models import LLMCall, Outcome, Purpose
from conversations.gateway.pricing import cost_of, prices_at
from conversations.llm.errors import LLMError
from conversations.llm.requests import Usage

MAX_COUNT: Final = 2**31 - 1
MAX_REASON_CHARS: Final = 40
MS: Final = 1000


@dataclass(frozen=True, slots=True)
class Origin:
    """What a call is made for; `release` is the number of the playbook's release, None for a draft."""

    purpose: Purpose
    arm: str = ""
    rollout_id: int | None = None
    playbook_version: str = ""
    release: int | None = None


@dataclass(slots=True)
class CallWatch:
    """What is seen of one call while it runs; `number` counts the calls of a run."""

    lease: Lease
    origin: Origin
    number: int
    is_streamed: bool = True
    is_switched: bool = False
    started_at: datetime = field(default_factory=timezone.now)
    outcome: Outcome = Outcome.CANCELLED
    usage: Usage | None = None
    status: int | None = None
    finish_reason: str = ""
    has_escalated: bool = False
    first_token_ms: int | None = None
    total_ms: int = 0
    _started: float = field(default_factory=time.monotonic)

    def see_text(self) -> None:
        """Note when the first text came."""
        if self.first_token_ms is None:
            self.first_token_ms = self.elapsed_ms()

    def see_end(self, finish_reason: str, usage: Usage | None) -> None:
        """Note how the model ended, and what it counted."""
        self.finish_reason, self.usage = finish_reason, usage or self.usage

    def succeed(self, *, is_repaired: bool, has_escalated: bool) -> None:
        """Note that this call gave the reply."""
        self.outcome = Outcome.REPAIRED if is_repaired else Outcome.OK
        self.has_escalated = has_escalated

    def fail(self, error: LLMError) -> None:
        """Note why it gave none."""
        self.outcome = Outcome(error.kind.value)
        self.status, self.usage = error.status, error.usage or self.usage

    def close(self) -> None:
        """Note how long it took."""
        self.total_ms = self.elapsed_ms()

    def elapsed_ms(self) -> int:
        """Return the milliseconds since the call was made."""
        return round((time.monotonic() - self._started) * MS)

    def row(self, *, run_id: int | None) -> LLMCall:
        """Return the call as a row, priced by the moment it was made."""
        candidate, usage = self.lease.candidate, within_columns(self.usage or Usage())
        prices = prices_at(candidate.prices, self.started_at)
        return LLMCall(
            run_id=run_id,
            number=self.number,
            purpose=self.origin.purpose,
            provider_id=candidate.provider_id,
            account_id=candidate.account_id,
            model_id=candidate.model_id,
            key_fingerprint=self.lease.key.fingerprint,
            arm=self.origin.arm,
            rollout_id=self.origin.rollout_id,
            playbook_version=self.origin.playbook_version[:MAX_REASON_CHARS],
            is_switched=self.is_switched,
            is_streamed=self.is_streamed,
            started_at=self.started_at,
            first_token_ms=self.first_token_ms,
            total_ms=self.total_ms,
            is_metered=self.usage is not None,
            prompt_tokens=usage.prompt_tokens,
            cached_tokens=usage.cached_tokens,
            completion_tokens=usage.completion_tokens,
            reasoning_tokens=usage.reasoning_tokens,
            currency=prices.currency if prices else "",
            input_price=prices.input if prices else None,
            cached_price=prices.cached_input if prices else None,
            output_price=prices.output if prices else None,
            cost=cost_of(usage, prices) if prices else None,
            outcome=self.outcome,
            status=self.status,
            finish_reason=printable(self.finish_reason),
            has_escalated=self.has_escalated,
        )


def record_calls(run_id: int | None, calls: Sequence[CallWatch]) -> None:
    """Write the calls of a run; those that were written before are left as they are."""
    if calls:
        LLMCall.objects.bulk_create([call.row(run_id=run_id) for call in calls], ignore_conflicts=True)


def within_columns(usage: Usage) -> Usage:
    """Return what a provider counted, within what a column holds: a server may say anything."""
    return Usage(
        prompt_tokens=min(usage.prompt_tokens, MAX_COUNT),
        cached_tokens=min(usage.cached_tokens, usage.prompt_tokens, MAX_COUNT),
        completion_tokens=min(usage.completion_tokens, MAX_COUNT),
        reasoning_tokens=min(usage.reasoning_tokens, MAX_COUNT),
    )


def printable(reason: str) -> str:
    """Return a server's own word, short and without anything a column or a log can't hold."""
    return "".join(sign for sign in reason[:MAX_REASON_CHARS] if sign.isascii() and sign.isprintable())
