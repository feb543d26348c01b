import random
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.answers.bound import NO_PRIOR, Label, shared_prior
from conversations.answers.guards import Guard, difference, traits_of
from conversations.answers.limit import evidence_against, interval, is_broken, risk_limit, upper_bound
from conversations.answers.normal import answer_key, normal_form, question_key
from conversations.answers.score import Features, fit_weights, score_of
from conversations.answers.selfcontained import Unfit, unfit


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ร้านเปิดกี่โมงคะ", "ร้านเปิดกี่โมงครับ"),
        ("ร้าน เปิดกี่โมง???", "ร้านเปิดกี่โมงนะคะ"),
        ("ราคา ๑,๕๐๐ บาทใช่ไหม", "ราคา 1500 บาทใช่ไหม"),
        ("How much is shipping?", "how  much is SHIPPING"),
        ("ทํายังไง", "ทำยังไง"),
    ],
)
def test_what_says_the_same_has_one_key(one: str, other: str) -> None:
    assert question_key(one) == question_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("ลด 1.5 บาท", "ลด 15 บาท"),
        ("ส่ง 5-7 วัน", "ส่ง 57 วัน"),
        ("ลด 20%", "ลด 20"),
        ("อยากชนะ", "อยากช"),
        ("ค่าส่งมีค่า", "ค่าส่งมี"),
        ("a part", "apart"),
        ("ได้ไหม", "ไม่ได้ไหม"),
    ],
)
def test_what_says_something_else_has_another_key(one: str, other: str) -> None:
    assert question_key(one) != question_key(other)


@given(st.text(max_size=60))
def test_a_normal_form_is_its_own_normal_form(text: str) -> None:
    once = normal_form(text)
    assert normal_form(once) == once or once == ""


@pytest.mark.parametrize(
    ("known", "asked", "guard"),
    [
        ("คืนสินค้าได้ภายในกี่วัน", "คืนสินค้าได้ภายใน 7 วันไหม", Guard.NUMBERS),
        ("โอนเงินได้ไหม", "โอนเงินไม่ได้ทำไง", Guard.NEGATION),
        ("ร้านเปิดกี่โมงวันเสาร์", "ร้านเปิดกี่โมงวันอาทิตย์", Guard.THINGS),
        ("อยากยกเลิกคำสั่งซื้อ", "อยากยืนยันคำสั่งซื้อ", Guard.OPPOSITE),
        ("ค่าส่งเท่าไหร่", "How much is shipping?", Guard.LANGUAGE),
        ("มีเคส iPhone ไหม", "มีเคส Samsung ไหม", Guard.THINGS),
        ("ร้านอยู่ที่ไหน", "ร้านอยู่ถึงเมื่อไหร่", Guard.ASKS),
        ("Can I transfer from savings to checking", "Can I transfer from checking to savings", Guard.ORDER),
        ("How do I close my account?", "How do I close my insurance?", Guard.MINIMAL_PAIR),
        ("Can I cancel my order?", "Can I keep my order?", Guard.OPPOSITE),
        ("What is the fee for two cards?", "What is the fee for three cards?", Guard.NUMBERS),
    ],
)
def test_questions_that_differ_in_what_answers_turn_on_share_none(known: str, asked: str, guard: Guard) -> None:
    assert difference(traits_of(asked), traits_of(known)) == guard
    assert difference(traits_of(known), traits_of(asked)) is not None


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("ร้านเปิดกี่โมง", "สอบถามหน่อยค่ะ ร้านเปิดกี่โมงคะ"),
        ("How do I track my parcel?", "please tell me how I can track my parcel"),
        ("My card has not arrived", "I am still waiting and my new card never came in the post"),
    ],
)
def test_questions_that_ask_for_the_same_may_share_an_answer(known: str, asked: str) -> None:
    assert difference(traits_of(asked), traits_of(known)) is None


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("ใช่ค่ะ", Unfit.FOLLOW_UP),
        ("ตกลงค่ะ", Unfit.FOLLOW_UP),
        ("2", Unfit.TOO_SHORT),
        ("yes please", Unfit.FOLLOW_UP),
        ("ok thanks a lot", Unfit.FOLLOW_UP),
        ("แล้วสีดำมีไหมคะ", Unfit.FOLLOW_UP),
        ("ตัวนี้ราคาเท่าไหร่", Unfit.POINTS_ELSEWHERE),
        ("how much is that one", Unfit.POINTS_ELSEWHERE),
        ("my order number 4 is late A1", Unfit.OWN_CASE),
        ("เลขพัสดุ TH20451987 ถึงไหน", Unfit.OWN_CASE),
        ("ส่งของไปที่ me@mail.example ด้วย", Unfit.PERSONAL),
        ("ดู https://evil.example", Unfit.LINK),
        ("ร้านเปิด\u200bกี่โมง", Unfit.HIDDEN_SIGNS),
        ("ร้านเปิดกี่โมง" + "!" * 40, Unfit.HIDDEN_SIGNS),
        ("ร้านเปิดกี่โมง\U000e0041", Unfit.HIDDEN_SIGNS),
        ("บรรทัดหนึ่ง\nบรรทัดสอง", Unfit.SEVERAL_LINES),
        ("ก" * 400, Unfit.TOO_LONG),
        ("ขอบคุณค่ะ", Unfit.FOLLOW_UP),
        ("Thanks!", Unfit.FOLLOW_UP),
        ("hi\u200b", Unfit.HIDDEN_SIGNS),
        ("Hi!", None),
        ("สวัสดีค่ะ", None),
        ("ร้านเปิดกี่โมงคะ", None),
        ("What are your opening hours?", None),
        ("Is there a money transfer fee?", None),
        ("is there a fee", Unfit.POINTS_ELSEWHERE),
        ("are there any others?", Unfit.POINTS_ELSEWHERE),
        ("are there any more", Unfit.POINTS_ELSEWHERE),
        ("is it still there", Unfit.POINTS_ELSEWHERE),
        ("It looks like my top-up was cancelled", None),
        ("it seems to be broken", Unfit.FOLLOW_UP),
    ],
)
def test_only_what_stands_for_itself_can_be_known(text: str, why: Unfit | None) -> None:
    assert unfit(text) == why


