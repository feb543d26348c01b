"""What a status and its headers mean."""

from datetime import UTC, datetime

import pytest

from conversations.llm.errors import MAX_RETRY_AFTER_SECONDS, Kind, LLMError, kind_of_status, status_error

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("20", 20.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        ("999999999", MAX_RETRY_AFTER_SECONDS),
        ("1e400", None),
        ("nan", None),
        ("soon", None),
        ("", None),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tue, 24 Nov 2099 12:00:00 GMT", MAX_RETRY_AFTER_SECONDS),
        ("Tue, 99 Nov 2026 99:00:30 GMT", MAX_RETRY_AFTER_SECONDS),
    ],
)
def test_a_retry_after_header_is_read_within_reason(header: str | None, seconds: float | None) -> None:
    assert status_error(429, retry_after=header, now=NOW).retry_after_seconds == seconds


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (302, Kind.BAD_REQUEST, False),
        (400, Kind.BAD_REQUEST, False),
        (401, Kind.AUTH, False),
        (402, Kind.BALANCE, False),
        (403, Kind.AUTH, False),
        (404, Kind.BAD_REQUEST, False),
        (408, Kind.SERVER, True),
        (413, Kind.BAD_REQUEST, False),
        (418, Kind.BAD_REQUEST, False),
        (422, Kind.UNPROCESSABLE, False),
        (429, Kind.RATE_LIMITED, True),
        (500, Kind.SERVER, True),
        (502, Kind.SERVER, True),
        (503, Kind.OVERLOADED, True),
        (529, Kind.OVERLOADED, True),
        (599, Kind.SERVER, True),
    ],
)
def test_a_status_says_what_to_do(status: int, kind: Kind, *, retryable: bool) -> None:
    assert kind_of_status(status) is kind
    assert LLMError(kind).retryable is retryable


def test_an_error_reads_well_in_a_log() -> None:
    assert str(LLMError(Kind.STALLED)) == "stalled"
    assert str(status_error(503)) == "overloaded (503)"


@pytest.mark.parametrize(
    ("status", "complaint", "is_too_large"),
    [
        (400, "This model's maximum context length is 131072 tokens. However, you requested 140000", True),
        (400, "context_length_exceeded", True),
        (400, "the prompt exceeds the model's context window", True),
        (400, "prompt is too long: 9000 tokens", True),
        (413, "", True),
        (400, "Invalid value for 'temperature'", False),
        (429, "maximum context length", False),
        (400, "", False),
    ],
)
def test_a_prompt_that_was_too_long_is_told_apart(status: int, complaint: str, *, is_too_large: bool) -> None:
    assert status_error(status, complaint=complaint).is_too_large is is_too_large
