"""What to try next when a model call gave no usable reply. Pure: no clock, no network.

At most `MAX_ATTEMPTS` calls a reply, each over another pair of account and model: never the same twice, as long as
there is another at all. A key that was refused wasn't a call: the account's next key comes first. An answer that isn't
an envelope, or one that broke off after customers saw some of it, is asked for whole instead of streamed, so that
nothing half is shown twice. After that a person has to answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate
from conversations.llm.errors import Kind, LLMError
from conversations.models import Reason

MAX_ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 0.3

LAST: Final = frozenset({Kind.TOTAL_TIMEOUT})
"""No time is left for another call."""
ONCE: Final = frozenset({Kind.AUTH, Kind.BALANCE, Kind.BAD_REQUEST, Kind.UNPROCESSABLE, Kind.FILTERED, Kind.REFUSED})
"""The same model would say the same again."""
CONTENT_IS_BAD: Final = frozenset({Kind.INVALID, Kind.BLANK, Kind.TOO_LONG, Kind.MALFORMED})
NO_ANSWER_GIVEN: Final = frozenset({Kind.BLANK, Kind.FILTERED, Kind.REFUSED})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call to make: over one of which candidates, streamed or whole, and after what pause."""

    candidates: Sequence[Candidate]
    is_streamed: bool = True
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that gave no usable reply; `was_shown` where customers had seen some of it."""

    lease: Lease
    error: LLMError
    is_streamed: bool
    was_shown: bool


def next_attempt(failures: Sequence[Failure], *, candidates: Sequence[Candidate]) -> Attempt | None:
    """Return what to try after these failures (at least one), or None where a person has to answer."""
    last = failures[-1]
    kind = last.error.kind
    if len(failures) >= MAX_ATTEMPTS or kind in LAST:
        return None
    has_to_be_whole = kind in CONTENT_IS_BAD or last.was_shown
    is_streamed = last.is_streamed and not has_to_be_whole
    if untried := _untried(failures, candidates=candidates):
        return Attempt(untried, is_streamed=is_streamed)
    if len(candidates) > 1 or (has_to_be_whole and not last.is_streamed):
        return None
    # A shop with a single model has nobody else to ask.
    if kind in ONCE and not _can_be_shortened(failures):
        return None
    return Attempt(candidates, is_streamed=is_streamed, pause_seconds=0 if has_to_be_whole else _pause(failures))


def reason_for_people(error: LLMError) -> Reason:
    """Return why a person has to answer after this last error."""
    return Reason.REFUSED if error.kind in NO_ANSWER_GIVEN else Reason.FAILED


def _can_be_shortened(failures: Sequence[Failure]) -> bool:
    """Whether the last request was too long for the model, and the first one that was: the next has no history."""
    *earlier, last = failures
    return last.error.is_too_large and not any(each.error.is_too_large for each in earlier)


def _untried(failures: Sequence[Failure], *, candidates: Sequence[Candidate]) -> list[Candidate]:
    called = {each.lease.candidate.pair for each in failures if each.error.kind is not Kind.AUTH}
    empty = {each.lease.candidate.account_id for each in failures if each.error.kind is Kind.BALANCE}
    refused = {
        (each.lease.candidate.account_id, each.lease.key.fingerprint)
        for each in failures
        if each.error.kind is Kind.AUTH
    }
    return [
        candidate
        for candidate in candidates
        if candidate.pair not in called
        and candidate.account_id not in empty
        and any((candidate.account_id, key.fingerprint) not in refused for key in candidate.keys)
    ]


def _pause(failures: Sequence[Failure]) -> float:
    """A 429's own wish is kept by the pair's circuit; this is for what broke."""
    return PAUSE_SECONDS * len(failures)
