"""The simulator speaks the protocol as DeepSeek does, counts as it does, and does what the control desk says."""

import asyncio

import aiohttp
import pytest

from conversations.llm.simulator.delivery import Pace
from conversations.llm.simulator.server import Setup, Simulator
from tests.simulator.wire import ANSWER, AT_ONCE, SILENCE_SECONDS, Body, Received, ask, post, request_body, run


async def control(address: str, order: Body | None = None) -> Body:
    """Send an order, or only look."""
    async with aiohttp.ClientSession() as session:
        sending = session.get(f"{address}/control") if order is None else session.post(f"{address}/control", json=order)
        async with sending as response:
            return dict(await response.json()) | {"status": response.status}


async def ask_often(address: str, count: int) -> list[Received]:
    return [await post(address, request_body()) for _ in range(count)]


def test_a_stream_has_role_pieces_reason_usage_and_end_in_this_order() -> None:
    got = ask(request_body())
    assert got.events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    assert {event["object"] for event in got.events} == {"chat.completion.chunk"}
    assert len({event["id"] for event in got.events}) == 1
    pieces = [choice["delta"]["content"] for choice in got.choices[1:-1]]
    assert "".join(pieces) == ANSWER
    assert max(map(len, pieces)) <= 5
    assert got.events[-1]["choices"][0]["finish_reason"] == "stop"
    assert got.events[-1]["usage"]["completion_tokens"] == len(pieces)
    assert got.data.endswith(b"data: [DONE]\n\n")


def test_the_usage_comes_in_a_chunk_of_its_own_when_asked_for() -> None:
    got = ask(request_body(stream_options={"include_usage": True}))
    *others, last = got.events
    assert last["choices"] == []
    assert last["usage"]["total_tokens"] == last["usage"]["prompt_tokens"] + last["usage"]["completion_tokens"]
    assert all(event["usage"] is None for event in others)


def test_a_whole_answer_is_one_json_body() -> None:
    got = ask(request_body(stream=False))
    assert got.body["object"] == "chat.completion"
    assert got.body["choices"][0]["message"] == {"role": "assistant", "content": ANSWER}
    assert got.finish == "stop"
    assert got.usage["completion_tokens"] > 10
    assert "development tool" in got.headers["X-Csbot-Simulator"]


def test_thinking_is_on_unless_switched_off() -> None:
    got = ask(request_body(thinking={"type": "enabled"}))
    assert got.said("reasoning_content")
    assert got.said() == ANSWER
    assert got.usage["completion_tokens_details"]["reasoning_tokens"] > 0
    assert not ask(request_body()).said("reasoning_content")


def test_the_token_limit_cuts_the_answer_and_says_so() -> None:
    got = ask(request_body(max_tokens=10))
    assert ANSWER.startswith(got.said())
    assert got.finish == "length"
    assert got.usage["completion_tokens"] == 10


def test_json_mode_wants_the_word_json_in_the_prompt() -> None:
    messages = [{"role": "user", "content": "hello"}]
    json_mode = {"type": "json_object"}
    assert ask(request_body(messages=messages, response_format=json_mode)).status == 400
    assert ask(request_body(messages=messages)).status == 200
    assert ask(request_body(response_format=json_mode)).status == 200


@pytest.mark.parametrize(
    "change",
    [{"messages": []}, {"messages": [{"role": "robot", "content": ""}]}, {"temperature": 3}, {"max_tokens": 0}],
    ids=str,
)
def test_a_malformed_request_is_refused_as_the_callers_mistake(change: Body) -> None:
    got = ask(request_body(**change))
    assert got.status == 400
    assert got.body["error"]["type"] == "invalid_request_error"


def test_a_wrong_key_is_refused_where_a_key_is_set() -> None:
    async def work(_: Simulator, address: str) -> tuple[Received, Received]:
        return await post(address, request_body(), key="wrong"), await post(address, request_body(), key="right")

    wrong, right = run(work, Setup(pace=AT_ONCE, api_key="right"))
    assert wrong.status == 401
    assert right.said() == ANSWER


