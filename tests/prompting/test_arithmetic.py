"""Expressions, numbers and dates: exact, and harmless whatever stands in them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.playbook.arithmetic.dates import days_in
from conversations.playbook.arithmetic.expressions import ExpressionError, evaluate
from conversations.playbook.arithmetic.numbers import amounts_in, exact, plain

WHOLE = st.integers(1, 1_000_000)
SHARE = st.integers(1, 99)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1500 * (1 - 20/100) * (1 + 7/100)", "1284"),
        ("1,500 × 0.8 × 1.07", "1284"),
        ("1500 - 20% + 7%", "1284"),
        ("1500 * 7%", "105"),
        ("0.1 + 0.2", "0.3"),
        ("๑,๕๐๐ บาท - ๓๐๐ บาท", "1200"),
        ("floor(2000 / 350)", "5"),
        ("2000 // 350", "5"),
        ("ceil(7/2) + min(4, 9, 5) + max(1, 2)", "10"),
        ("round(100 / 3, 2)", "33.33"),
        ("round(2.5)", "3"),
        ("1200 + 84 = 1284", "1284"),
        ("-(3 + 4) * 2", "-14"),
        ("2026-12-01 - 2026-11-24", "7"),
    ],
)
def test_an_expression_comes_to_what_a_calculator_says(expression: str, value: str) -> None:
    assert evaluate(expression).value == Decimal(value)


@pytest.mark.parametrize(
    ("expression", "day"),
    [
        ("2026-11-24 + 7", date(2026, 12, 1)),
        ("2026-03-01 - 1 days", date(2026, 2, 28)),
        ("2028-02-28 + 1", date(2028, 2, 29)),
    ],
)
def test_a_date_and_days_make_a_date(expression: str, day: date) -> None:
    assert evaluate(expression).value == day


@pytest.mark.parametrize(
    "expression",
    [
        "", " ", "1/0", "1 //0", "2 ** 9", "9" * 40, "1" * 300, "(" * 50 + "1" + ")" * 50, "1 +", "+ 1", "()", "1 2",
        "abs(1)", "__import__('os')", "floor()", "floor(1, 2)", "floor(2026-11-24)", "2026-13-01 + 1", "1;2", "1e5",
        "2026-11-24 * 2", "2026-11-24 + 0.5", "2026-11-24 + 99999999", "9999-12-31 + 1", "1 - 2026-11-24", "x",
        "999999999999999 * 9999", "round(1, 2026-01-01)", "\u202e1+1", "100%%" * 30,
    ],
)  # fmt: skip
def test_what_is_no_expression_is_refused(expression: str) -> None:
    with pytest.raises(ExpressionError):
        evaluate(expression)


@given(st.text(max_size=220))
def test_any_text_has_a_value_or_is_refused(text: str) -> None:
    try:
        value = evaluate(text).value
    except ExpressionError:
        return
    assert isinstance(value, date) or value.is_finite()


@given(whole=WHOLE, off=SHARE, vat=SHARE)
def test_money_is_exact(whole: int, off: int, vat: int) -> None:
    value = evaluate(f"{whole} * (1 - {off}/100) * (1 + {vat}/100)").value
    assert value == Decimal(whole * (100 - off) * (100 + vat)) / 10_000


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("1,500 บาท ลด 20% แล้วเพิ่ม VAT 7%", ["1500", "20%", "7%"]),
        ("๑,๕๐๐บาทลด๒๐%VAT7%", ["1500", "20%", "7%"]),
        ("งบ 2 พัน ตัวละ 1.5k สองหมื่น 3 หมื่น", ["2000", "1500", "30000"]),
        ("7 เปอร์เซ็นต์ กับ 5 percent", ["7%", "5%"]),
        ("$20.50 หรือ ฿1,000,000", ["20.50", "1000000"]),
        ("ส่งใน 5-7 วัน", ["5", "7"]),
        ("โทร 081-234-5678 ออเดอร์ TH20451987 หรือ 20451987", []),
        ("เปิด 9:00-18:00 น. สั่งก่อน 14.00 น. https://shop.example/9 a4@b5.co", []),
        ("1. เสื้อ 250\n2. กางเกง 590", ["250", "590"]),
        ("ข้าว 5 กก. พันธุ์ดี 2 พันธุ์", ["5", "2"]),
        ("ไม่มีตัวเลข", []),
    ],
)
def test_amounts_are_read_as_people_write_them(text: str, found: list[str]) -> None:
    wanted = [(Decimal(each.rstrip("%")), each.endswith("%")) for each in found]
    assert [(amount.value, amount.is_percent) for amount in amounts_in(text)] == wanted


@given(st.text(max_size=300))
def test_amounts_stand_where_they_say(text: str) -> None:
    for amount in amounts_in(text):
        assert any(sign.isdigit() for sign in text[amount.start : amount.end])


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("24 พ.ย. 2569", [(24, 11, 2026)]),
        ("วันที่ ๑ ธันวาคม ค่ะ", [(1, 12, None)]),
        ("Nov 24, 2026 and the 3rd of March", [(24, 11, 2026), (3, 3, None)]),
        ("2026-11-24, 24/11/2026, 24/11/69, 24/11/26", [(24, 11, 2026)] * 4),
        ("ส่ง 24 พ.ย. 50 บาท", [(24, 11, None)]),
        ("31/2 หรือ 5 คน", []),
    ],
)
def test_dates_are_read_in_both_languages_and_eras(text: str, found: list[tuple[int, int, int | None]]) -> None:
    assert [(day.day, day.month, day.year) for day in days_in(text)] == found


def test_a_day_without_a_year_is_the_nearest_one() -> None:
    (day,) = days_in("2 มกราคม")
    assert day.on(date(2026, 12, 30)) == date(2027, 1, 2)
    assert day.on(date(2027, 1, 30)) == date(2027, 1, 2)


@pytest.mark.parametrize(
    ("value", "long", "short"), [("1284.000", "1284", "1284"), ("0.125", "0.125", "0.13"), ("1E+3", "1000", "1000")]
)
def test_numbers_are_written_without_exponents(value: str, long: str, short: str) -> None:
    assert (exact(Decimal(value)), plain(Decimal(value))) == (long, short)
