"""What to try next when a model call gave no usable reply. Pure: no clock, no network.

At most `MAX_ATTEMPTS` calls a reply. A call that failed on its way is made again at the next endpoint (at the only one
after a pause). An answer that isn't an envelope, or one that broke off after customers saw some of it, is asked for
once more, whole instead of streamed, so that nothing half is shown twice. After that a person has to answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Endpoint
from conversations.models import Reason

MAX_ATTEMPTS: Final = 3
PAUSE_SECONDS: Final = 0.3
MAX_PAUSE_SECONDS: Final = 3.0

HOPELESS: Final = frozenset({Kind.BAD_REQUEST, Kind.UNPROCESSABLE, Kind.FILTERED, Kind.REFUSED, Kind.TOTAL_TIMEOUT})
KEY_IS_DOWN: Final = frozenset({Kind.AUTH, Kind.BALANCE})
CONTENT_IS_BAD: Final = frozenset({Kind.INVALID, Kind.BLANK, Kind.TOO_LONG, Kind.MALFORMED})
NO_ANSWER_GIVEN: Final = frozenset({Kind.BLANK, Kind.FILTERED, Kind.REFUSED})


@dataclass(frozen=True, slots=True)
class Attempt:
    """One call: at which endpoint, streamed or whole, and after what pause."""

    endpoint: Endpoint
    is_streamed: bool = True
    pause_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Failure:
    """An attempt that gave no usable reply; `was_shown` where customers had seen some of it."""

    attempt: Attempt
    error: LLMError
    was_shown: bool


def next_attempt(failures: Sequence[Failure], *, endpoints: Sequence[Endpoint]) -> Attempt | None:
    """Return what to try after these failures (at least one), or None where a person has to answer."""
    last = failures[-1]
    kind = last.error.kind
    if len(failures) >= MAX_ATTEMPTS or kind in HOPELESS:
        return None
    if kind in CONTENT_IS_BAD or last.was_shown:
        return Attempt(last.attempt.endpoint, is_streamed=False) if last.attempt.is_streamed else None
    fresh = _untried(failures, endpoints=endpoints)
    if fresh is not None:
        return Attempt(fresh, is_streamed=last.attempt.is_streamed)
    if kind in KEY_IS_DOWN:
        return None
    return Attempt(last.attempt.endpoint, is_streamed=last.attempt.is_streamed, pause_seconds=_pause(failures))


def reason_for_people(error: LLMError) -> Reason:
    """Return why a person has to answer after this last error."""
    return Reason.REFUSED if error.kind in NO_ANSWER_GIVEN else Reason.FAILED


def _untried(failures: Sequence[Failure], *, endpoints: Sequence[Endpoint]) -> Endpoint | None:
    tried = {failure.attempt.endpoint for failure in failures}
    return next((endpoint for endpoint in endpoints if endpoint not in tried), None)


def _pause(failures: Sequence[Failure]) -> float:
    asked_for = failures[-1].error.retry_after_seconds or 0.0
    return min(MAX_PAUSE_SECONDS, max(asked_for, PAUSE_SECONDS * len(failures)))
