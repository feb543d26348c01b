"""Deadlines by themselves: which passes first, and when it is noticed."""

import asyncio
import time

import pytest

from conversations.llm.errors import Kind, LLMError
from conversations.llm.patience import Patience
from conversations.llm.requests import Deadlines

LATE_SECONDS = 2.0


@pytest.mark.parametrize("words", [1, 3])
def test_silence_after_a_word_is_noticed_long_before_the_first_one_would_have_been_due(words: int) -> None:
    deadlines = Deadlines(first_token_seconds=30, between_chunks_seconds=0.1, total_seconds=60)

    async def scenario() -> None:
        async with Patience(deadlines) as patience:
            for _ in range(words):
                patience.restart()
                await asyncio.sleep(0.02)
            await asyncio.sleep(30)

    began = time.monotonic()
    with pytest.raises(LLMError) as raised:
        asyncio.run(scenario())
    assert raised.value.kind is Kind.STALLED
    assert time.monotonic() - began < LATE_SECONDS


def test_each_word_gives_the_next_one_its_time() -> None:
    deadlines = Deadlines(first_token_seconds=30, between_chunks_seconds=1.0, total_seconds=60)

    async def scenario() -> None:
        async with Patience(deadlines) as patience:
            for _ in range(5):
                patience.restart()
                await asyncio.sleep(0.3)

    asyncio.run(scenario())