def test_the_third_request_with_a_shared_opening_is_the_first_that_hits_the_cache() -> None:
    async def work(_: Simulator, address: str) -> list[dict[str, int]]:
        return [(await post(address, request_body(f"คำถามที่ {number}"))).usage for number in range(4)]

    usages = run(work)
    hits = [usage["prompt_cache_hit_tokens"] for usage in usages]
    assert hits[:2] == [0, 0]
    assert hits[2] == hits[3] > 0
    assert all(
        usage["prompt_cache_hit_tokens"] + usage["prompt_cache_miss_tokens"] == usage["prompt_tokens"]
        for usage in usages
    )


def test_a_conversations_next_prompt_hits_up_to_the_answer_before() -> None:
    async def work(_: Simulator, address: str) -> tuple[Received, Received]:
        first = request_body()
        got = await post(address, first)
        again: Body = first | {
            "messages": [
                *list(first["messages"]),
                {"role": "assistant", "content": got.said()},
                {"role": "user", "content": "ขอบคุณค่ะ"},
            ]
        }
        return got, await post(address, again)

    first, second = run(work)
    assert second.usage["prompt_cache_hit_tokens"] >= first.usage["prompt_tokens"] + 10


def test_users_do_not_share_a_cache() -> None:
    async def work(_: Simulator, address: str) -> list[Received]:
        return [await post(address, request_body(user_id=user)) for user in ("a", "b", "a")]

    assert [got.usage["prompt_cache_hit_tokens"] > 0 for got in run(work)] == [False, False, True]


def test_the_pace_is_kept() -> None:
    got = ask(request_body(), setup=Setup(pace=Pace(0.1, 0.01)))
    expected = 0.1 + 0.01 * (got.usage["completion_tokens"] - 1)
    assert expected <= got.seconds < expected + 2.0


def test_who_waits_for_a_place_is_kept_alive_and_then_served() -> None:
    async def work(_: Simulator, address: str) -> list[Received]:
        return await asyncio.gather(*(post(address, request_body()) for _ in range(2)))

    both = run(work, Setup(pace=Pace(0.5, 0.0), places=1))
    assert all(got.said() == ANSWER for got in both)
    assert sum(b": keep-alive" in got.data for got in both) == 1


def test_an_order_counts_down_and_ends() -> None:
    async def work(_: Simulator, address: str) -> tuple[list[int], Body]:
        await control(address, {"mode": "status-503", "times": 2})
        return [got.status for got in await ask_often(address, 3)], await control(address)

    statuses, shown = run(work)
    assert statuses == [503, 503, 200]
    assert shown["left"] == 0
    assert shown["figures"]["modes"] == {"status-503": 2}


def test_a_share_of_requests_fails_the_same_ones_for_the_same_seed() -> None:
    async def work(_: Simulator, address: str) -> list[list[int]]:
        rounds = []
        for seed in (1, 1, 2):
            await control(address, {"mode": "status-500", "share": 0.3, "seed": seed})
            rounds.append([got.status for got in await ask_often(address, 40)])
        return rounds

    first, again, other = run(work)
    assert first == again != other
    assert 4 <= first.count(500) <= 22


def test_an_order_can_be_for_streams_only() -> None:
    async def work(_: Simulator, address: str) -> tuple[Received, Received]:
        await control(address, {"mode": "blank", "of": "stream"})
        return await post(address, request_body()), await post(address, request_body(stream=False))

    streamed, whole = run(work)
    assert not streamed.said().strip()
    assert whole.said() == ANSWER


def test_an_empty_order_ends_the_one_before() -> None:
    async def work(_: Simulator, address: str) -> Received:
        await control(address, {"mode": "status-500"})
        await control(address, {})
        return await post(address, request_body())

    assert run(work).said() == ANSWER


@pytest.mark.parametrize("order", [{"mode": "stal"}, {"share": 2}, {"speed": 1}], ids=str)
def test_a_malformed_order_is_refused(order: Body) -> None:
    assert run(lambda _, address: control(address, order))["status"] == 400


def test_a_client_that_leaves_is_noticed_at_once() -> None:
    async def work(simulator: Simulator, address: str) -> int:
        await post(address, request_body(model="csbot-simulator+stall"), patience=SILENCE_SECONDS)
        for _ in range(100):
            if not simulator.figures.open:
                break
            await asyncio.sleep(0.01)
        return simulator.figures.disconnected

    assert run(work) == 1
