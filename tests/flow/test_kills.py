"""Whatever is killed, and whenever: every message is stored once and answered once."""

import asyncio
import random
import uuid
from typing import Final

import psutil

from tests.flow.conftest import Stack
from tests.flow.visitor import Visitor

VISITORS: Final = 12
MESSAGES_EACH: Final = 2
KILLS: Final = ("worker", "web", "redis", "postgres", "worker", "redis", "web")
BETWEEN_KILLS_SECONDS: Final = 0.9
ANSWERED_WITHIN_SECONDS: Final = 30.0


def test_random_kills_lose_nothing_and_answer_nothing_twice(stack: Stack) -> None:
    dice = random.Random(20)

    async def scenario() -> list[uuid.UUID]:
        tasks = [asyncio.create_task(customer(stack, number)) for number in range(VISITORS)]
        for name in dice.sample(KILLS, len(KILLS)):
            await asyncio.sleep(dice.uniform(0.2, 2 * BETWEEN_KILLS_SECONDS))
            kill(stack, name)
        _, late = await asyncio.wait(tasks, timeout=ANSWERED_WITHIN_SECONDS)
        assert not late, f"{len(late)} of {VISITORS} still wait {ANSWERED_WITHIN_SECONDS:.0f} s after the last kill"
        return await asyncio.gather(*tasks)

    conversations = asyncio.run(scenario())
    assert_each_answered_once(stack, conversations)
    stack.up.wait_until_answering()


def kill(stack: Stack, name: str) -> None:
    """Kill a process without a word, wherever it is in its life."""
    try:
        stack.up.children()[name].kill()
    except (KeyError, psutil.NoSuchProcess):
        return  # It is being started again after the last kill.


async def customer(stack: Stack, number: int) -> uuid.UUID:
    """Ask one thing after the other, each after the answer to the one before."""
    async with Visitor(stack.url) as visitor:
        for turn in range(MESSAGES_EACH):
            await asyncio.sleep(number * 0.1)
            client_id = await visitor.ask(f"คำถามที่ {turn} ของลูกค้า {number}")
            reply = await visitor.answer_to(client_id, seconds=60)
            assert reply["text"] == f"คำตอบ: คำถามที่ {turn} ของลูกค้า {number}"
        assert [message["text"] for message in visitor.said_by("customer")] == [
            f"คำถามที่ {turn} ของลูกค้า {number}" for turn in range(MESSAGES_EACH)
        ]
        return uuid.UUID(visitor.conversation)


def assert_each_answered_once(stack: Stack, conversations: list[uuid.UUID]) -> None:
    """Check in the database what the customers saw."""
    rows = stack.rows(
        "SELECT m.sender, count(*), count(DISTINCT (m.conversation_id, m.seq)) FROM conversations_message m"
        " JOIN conversations_conversation c ON c.id = m.conversation_id"
        " WHERE c.public_id = ANY(%s) AND m.sender IN ('customer', 'bot') GROUP BY m.sender",
        conversations,
    )
    expected = VISITORS * MESSAGES_EACH
    assert sorted(rows) == [("bot", expected, expected), ("customer", expected, expected)]
