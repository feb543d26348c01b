"""A simulator that was told to be noisy samples like a model: warm answers vary, cold ones don't, all of them known."""

from collections import Counter

import aiohttp
import pytest

from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.answering import answer
from conversations.llm.simulator.luck import Dice
from conversations.llm.simulator.server import Simulator
from conversations.playbook.prompt import build_prompt
from tests.playbook.samples import customer, starter
from tests.simulator.wire import Body, post, run

PLAYBOOK = starter()
ASKED = 40
EDGE = "อยากคืนของที่ส่งมาผิด จ่ายค่าส่งไหม"


def prompt(words: str) -> tuple[ChatMessage, ...]:
    return build_prompt(PLAYBOOK, [customer(words)], locale="th", budget_tokens=4000).messages


def responses(words: str, *, spread: float, seed: int = 0) -> list[str]:
    dice, asked = Dice(seed), prompt(words)
    return [str(answer(asked, dice.luck(asked, spread=spread))["response"]) for _ in range(ASKED)]


def test_a_question_at_the_edge_gets_various_answers_and_all_of_them_stand_in_the_prompt() -> None:
    said = Counter(responses(EDGE, spread=0.3))
    known = {example.response for example in PLAYBOOK.examples}
    known |= {text for fact in PLAYBOOK.facts for text in (fact.text_th, fact.text_en)}
    assert len(said) > 1
    assert set(said) <= known


def test_a_question_that_an_example_shows_word_for_word_hardly_varies() -> None:
    said = Counter(responses(PLAYBOOK.examples[0].customer_text, spread=0.1))
    assert said.most_common(1)[0][1] >= ASKED * 0.9


def test_no_spread_is_no_noise() -> None:
    assert len(set(responses(EDGE, spread=0.0))) == 1


def test_the_same_seed_says_the_same_in_whatever_order_it_is_asked() -> None:
    other = prompt("ค่าส่งเท่าไหร่คะ")
    dice, mine = Dice(7), prompt(EDGE)
    said = []
    for _ in range(ASKED):
        dice.luck(other, spread=0.3)
        said.append(str(answer(mine, dice.luck(mine, spread=0.3))["response"]))
    assert said == responses(EDGE, spread=0.3, seed=7)
    assert said != responses(EDGE, spread=0.3, seed=8)


@pytest.mark.parametrize("temperature", [0.3, 0.0])
def test_over_the_wire_it_is_the_request_s_temperature_that_counts(temperature: float) -> None:
    body: Body = {
        "model": "csbot-simulator",
        "messages": [{"role": message.role, "content": message.content} for message in prompt(EDGE)],
        "temperature": temperature,
        "thinking": {"type": "disabled"},
    }

    async def ask_often(_simulator: Simulator, address: str) -> tuple[set[str], set[str]]:
        steady = {(await post(address, body)).said() for _ in range(5)}
        async with aiohttp.ClientSession() as session:
            await session.post(f"{address}/control", json={"noise": 1.0, "seed": 3})
        return steady, {(await post(address, body)).said() for _ in range(ASKED)}

    steady, noisy = run(ask_often)
    assert len(steady) == 1
    assert (len(noisy) > 1) is (temperature > 0)
