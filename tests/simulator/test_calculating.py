"""The simulator works out what the prompt asks it to, as the prompt's examples show, and nothing else."""

import orjson
import pytest

from conversations.llm.requests import ChatMessage
from conversations.llm.simulator.answering import answer
from conversations.llm.simulator.calculating import STEPS, TASK_HEADING, moves_of
from conversations.llm.simulator.knowledge import Envelope
from conversations.playbook.prompt import build_prompt
from conversations.playbook.reasoning import HEADING
from tests.playbook.samples import customer, starter

PLAYBOOK = starter()


def messages_for(question: str) -> tuple[ChatMessage, ...]:
    return build_prompt(PLAYBOOK, [customer(question)], locale="th", budget_tokens=2000).messages


def reply(question: str) -> Envelope:
    return answer(messages_for(question))


def test_it_reads_the_heading_that_the_playbook_writes() -> None:
    assert TASK_HEADING == HEADING


@pytest.mark.parametrize(
    ("question", "figures"),
    [
        ("สินค้า 1,500 บาท ลด 20% แล้วเพิ่ม VAT 7% ต้องจ่ายเท่าไหร่คะ", ("1,200", "84", "1,284")),
        ("1,500 บาท ลด 20% แล้วเพิ่ม VAT 7%", ("1,200", "84", "1,284")),
        ("สินค้า 2,000 บาท ลด 10% แล้วเพิ่ม VAT 7% เป็นเท่าไหร่", ("1,800", "126", "1,926")),
        ("สินค้า 999 บาท ลด 15% แล้วเพิ่ม VAT 7% เท่าไหร่คะ", ("849.15", "59.44", "908.59")),
        ("How much is 2,500 baht with 10% off plus 7% VAT?", ("2,250", "157.50", "2,407.50")),
    ],
)
def test_figures_of_the_same_kinds_are_computed_like_the_example(question: str, figures: tuple[str, ...]) -> None:
    said = reply(question)
    assert all(figure in str(said["response"]) for figure in figures)
    assert list(said)[-2:] == [STEPS, "response"]
    assert said["escalate"] is False


def test_what_it_works_out_stands_the_check_of_its_figures() -> None:
    question = "สินค้า 999 บาท ลด 15% แล้วเพิ่ม VAT 7% เท่าไหร่คะ"
    built = build_prompt(PLAYBOOK, [customer(question)], locale="th", budget_tokens=2000)
    said = answer(built.messages)
    assert built.calculation
    response, raw = str(said["response"]), orjson.dumps(said).decode()
    assert built.calculation.wrong(raw, response=response, is_handed_over=False) == ()
    wrong = response.replace("908.59", "908.60")
    assert built.calculation.wrong(raw, response=wrong, is_handed_over=False) != ()


def test_without_being_asked_it_computes_nothing() -> None:
    question = "สินค้า 2,000 บาท ลด 10% แล้วเพิ่ม VAT 7% เป็นเท่าไหร่"
    unasked = [ChatMessage(each.role, each.content.replace(HEADING, "# Else")) for each in messages_for(question)]
    said = answer(unasked)
    assert STEPS not in said
    assert "1,926" not in str(said["response"])


def test_other_figures_than_the_examples_are_for_a_person() -> None:
    assert reply("เสื้อ 350 บาท กางเกง 590 บาท รองเท้า 1,290 บาท รวมทั้งหมดเท่าไหร่")["escalate"] is True


@pytest.mark.parametrize(
    ("says", "response"),
    [
        ("ร้านเปิดกี่โมงคะ", "9:00-18:00 น. ค่ะ"),
        ("คืนสินค้าได้ภายในกี่วันคะ", "คืนได้ภายใน 7 วันค่ะ"),
        ("มี 3 ตัวไหม", "มี 3 ตัวค่ะ"),
        ("ลด 20% ไหม", "ลด 35% ค่ะ"),
    ],
)
def test_an_example_whose_figures_do_not_follow_from_its_question_shows_nothing(says: str, response: str) -> None:
    assert moves_of(says, response) == ()