def test_answers_in_other_words_are_not_the_same_words() -> None:
    assert answer_key("ส่งฟรีค่ะ!") == answer_key("ส่งฟรีค่ะ")
    assert answer_key("ค่าส่ง 50 บาท") != answer_key("ค่าส่ง 60 บาท")


def labels(draw: random.Random, count: int, *, right: float) -> list[Label]:
    return [Label(draw.uniform(0.9, 1.0), is_right=draw.random() < right) for _ in range(count)]


def test_a_shared_prior_needs_few_labels_where_an_entry_behaves_as_its_like() -> None:
    draw = random.Random(1)
    entries = [labels(draw, 10, right=0.998) for _ in range(150)]
    prior = shared_prior(entries).curve
    judged = [(prior.posterior(mine[1:]).risk(mine[0].score), mine[0].is_right) for mine in entries for _ in range(5)]
    limit = risk_limit(judged, tolerated=0.01)
    clean = [Label(0.95, is_right=True)] * 10
    assert prior.posterior(clean).risk(0.95) <= limit, "only the share that is always checked goes to the model"
    assert NO_PRIOR.curve.posterior(clean).explore_share(0.95, tolerated=0.01) > 0.5
    wrong = [*clean, *[Label(0.95, is_right=False)] * 2]
    assert prior.posterior(wrong).risk(0.95) > max(limit, 2 * prior.posterior(clean).risk(0.95))


def test_nothing_is_below_the_limit_before_there_are_labels() -> None:
    assert NO_PRIOR.curve.risk(1.0) > 0.2
    assert risk_limit([], tolerated=0.01) == 0.01


def test_what_a_limit_lets_through_keeps_the_bound_on_fresh_questions() -> None:
    """With 90 % confidence, as promised; the true share of wrong ones below a limit is 0.05 / 3 * limit squared."""
    draw, limits = random.Random(1), []
    for _shop in range(20):
        risks = [draw.random() for _ in range(3000)]
        judged = [(risk, draw.random() >= 0.05 * risk * risk) for risk in risks]
        limits.append(risk_limit(judged, tolerated=0.01))
    assert sum(0.05 / 3 * limit * limit > 0.01 for limit in limits) <= 2
    assert sum(limit > 0.4 for limit in limits) >= 15


def test_serving_stops_on_evidence_and_not_on_bad_luck() -> None:
    assert is_broken(3, 20, tolerated=0.01)
    assert not is_broken(0, 5000, tolerated=0.01) and not is_broken(8, 1000, tolerated=0.01)
    draw, alarms = random.Random(2), 0
    for _shop in range(200):
        wrong = right = 0
        for _label in range(1000):
            is_wrong = draw.random() < 0.009
            wrong, right = wrong + is_wrong, right + (not is_wrong)
            if evidence_against(wrong, right, tolerated=0.01) >= 10:
                alarms += 1
                break
    assert alarms <= 20


def test_intervals_are_wilsons_and_clopper_pearsons() -> None:
    seen = interval(3, 300)
    assert (round(seen.low, 4), round(seen.high, 4)) == (0.0034, 0.0290)
    assert round(upper_bound(0, 230, confidence=0.9), 4) == 0.0100
    assert upper_bound(0, 0) == 1.0


def test_weights_learn_which_features_tell_right_from_wrong() -> None:
    draw = random.Random(3)
    rows = [
        Features(
            draw.uniform(0.3, 0.999),
            draw.uniform(0.5, 1),
            draw.uniform(-0.2, 0.4),
            draw.random(),
            backing=draw.random(),
            passes=1.0,
            same=0.0,
        )
        for _ in range(600)
    ]
    truth = [row.student + row.lead > 0.8 for row in rows]
    weights = fit_weights(rows, truth)
    scores = [score_of(row, weights) for row in rows]
    assert sum((score > 0.5) == is_right for score, is_right in zip(scores, truth, strict=True)) / len(rows) > 0.93


def test_random_texts_never_break_the_guards() -> None:
    draw = random.Random(4)
    signs = string.printable + "กขคงจ่้ไใเแ๐๑๒ๆฯ" + "\u0e4d\u0e32😀"
    for _ in range(300):
        one, other = ("".join(draw.choices(signs, k=draw.randrange(80))) for _ in range(2))
        assert difference(traits_of(one), traits_of(one)) is None
        assert (difference(traits_of(one), traits_of(other)) is None) == (
            difference(traits_of(other), traits_of(one)) is None
        )
        unfit(one)
