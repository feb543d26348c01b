"""Which questions are worked out, and what code makes of them."""

from decimal import Decimal

import pytest

from conversations.playbook.arithmetic.questions import expected_answer
from conversations.playbook.reasoning_questions import Kind, recognise
from conversations.playbook.starter_examples import EXAMPLES
from tests.playbook.samples import real_questions

WORKED_OUT = {
    "1,500 บาท ลด 20% แล้วเพิ่ม VAT 7%": Kind.PRICE,
    "สินค้า 1,500 บาท ลด 20% แล้วเพิ่ม VAT 7% ต้องจ่ายเท่าไหร่คะ": Kind.PRICE,
    "สวัสดีค่ะ\n๑,๕๐๐ บาท ลด ๒๐% เหลือกี่บาท": Kind.PRICE,
    "ลด 20% แล้วเหลือเท่าไหร่คะ": Kind.PRICE,
    "เสื้อ 350 กางเกง 590 รวมเท่าไหร่ครับ": Kind.PRICE,
    "ซื้อ 3 ตัว ตัวละ 250 รวมค่าส่งกี่บาท": Kind.PRICE,
    "ซื้อ 850 บาทแล้ว ขาดอีกเท่าไหร่ถึงส่งฟรี": Kind.PRICE,
    "ของ 990 ใช้คูปอง 100 แล้วรวมส่งเป็นเงินเท่าไหร่": Kind.PRICE,
    "How much is 1,500 baht with 20% off plus 7% VAT?": Kind.PRICE,
    "3 shirts at 250 and one bag at 590, what's the total with shipping?": Kind.PRICE,
    "งบ 2,000 เสื้อตัวละ 350 ซื้อได้กี่ตัว": Kind.BUDGET,
    "มีเงิน 1000 บาท ตัวละ 290 ซื้อได้กี่ตัวคะ": Kind.BUDGET,
    "My budget is 2000 baht, shirts are 350 each, how many can I buy?": Kind.BUDGET,
    "I have 1000 baht, is that enough for 4 at 240 each?": Kind.BUDGET,
    "ได้ของวันที่ 20 พ.ย. คืนได้ถึงวันไหนคะ": Kind.DATE,
    "สั่งวันศุกร์จะได้วันไหน": Kind.DATE,
    "ถ้าสั่งวันนี้จะทันวันเสาร์ไหมคะ": Kind.DATE,
    "ผมได้ของเมื่อ 5 วันก่อน ยังคืนได้ไหม": Kind.DATE,
    "I received it on Nov 20, what's the last day to return it?": Kind.DATE,
    "If I order on Friday when will it arrive in Chiang Mai?": Kind.DATE,
}
NOT_WORKED_OUT = [
    "มีส่วนลด 20% ไหมคะ",
    "สั่งของไป 5 วันแล้ว ยังไม่ได้รับเลยค่ะ",
    "เลขคำสั่งซื้อ TH20451987 ค่ะ",
    "โทรกลับ 081-234-5678 ด้วยครับ",
    "เสื้อตัวนี้มีไซซ์ 42 ไหมคะ",
    "สั่งไป 2 ตัว ได้ 1 ตัว",
    "เปิดวันอาทิตย์ไหม",
    "Where is my order 20451987?",
    "What are your opening hours on Sunday?",
    "ลดราคา " * 100 + "20% 500 บาท เท่าไหร่",
]


@pytest.mark.parametrize(("question", "kind"), WORKED_OUT.items(), ids=list(WORKED_OUT))
def test_what_needs_a_calculation_is_recognised(question: str, kind: Kind) -> None:
    assert recognise(question) is kind


@pytest.mark.parametrize("question", NOT_WORKED_OUT, ids=range(len(NOT_WORKED_OUT)))
def test_what_needs_none_is_left_alone(question: str) -> None:
    assert recognise(question) is None


