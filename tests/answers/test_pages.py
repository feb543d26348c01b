from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.answers.board import Scope, policy_row
from conversations.answers.keeping import add_answer, add_question
from conversations.answers.models import (
    AnswerPolicy,
    AnswerState,
    Judge,
    KnownAnswer,
    KnownDay,
    KnownLabel,
    KnownQuestion,
    Mode,
    Step,
)
from conversations.models import Site
from conversations.playbook.models import AuditEntry, Intent
from conversations.playbook.starter import load_starter_playbook
from conversations.playbook.starter_texts import OTHER, PRODUCT
from tests.answers.conftest import publish_draft

HOURS = "ร้านเปิดกี่โมงคะ"
ANSWER = "เปิด 9:00-18:00 น. ค่ะ"
LONG_WHY = "เปลี่ยนเวลาทำการตั้งแต่วันที่ 1 มกราคม เพราะสาขาใหม่เปิดเร็วกว่าเดิมหนึ่งชั่วโมง"


@pytest.fixture
def site(db: None) -> Site:
    load_starter_playbook()
    Intent.objects.filter(key=OTHER).update(is_reusable=True)
    publish_draft()
    return Site.objects.create(name="ร้านทดสอบ")


@pytest.fixture
def staff(client: Client, db: None) -> Client:
    client.force_login(User.objects.create_superuser("mali"))
    return client


def page_of(answer: KnownAnswer) -> str:
    return reverse("admin:conversations_knownanswer_change", args=[answer.pk])


def add_form(site: Site, **changes: str) -> dict[str, str]:
    return {"question": HOURS, "text": ANSWER, "intent": OTHER, "site": str(site.pk), "locale": "th"} | changes


def test_staff_add_an_answer_that_is_served_from_then_on(staff: Client, site: Site) -> None:
    page = staff.post(reverse("admin:conversations_knownanswer_add"), add_form(site))
    assert page.status_code == 302
    answer = KnownAnswer.objects.get()
    assert (answer.state, answer.text, answer.questions.get().text) == (AnswerState.APPROVED, ANSWER, HOURS)
    assert answer.approved_by is not None and answer.approved_by.username == "mali"
    assert AuditEntry.objects.filter(verb="approve", object_type="knownanswer").count() == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"question": ""}, "Please write the question"),
        ({"question": "ตัวนี้ราคาเท่าไหร่"}, "points at something"),
        ({"question": "ออเดอร์ TH20451987 ถึงไหน"}, "own order"),
        ({"question": "เบอร์ผม 081-234-5678 โทรหน่อย"}, "own order"),
        ({"intent": PRODUCT}, "may not be used again"),
        ({"text": "<b>เปิด</b>"}, "plain text"),
    ],
)
def test_what_must_not_be_known_is_refused_in_words(
    staff: Client, site: Site, changes: dict[str, str], words: str
) -> None:
    page = staff.post(reverse("admin:conversations_knownanswer_add"), add_form(site, **changes))
    assert page.status_code == 200 and words in page.content.decode()
    assert not KnownAnswer.objects.exists()


