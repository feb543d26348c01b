"""Personal data and secrets are found by their form, in Thai and English, however people type them."""

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.text.masking import PersonalData, find_personal_data, is_card, is_national_id, kinds_in, mask

QUESTIONS_FILE = Path(__file__).resolve().parents[1] / "data" / "th_questions.jsonl"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("โทร0812345678นะคะ", "โทร[phone]นะคะ"),
        ("โทร 081-234-5678", "โทร [phone]"),
        ("081 234 5678 ค่ะ", "[phone] ค่ะ"),
        ("เบอร์ร้าน 02-123-4567", "เบอร์ร้าน [phone]"),
        ("+66 81 234 5678", "[phone]"),
        ("+66(0)81-234-5678", "[phone]"),
        ("call me on +44 20 7946 0958", "call me on [phone]"),
        ("๐๘๑๒๓๔๕๖๗๘", "[phone]"),
        ("０８１２３４５６７８", "[phone]"),
        ("0\u200b8 1 2 3 4 5 6 7 8", "[phone]"),
        ("tel0812345678", "tel[phone]"),
        ("บัตร 4111 1111 1111 1111 2 ชิ้น", "บัตร [card] 2 ชิ้น"),
        ("4111-1111-1111-1111", "[card]"),
        ("378282246310005", "[card]"),
        ("1-1017-00230-70-8", "[national id]"),
        ("เลข ปชช 1101700230708 ค่ะ", "เลข ปชช [national id] ค่ะ"),
        ("อีเมลsomchai.j+shop@hotmail.co.thนะ", "อีเมล[email]นะ"),
        ("somchai (at) example.com", "[email]"),
        ("โอนเข้าบัญชี 123-4-56789-0 กสิกร", "โอนเข้าบัญชี [account] กสิกร"),
        ("เลขบัญชี กสิกร 1234567890", "เลขบัญชี กสิกร [account]"),
        ("ส่งที่ 12/3 ม.4 ต.บางพลี อ.บางพลี จ.สมุทรปราการ 10540 ค่ะ", "ส่งที่ [address] ค่ะ"),
        ("99/1 หมู่บ้านสุขใจ ซอย 5 ถนนลาดพร้าว เขตจตุจักร กทม 10900 โทร 0812345678", "[address] โทร [phone]"),
        ("รหัสผ่าน: hunter22", "รหัสผ่าน: [secret]"),
        ("OTP คือ 998877 ค่ะ", "OTP คือ [secret] ค่ะ"),
        ("my key is sk-abcdefghijklmnop1234", "my key is [secret]"),
        ("Authorization: Bearer abcdefghijklmnop.qrst", "Authorization: Bearer [secret]"),
        ("0812345678 หรือ a@b.com", "[phone] หรือ [email]"),
    ],
)
def test_personal_data_is_masked_and_nothing_else(text: str, masked: str) -> None:
    assert mask(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ราคา 1,500 บาท ลด 20% แล้วเพิ่ม VAT 7%",
        "งบ 1,500,000 บาท ซื้อได้กี่ชิ้น",
        "วันที่ 12/05/2567 เวลา 14:00-18:00 น.",
        "ขนาด 120x200x30 ซม.",
        "โทรสายด่วน 1669",
        "ลืมรหัสผ่านทำยังไงคะ",
        "รหัสผ่านคืออะไร",
        "my password is not accepted",
        "ร้านอยู่ซอย 5 ถนนสุขุมวิทใช่ไหม",
        "3 ม.ค. ส่ง จ.เชียงใหม่ อ.เมือง ได้ไหม",
        "คืน 3 ชิ้น จากเขตบางนา ไป จ.ตาก",
        "4111 1111 1111 1112",
        "1101700230709",
        "20250912345678",
        "ออเดอร์ 123456 ถึงไหนแล้ว",
        "ไอจี @shop.th",
        "[phone] [email] รหัสผ่าน: [secret]",
    ],
)
def test_what_is_no_personal_data_stays(text: str) -> None:
    assert find_personal_data(text) == ()
    assert mask(text) == text


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("ออเดอร์ 123456 ถึงไหนแล้ว", "ออเดอร์ [order] ถึงไหนแล้ว"),
        ("เลขพัสดุ TH0812345678901", "เลขพัสดุ [order]"),
        ("ORD-2024-00123 please", "[order] please"),
        ("โทร 0812345678", "โทร [phone]"),
        ("ปี 2567 ราคา 1,234,567 บาท 120x200x300", "ปี 2567 ราคา 1,234,567 บาท 120x200x300"),
    ],
)
def test_order_numbers_are_masked_where_wanted(text: str, masked: str) -> None:
    assert mask(text, with_orders=True) == masked


def test_what_is_known_of_the_customer_is_masked() -> None:
    known = ("Somchai Jaidee", "สมหญิง ใจงาม", "นก", "")
    text = "คุณSomchai Jaidee กับ somchai สวัสดี สมหญิง นะ นกหวีดมีไหม Somchaiyo"
    assert mask(text, known=known) == "คุณ[name] กับ [name] สวัสดี [name] นะ นกหวีดมีไหม Somchaiyo"


def test_what_the_shop_itself_publishes_is_no_secret() -> None:
    facts = ("ติดต่อ support@shop.example หรือ 02-123-4567",)
    same = "ส่งไปที่ Support@shop.example หรือ 021234567 ค่ะ"
    assert mask(same, public=facts) == same
    assert kinds_in("ส่งไปที่ me@shop.example โทร 0812345678", public=facts) == (PersonalData.PHONE, PersonalData.EMAIL)


def test_findings_say_where_they_are() -> None:
    text = "ก่อน ๐๘๑-๒๓๔-๕๖๗๘ หลัง"
    (found,) = find_personal_data(text)
    assert found.kind == PersonalData.PHONE
    assert text[found.start : found.end] == "๐๘๑-๒๓๔-๕๖๗๘"


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.text(max_size=30))
def test_masking_twice_changes_nothing_more(before: str, after: str) -> None:
    masked = mask(f"{before} 0812345678 {after}", with_orders=True)
    assert "0812345678" not in masked
    assert mask(masked, with_orders=True) == masked


@given(st.integers(10**11, 10**12 - 1))
def test_one_checksum_digit_of_ten_makes_a_national_id(digits: int) -> None:
    right = [end for end in range(10) if is_national_id(f"{digits}{end}")]
    assert len(right) == (0 if str(digits)[0] == "9" else 1)


@given(st.integers(4 * 10**14, 5 * 10**14 - 1), st.integers(1, 9))
def test_a_card_with_one_wrong_digit_is_none(digits: int, change: int) -> None:
    (number,) = [f"{digits}{end}" for end in range(10) if is_card(f"{digits}{end}")]
    assert not is_card(number[:-1] + str((int(number[-1]) + change) % 10))


def test_real_questions_of_shops_are_left_alone() -> None:
    questions = [json.loads(line)["text"] for line in QUESTIONS_FILE.read_text(encoding="utf-8").splitlines()]
    changed = [text for text in questions if mask(text) != text]
    assert len(changed) <= len(questions) // 500


@pytest.mark.parametrize(
    "piece", ["1 ", "1", "a", "12/3 ", "ม.ต.", "password:", "a-", "A1-", "sk-", "บัญชี", "1/1ม.", "eyJ", "a.a.", "0("]
)
def test_no_text_takes_long(piece: str) -> None:
    text = (piece * 4000)[:4000]
    start = time.process_time()
    find_personal_data(text, with_orders=True)
    assert time.process_time() - start < 0.5
