import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from conversations.answers.board import Scope, policy_row
from conversations.answers.keeping import add_answer, add_question
from conversations.answers.models import AnswerPolicy, AnswerState, KnownAnswer, Mode
from conversations.models import Site
from conversations.playbook.models import AuditEntry, Intent
from conversations.playbook.starter import load_starter_playbook
from conversations.playbook.starter_texts import OTHER, PRODUCT
from tests.answers.conftest import publish_draft

HOURS = "ร้านเปิดกี่โมงคะ"
ANSWER = "เปิด 9:00-18:00 น. ค่ะ"


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