def test_an_edit_and_another_way_to_ask(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    url = reverse("admin:conversations_knownanswer_change", args=[answer.pk])
    assert HOURS in staff.get(url).content.decode()
    page = staff.post(url, {"question": "กี่โมงร้านเปิดคะ", "text": "เปิดทุกวันค่ะ"})
    assert page.status_code == 302
    answer.refresh_from_db()
    assert answer.text == "เปิดทุกวันค่ะ" and answer.questions.count() == 2
    assert AuditEntry.objects.get(verb="change").changes == {"text": [ANSWER, "เปิดทุกวันค่ะ"]}


@pytest.mark.parametrize(
    ("action", "state"), [("retire_chosen", AnswerState.RETIRED), ("ban_chosen", AnswerState.BANNED)]
)
def test_chosen_answers_are_put_away(staff: Client, site: Site, action: str, state: AnswerState) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    url = reverse("admin:conversations_knownanswer_changelist")
    page = staff.post(url, {"action": action, "_selected_action": [answer.pk]}, follow=True)
    assert "1 answer changed." in page.content.decode()
    answer.refresh_from_db()
    assert answer.state == state


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("ร้านเปิดกี่โมงครับ", ["would be served", "The customer would read:", ANSWER]),
        ("ร้านอยู่ที่ไหนคะ", ["nothing known", "There is none yet", "The model would answer."]),
        ("ตัวนี้ล่ะคะ", ["It points at something", "The model would answer."]),
        ("<script>alert(1)</script> ร้านเปิดกี่โมง", ["&lt;script&gt;", "The model would answer."]),
    ],
)
def test_the_page_says_what_a_question_would_hit(staff: Client, site: Site, question: str, words: list[str]) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    page = staff.get(reverse("admin:answers-try"), {"question": question, "site": str(site.pk), "locale": "th"})
    shown = page.content.decode()
    assert [word for word in words if word not in shown] == []
    assert "<script>alert" not in shown
    answer.refresh_from_db()
    assert answer.hits == 0