def test_of_a_new_shops_examples_only_those_that_calculate_are_worked_out() -> None:
    assert {example.says for example in EXAMPLES if recognise(example.says)} == {
        "สินค้า 1,500 บาท ลด 20% แล้วเพิ่ม VAT 7% ต้องจ่ายเท่าไหร่คะ",
        "How much is 1,500 baht with 20% off plus 7% VAT?",
    }


def test_of_real_questions_only_the_one_that_calculates_is_worked_out() -> None:
    assert [question for question in real_questions() if recognise(question)] == ["ลด20%เหลือเท่าไหร่ แอ๊ดดดดดด"]


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("1,500 บาท ลด 20% แล้วเพิ่ม VAT 7%", "1284"),
        ("สินค้า 1,500 บาท ลด 20% แล้วเพิ่ม VAT 7% ต้องจ่ายเท่าไหร่คะ", "1284"),
        ("๑,๕๐๐ บาท ลด ๒๐% แล้วบวก VAT ๗%", "1284"),
        ("1500บาทลด20%VAT7%", "1284"),
        ("ของ 1.5k ลด 20% vat 7%", "1284"),
        ("How much is 1,500 baht with 20% off plus 7% VAT?", "1284"),
        ("20% off 7% VAT on 1500 baht", "1284"),
        ("ราคา 2000 ลด 10% เหลือเท่าไหร่", "1800"),
        ("ส่วนลด 15% จากราคา 990 บาท", "841.5"),
        ("990 บาท ส่วนลด 15% VAT 7%", "900.405"),
        ("20% off 990 baht", "792"),
        ("a 500 baht voucher on 2,300 baht", "1800"),
        ("มีคูปอง 100 บาท ซื้อของ 1500 บาท VAT 7% จ่ายเท่าไหร่", "1498"),
        ("เสื้อตัวละ 250 เอา 3 ตัว รวมค่าส่ง 50 บาท เท่าไหร่", "800"),
        ("ซื้อ 2 ชิ้น ชิ้นละ 199 บาท ลด 10%", "358.2"),
        ("3 shirts at 350 baht each with 10% off, total?", "945"),
        ("งบ 2,000 เสื้อตัวละ 350 ซื้อได้กี่ตัว", "5"),
        ("งบ 2,000 เสื้อตัวละ 500 ลด 20% ซื้อได้กี่ตัว", "5"),
        ("My budget is 2000 baht, shirts are 350 each, how many can I buy?", "5"),
    ],
)
def test_code_works_out_what_is_plainly_said(question: str, value: str) -> None:
    expected = expected_answer(question)
    assert expected is not None
    assert expected.value == Decimal(value)


@pytest.mark.parametrize(
    "question",
    [
        "ราคา 1,284 รวม VAT แล้ว ก่อน VAT เท่าไหร่",
        "1,500 บาท ลด 20% ประหยัดได้เท่าไหร่",
        "1,500 บาท ลด 20% ลดไปเท่าไหร่",
        "1,500 บาท VAT 7% ภาษีเท่าไหร่",
        "ซื้อ 850 ค่าส่ง 50 ลด 10% เท่าไหร่",
        "990 บาท ลด 15% กับลดอีก 5%",
        "เสื้อ 350 กางเกง 590 รวมเท่าไหร่",
        "เสื้อสองตัว ราคา 1500 ลด 20%",
        "ซื้อครบ 1,000 ลด 10% ซื้อ 1,200 จ่ายเท่าไหร่",
        "ลด 20% แล้วเหลือเท่าไหร่",
        "1500 หรือ 1800 ลด 20%",
        "What was the original price if I paid 1,200 after 20% off?",
        "How much is the VAT on 1,500 baht at 7%?",
        "3 ตัว 1,500 บาท ลด 20%",
        "งบ 2000 ตัวละ 0 ซื้อได้กี่ตัว",
        "สวัสดีค่ะ",
    ],
)
def test_code_keeps_out_of_what_may_be_meant_another_way(question: str) -> None:
    assert expected_answer(question) is None
