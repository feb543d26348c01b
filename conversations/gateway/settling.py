"""What a call's end says about the key, the account and the pair it went over."""

import random
from dataclasses import dataclass
from typing import Final

from conversations.gateway.catalog import Candidate, Key
from conversations.gateway.circuits import PAIR_RULES, REFUSAL_RULES, Rules, Verdict
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Usage

FAULTS: Final = frozenset(
    {
        Kind.SERVER,
        Kind.OVERLOADED,
        Kind.NETWORK,
        Kind.FIRST_TOKEN_TIMEOUT,
        Kind.STALLED,
        Kind.TOTAL_TIMEOUT,
        Kind.CUT,
        Kind.MALFORMED,
        Kind.BLANK,
        Kind.INVALID,
    }
)
"""What counts against a pair: it doesn't answer, or what it answers is no reply. What we asked wrongly never does."""

DEFAULT_PAUSE_SECONDS: Final = 1.0
MAX_PAUSE_SECONDS: Final = 10.0
JITTER: Final = 0.5

Judged = tuple[str, Verdict, Rules]


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a call ended: verdicts on its pair, account and key; `kind` in a word; tokens taken (0: not known)."""

    pair: Verdict = Verdict.NEUTRAL
    account: Verdict = Verdict.NEUTRAL
    key: Verdict = Verdict.NEUTRAL
    kind: str = ""
    pause_seconds: float = 0.0
    tokens: int = 0
    turns_key: bool = False

    def circuits(self, candidate: Candidate, key: Key) -> tuple[Judged, Judged, Judged]:
        """Return the circuits with what is said about each; the pair's comes first."""
        names = candidate.names
        return (
            (names.pair, self.pair, PAIR_RULES),
            (names.account, self.account, REFUSAL_RULES),
            (names.keys[key.fingerprint], self.key, REFUSAL_RULES),
        )


NOTHING_LEARNT: Final = Settlement(kind="cancelled")


def success(usage: Usage | None) -> Settlement:
    """Return the end of a call that gave a reply."""
    good = Verdict.SUCCESS
    return Settlement(pair=good, account=good, key=good, kind="ok", tokens=_tokens(usage))


def failure(error: LLMError) -> Settlement:
    """Return the end of a call that gave none."""
    kind, tokens = error.kind, _tokens(error.usage)
    if kind is Kind.AUTH:
        return Settlement(key=Verdict.FAILURE, kind=kind.value, turns_key=True)
    if kind is Kind.BALANCE:
        return Settlement(account=Verdict.FAILURE, kind=kind.value)
    if kind is Kind.RATE_LIMITED:
        return Settlement(kind=kind.value, pause_seconds=pause_after(error), turns_key=True)
    if kind in FAULTS:
        return Settlement(pair=Verdict.FAILURE, kind=kind.value, tokens=tokens)
    return Settlement(kind=kind.value, tokens=tokens)


def pause_after(error: LLMError) -> float:
    """Return for how long to leave a pair alone after a 429: as it asks for, within reason."""
    if error.retry_after_seconds is not None:
        return min(max(error.retry_after_seconds, 0.05), MAX_PAUSE_SECONDS)
    # So that not all workers come back at the same moment.
    return DEFAULT_PAUSE_SECONDS + random.uniform(0, JITTER)  # noqa: S311 - spreads calls, guards nothing


def _tokens(usage: Usage | None) -> int:
    return usage.prompt_tokens + usage.completion_tokens if usage else 0
