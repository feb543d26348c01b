"""Who goes next when limits let only some through: fair turns by conversation, and no storm at the provider."""

import asyncio
import time
from collections.abc import Callable

import pytest
from pytest_django import Settings

from conversations.gateway.admission import Admission, Lease
from conversations.gateway.catalog import Limits
from conversations.gateway.dispatch import Dispatcher
from conversations.gateway.models import LLMCall, Outcome, Route
from conversations.gateway.settling import success
from conversations.llm.errors import Kind, LLMError
from conversations.models import Conversation, Escalation
from conversations.redis import new_async_client
from conversations.replies.loop import ReplyLoop
from tests.gateway.candidates import candidate
from tests.gateway.conftest import Shop
from tests.gateway.test_failover import ask, eventually, good, is_settled

NARROW = candidate(1, limits=Limits(concurrency=1))
DONE = success(None)


async def acquire(dispatcher: Dispatcher, conversation: int, *, seconds: float = 10.0) -> Lease:
    return await dispatcher.acquire([NARROW], conversation_id=conversation, tokens=1, patience_seconds=seconds)


def run(scenario: Callable[[Dispatcher], object]) -> None:
    async def main() -> None:
        async with new_async_client() as client:
            await scenario(Dispatcher(Admission(client, hold_seconds=60)))  # type: ignore[misc]

    asyncio.run(main())


async def until_waiting(dispatcher: Dispatcher, number: int) -> None:
    deadline = time.monotonic() + 10
    while dispatcher.waiting < number:
        assert time.monotonic() < deadline, "they never stand in line"
        await asyncio.sleep(0.005)


def test_who_asks_a_lot_stands_behind_who_asks_first(clean_circuits: None) -> None:
    served: list[int] = []

    async def scenario(dispatcher: Dispatcher) -> None:
        async def call(conversation: int) -> None:
            lease = await acquire(dispatcher, conversation)
            served.append(conversation)
            await asyncio.sleep(0)
            await dispatcher.settle(lease, DONE)

        holding = await acquire(dispatcher, 0)
        # Conversation 1 asks six times before anybody else asks once.
        calls = [asyncio.create_task(call(conversation)) for conversation in (1, 1, 1, 1, 1, 1, 2, 3, 4)]
        await until_waiting(dispatcher, 9)
        await dispatcher.settle(holding, DONE)
        await asyncio.gather(*calls)

    run(scenario)
    # Everybody's first turn comes before anybody's second.
    assert sorted(served[:4]) == [1, 2, 3, 4]
    assert served[4:] == [1] * 5


def test_a_conversation_that_was_just_served_waits_for_those_that_were_not(clean_circuits: None) -> None:
    served: list[int] = []

    async def scenario(dispatcher: Dispatcher) -> None:
        async def call(conversation: int) -> None:
            lease = await acquire(dispatcher, conversation)
            served.append(conversation)
            await dispatcher.settle(lease, DONE)

        for _ in range(5):
            await call(1)
        holding = await acquire(dispatcher, 0)
        calls = [asyncio.create_task(call(conversation)) for conversation in (1, 2, 3)]
        await until_waiting(dispatcher, 3)
        await dispatcher.settle(holding, DONE)
        await asyncio.gather(*calls)

    run(scenario)
    assert sorted(served[5:7]) == [2, 3] and served[7] == 1


def test_who_waits_in_vain_is_told_and_leaves_the_line(clean_circuits: None) -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        holding = await acquire(dispatcher, 1)
        with pytest.raises(LLMError) as caught:
            await acquire(dispatcher, 2, seconds=0.1)
        assert caught.value.kind is Kind.RATE_LIMITED
        assert dispatcher.waiting == 0
        await dispatcher.settle(holding, DONE)
        await acquire(dispatcher, 3, seconds=1)

    run(scenario)


def test_who_gives_up_while_waiting_takes_no_place_with_them(clean_circuits: None) -> None:
    async def scenario(dispatcher: Dispatcher) -> None:
        holding = await acquire(dispatcher, 1)
        waiting = [asyncio.create_task(acquire(dispatcher, number)) for number in range(2, 12)]
        await until_waiting(dispatcher, 10)
        await dispatcher.settle(holding, DONE)
        for task in waiting:
            task.cancel()
        ended = await asyncio.gather(*waiting, return_exceptions=True)
        for lease in ended:
            if isinstance(lease, Lease):
                await dispatcher.settle(lease, DONE)
        await acquire(dispatcher, 99, seconds=2)

    run(scenario)


def test_at_peak_hour_the_provider_sees_no_more_than_it_allows_and_everybody_is_answered(
    loop: ReplyLoop,
    open_shop: Callable[..., Shop],
    new_conversation: Callable[[], Conversation],
    settings: Settings,
) -> None:
    settings.CSBOT_FIRST_TOKEN_SECONDS = 10
    shop = open_shop("only")
    Route.objects.update(max_concurrency=3)
    shop.server.default = good("ค่ะ")
    conversations = [new_conversation() for _ in range(30)]
    for conversation in conversations:
        ask(loop, conversation)
    eventually(lambda: all(map(is_settled, conversations)), seconds=40)
    assert not Escalation.objects.exists()
    assert shop.server.most_at_once <= 3
    assert set(LLMCall.objects.values_list("outcome", flat=True)) == {Outcome.OK.value}
