"""What is left of a reply when its markup is taken away."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.llm.errors import Kind, LLMError
from conversations.llm.plain import PlainText, plain_text

KEPT = [
    "ส่งภายใน 2-3 วันค่ะ",
    "5 < 10 และ 10 > 5",
    "a<b และ c>d",
    "I <3 you",
    "x <- y",
    "snake_case และ a__b",
    "https://shop.example/a_b__c_?q=1&x=*#top",
    "https://shop.example/__x__/",
    "2*3*4 = 24",
    "5**2 = 25",
    "บัตรลงท้าย ****1234",
    "ชื่อ ________ นามสกุล ________",
    "ราคา 1,290.- บาท (ลด 50%)",
    "อีเมล <shop@example.com>",
    "<https://shop.example/a>",
    "#โปรโมชั่น ลด 50%",
    "สั่งซื้อ #12345",
    "[หมายเหตุ] ปิดวันอาทิตย์",
    "กด [1] หรือ [2]",
    "{ชื่อ} และ {} ค่ะ",
    "wow!",
    "- ข้อแรก\n- ข้อสอง\n1. หนึ่ง",
    "H&M &amp; ค่ะ",
    'เขาบอกว่า "ได้"',
    "ค่ะ~~ (^_^) ¯\\(ツ)/¯",
    "ที่นี่\n\nบรรทัดใหม่\tแท็บ",
    "👩‍👩‍👧‍👦 🇹🇭 👍🏽",
]

CHANGED = [
    ("**ตัวหนา** และ __ตัวหนา__ และ ***ทั้งคู่***", "ตัวหนา และ ตัวหนา และ ทั้งคู่"),
    ("ราคา**พิเศษ**ค่ะ", "ราคาพิเศษค่ะ"),
    ("**https://shop.example**", "https://shop.example"),
    ("# หัวข้อ\n### หัวข้อย่อย\nข้อความ", "หัวข้อ\nหัวข้อย่อย\nข้อความ"),
    ("* ข้อแรก\n  * ข้อย่อย", "- ข้อแรก\n  - ข้อย่อย"),
    ("กด `ตกลง` ค่ะ", "กด ตกลง ค่ะ"),
    ("ลอง\n```python\nx = 1\n```\nค่ะ", "ลอง\nx = 1\nค่ะ"),
    ("ลอง ```x``` ค่ะ", "ลอง x ค่ะ"),
    ("ลอง\n```json", "ลอง"),
    ('<b>ตัวหนา</b><i class="x">เอียง</i>', "ตัวหนาเอียง"),
    ("<p>หนึ่ง</p><p>สอง</p>", "หนึ่ง\nสอง"),
    ("หนึ่ง<br/>สอง<BR>สาม", "หนึ่ง\nสอง\nสาม"),
    ("<script>alert(1)</script>", "alert(1)"),
    ("<img src=x onerror=alert(1)>ค่ะ", "ค่ะ"),
    ("<!-- ลับ -->ค่ะ<!-- ไม่ปิด", "ค่ะ"),
    ("<!DOCTYPE html><?xml version='1.0'?><o:p>ค่ะ", "ค่ะ"),
    ("ค่ะ<|im_end|><｜end▁of▁sentence｜>", "ค่ะ"),
    ("<answer>ค่ะ</answer>", "ค่ะ"),
    ("[ดูที่นี่](https://shop.example/a_(b))", "ดูที่นี่ (https://shop.example/a_(b))"),
    ("[**ดู**ที่นี่](https://shop.example 'ร้าน')", "ดูที่นี่ (https://shop.example)"),
    ("[https://a.example](https://a.example)", "https://a.example"),
    ("[shop@a.example](mailto:shop@a.example)", "shop@a.example"),
    ("[ดู]()", "ดู"),
    ("![รูป](https://a.example/x.png)", "รูป (https://a.example/x.png)"),
    ("![](https://a.example/x.png)", "https://a.example/x.png"),
    ("a\x00b\x1b[31mc\x7f\x9fd\r\ne", "ab[31mcd\ne"),
    ("  \n ค่ะ \n\n", "ค่ะ"),
    ("ค่ะ <b> ", "ค่ะ"),
    ("<thinking>ลับ</thinking>ค่ะ", "ค่ะ"),
]  # fmt: skip

BROKEN = [
    "```\nทั้งหมดเป็นโค้ด\n```",
    '{"intent": "x"}',
    "{'intent': 'x'}",
    "{intent: x}",
    'ค่ะ { "a": 1 }',
    '[{"a": 1}]',
    '["a"]',
    '"response": "x"',
    "ลับ</think>ค่ะ",
    "<<b>b>",
    '{<b>"a": 1}',
]


def in_pieces(text: str, size: int) -> str:
    plain = PlainText()
    shown = "".join([plain.push(text[start : start + size]) for start in range(0, len(text), size)])
    return shown + plain.finish()


@pytest.mark.parametrize("text", KEPT)
def test_plain_words_are_kept(text: str) -> None:
    assert plain_text(text) == text
    assert in_pieces(text, 1) == text


@pytest.mark.parametrize(("text", "expected"), CHANGED)
def test_markup_is_taken_away(text: str, expected: str) -> None:
    assert plain_text(text) == expected
    assert [in_pieces(text, size) for size in (1, 2, 3)] == [expected] * 3


@pytest.mark.parametrize("text", BROKEN)
def test_what_is_no_reply_is_refused(text: str) -> None:
    with pytest.raises(LLMError) as caught:
        plain_text(text)
    assert caught.value.kind is Kind.INVALID


@given(st.text("<>`*_#[]!{}\"'()/ab:ก \n\x00", max_size=60), st.integers(1, 7))
def test_the_pieces_do_not_matter(text: str, size: int) -> None:
    assert in_pieces(text, size) == in_pieces(text, len(text) or 1)


def test_words_are_shown_as_soon_as_they_are_surely_no_markup() -> None:
    plain = PlainText()
    assert plain.push("5 <") == "5"
    assert plain.push(" 10") == " < 10"
    assert plain.push(" **") == ""
    assert plain.push("ก") == " ก"