def test_the_coverage_map_approves_with_one_click(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    for number in range(6):
        add_question(answer, f"ร้านเปิดวันหยุดไหมคะ {number}")
    answer.questions.update(is_by_staff=False)
    KnownAnswer.objects.update(state=AnswerState.SHADOW, approved_at=None)
    url = reverse("admin:answers-coverage")
    page = staff.get(url).content.decode()
    assert HOURS in page and ANSWER in page
    staff.post(url, {"answer": str(answer.pk)})
    answer.refresh_from_db()
    assert answer.state == AnswerState.APPROVED
    seen = answer.questions.order_by("pk").values_list("is_by_staff", flat=True)
    assert list(seen) == [True] * 5 + [False] * 2, "what nobody saw still needs other customers"


def test_new_ways_to_ask_for_an_approved_answer_come_to_the_map_and_are_served_after_one_click(
    staff: Client, site: Site
) -> None:
    scope = Scope(site.pk, "th")
    answer = add_answer(scope, intent=OTHER, question=HOURS, text=ANSWER, by=None)
    url = reverse("admin:answers-coverage")
    assert ANSWER not in staff.get(url).content.decode(), "nothing new"
    new = [add_question(answer, f"ร้านเปิดวันหยุดไหมคะ {number}").pk for number in range(3)]
    answer.questions.filter(pk__in=new).update(is_by_staff=False)
    KnownAnswer.objects.update(right=7)
    page = staff.get(url).content.decode()
    assert ANSWER in page and HOURS not in page and "ร้านเปิดวันหยุดไหมคะ 2" in page
    staff.post(url, {"answer": str(answer.pk), "last": str(new[1])})
    vouched = answer.questions.order_by("pk").values_list("is_by_staff", flat=True)
    assert list(vouched) == [True, True, True, False], "the third came after the page was shown"
    answer.refresh_from_db()
    assert (answer.state, answer.right) == (AnswerState.APPROVED, 7)
    staff.post(url, {"answer": str(answer.pk), "last": str(new[1])})
    assert answer.questions.filter(is_by_staff=False).count() == 1, "a second click vouches for nothing unseen"


def test_the_coverage_map_bans_what_staff_do_not_want(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    KnownAnswer.objects.update(state=AnswerState.SHADOW, approved_at=None)
    staff.post(reverse("admin:answers-coverage"), {"answer": str(answer.pk), "move": "ban"})
    answer.refresh_from_db()
    assert answer.state == AnswerState.BANNED
    assert HOURS not in staff.get(reverse("admin:answers-coverage")).content.decode()


@pytest.mark.parametrize(
    ("move", "state"),
    [("approve", AnswerState.APPROVED), ("retire", AnswerState.RETIRED), ("ban", AnswerState.BANNED)],
)
def test_an_answer_is_moved_on_its_own_page(staff: Client, site: Site, move: str, state: AnswerState) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    KnownAnswer.objects.update(state=AnswerState.STALE, why="contested")
    shown = staff.get(page_of(answer)).content.decode()
    door = reverse("admin:answers-move", args=[answer.pk, move])
    assert "The model said something else too often." in shown and "contested" not in shown and door in shown
    shown = staff.post(door, {"why": f"<i>ราคาเปลี่ยน</i> {LONG_WHY}"}, follow=True).content.decode()
    answer.refresh_from_db()
    assert (answer.state, door in shown) == (state, False)
    assert "<i>ราคา" not in shown and ("&lt;i&gt;ราคา" in shown) == (LONG_WHY in shown) == (move != "approve")
    assert staff.post(reverse("admin:answers-move", args=[answer.pk, "sell"])).status_code == 404


def test_new_ways_to_ask_are_approved_on_the_answers_page(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    seen, unseen = (add_question(answer, f"ร้านเปิดวัน{day}ไหมคะ") for day in ("เสาร์", "อาทิตย์"))
    KnownQuestion.objects.filter(pk__in=[seen.pk, unseen.pk]).update(is_by_staff=False)
    KnownAnswer.objects.update(right=7)
    assert "Approve new ways to ask" in staff.get(page_of(answer)).content.decode()
    staff.post(reverse("admin:answers-move", args=[answer.pk, "approve"]), {"last": seen.pk})
    answer.refresh_from_db()
    assert answer.right == 7, "what was learnt of it stays"
    assert set(answer.questions.filter(is_by_staff=False)) == {unseen}


def test_a_way_to_ask_is_taken_out(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    wrong = add_question(answer, "ร้านอยู่ที่ไหนคะ")
    staff.post(reverse("admin:answers-take-out", args=[wrong.pk]))
    assert [question.text for question in answer.questions.all()] == [HOURS]
    assert AuditEntry.objects.get(verb="change").changes == {"question": ["ร้านอยู่ที่ไหนคะ", ""]}


def test_the_page_leads_to_the_replies_that_said_something_else(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    told = {"answer": answer, "step": Step.EXACT, "score": 1, "judge": Judge.WORDS}
    KnownLabel.objects.create(**told, run_id=7, is_right=True)
    KnownLabel.objects.create(**told, run_id=8, is_right=False)
    shown = staff.get(page_of(answer)).content.decode()
    different, same = (shown.index(reverse("admin:run-why", args=[run])) for run in (8, 7))
    assert different < same


def test_who_may_only_look_has_no_buttons(client: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    client.force_login(looking := User.objects.create_user("noi", is_staff=True))
    looking.user_permissions.add(Permission.objects.get(codename="view_knownanswer"))
    shown = client.get(page_of(answer)).content.decode()
    assert HOURS in shown and ANSWER in shown and "/move/" not in shown and "take-out" not in shown
    doors = (("move", answer.pk, "ban"), ("take-out", answer.questions.get().pk))
    assert {client.post(reverse(f"admin:answers-{name}", args=rest)).status_code for name, *rest in doors} == {403}


def test_an_answer_can_be_added_to_what_nothing_is_known_of(staff: Client, site: Site) -> None:
    page = staff.get(reverse("admin:answers-try"), {"question": HOURS, "site": str(site.pk), "locale": "en"})
    form = staff.get(page.context["add_url"]).content.decode()
    assert f'value="{HOURS}"' in form and f'<option value="{OTHER}"' in form and PRODUCT not in form
    assert '<option value="en" selected' in form and f'<option value="{site.pk}" selected' in form


def test_every_gate_says_yes_no_or_that_it_was_not_asked(staff: Client, site: Site) -> None:
    add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    asked = {"question": "ร้านเปิดวันไหนบ้างคะ", "site": str(site.pk), "locale": "th"}
    *_others, exact, near, _fixed = staff.get(reverse("admin:answers-try"), asked).context["steps"]
    assert [verdict for _title, verdict in exact["gates"]] == ["no", "", ""]
    assert [verdict for _title, verdict in near["gates"]] == ["yes", "no", "", "", "", "", ""]
    *_others, exact, near, _fixed = staff.get(reverse("admin:answers-try"), asked | {"question": HOURS}).context[
        "steps"
    ]
    assert [verdict for _title, verdict in exact["gates"]] == ["yes"] * 3
    assert (exact["question"], exact["answer"]) == (HOURS, ANSWER)


def test_the_figures_say_what_was_served_saved_and_wrong(staff: Client, site: Site) -> None:
    answer = add_answer(Scope(site.pk, "th"), intent=OTHER, question=HOURS, text=ANSWER, by=None)
    saved = {"money_saved": Decimal("3.5"), "milliseconds_saved": 90 * 60_000}
    KnownDay.objects.create(day=timezone.now().date(), site=site, asked=60, exact=30, near=9, fixed=1, **saved)
    for run in range(20):
        told = {"step": Step.EXACT, "score": 1, "judge": Judge.WORDS, "was_served": True}
        KnownLabel.objects.create(answer=answer, run_id=run, is_right=bool(run), **told)
    shown = staff.get(reverse("admin:conversations_knownanswer_changelist")).content.decode()
    figures = [
        "40.0 %",
        "40 of 100 replies; 10 to similar questions",
        "3.50",
        "1.5 h",
        "5.0 %",
        "0.9 % – 23.6 %",
        "1.0 %",
    ]
    assert [each for each in figures if each not in shown] == []


def test_staff_are_told_that_serving_stopped_and_let_it_go_on(staff: Client, site: Site) -> None:
    policy_row()
    AnswerPolicy.objects.update(stopped_at="2026-01-01T00:00:00Z")
    url = reverse("admin:conversations_knownanswer_changelist")
    assert "Serving stopped by itself" in staff.get(url).content.decode()
    staff.post(reverse("admin:answers-resume"))
    assert AnswerPolicy.objects.get().stopped_at is None
    assert "Serving stopped by itself" not in staff.get(url).content.decode()


def test_that_serving_stopped_is_told_on_every_page_to_who_looks_after_known_answers(
    client: Client, site: Site
) -> None:
    policy_row()
    words = "Known answers are not served any more"
    may_see, may_not = (User.objects.create_user(name, is_staff=True) for name in ("editor", "noi"))
    may_see.user_permissions.add(Permission.objects.get(codename="view_knownanswer"))
    client.force_login(may_see)
    assert words not in client.get("/admin/").content.decode()
    AnswerPolicy.objects.update(stopped_at="2026-01-01T00:00:00Z")
    shown = client.get("/admin/").content.decode()
    assert words in shown and reverse("admin:conversations_knownanswer_changelist") in shown
    client.force_login(may_not)
    assert words not in client.get("/admin/").content.decode()


def test_the_policy_is_one_page(staff: Client, site: Site) -> None:
    page = staff.get(reverse("admin:conversations_answerpolicy_changelist"), follow=True)
    assert page.redirect_chain
    before = policy_row().stamp
    given = {"mode": Mode.CONFIRMED, "tolerated_share": "0.02", "explore_share": "0.1", "confirm_customers": "4"}
    staff.post(page.redirect_chain[-1][0], given | {"visitor_cap": "5", "lifetime_days": "30"})
    policy = AnswerPolicy.objects.get()
    assert (policy.mode, policy.tolerated_share, policy.confirm_customers) == (Mode.CONFIRMED, 0.02, 4)
    assert policy.stamp != before


@pytest.mark.parametrize("page", ["answers-try", "answers-coverage", "conversations_knownanswer_changelist"])
def test_who_may_not_read_known_answers_sees_none_of_it(client: Client, site: Site, page: str) -> None:
    client.force_login(User.objects.create_user("noi", is_staff=True))
    assert client.get(reverse(f"admin:{page}")).status_code == 403
