"""What staff see of evaluations, through the admin's own addresses."""

from collections.abc import Callable
from datetime import timedelta

import orjson
import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.desk.groups import EDITORS, VIEWERS, ensure_groups
from conversations.playbook.evaluation.claiming import claim
from conversations.playbook.evaluation.finishing import finish
from conversations.playbook.evaluation.starter import load_starter_cases
from conversations.playbook.evaluation.starting import Wish, start_run
from conversations.playbook.models import (
    AuditEntry,
    EvaluationCase,
    EvaluationResult,
    EvaluationRun,
    EvaluationSet,
    Example,
    Intent,
    Release,
)
from conversations.playbook.models.evaluation import Arm, RunState, RunVerdict
from conversations.playbook.releases import freeze, live_release
from conversations.playbook.starter import load_starter_playbook

RETURN, SHIPPING = "คืนสินค้า", "จัดส่ง"
HOSTILE = "<script>alert(1)</script> คืนได้กี่วัน"
Browse = Callable[[str], Client]


@pytest.fixture
def live(db: None) -> Release:
    """A shop with the starter playbook live."""
    load_starter_playbook()
    ensure_groups()
    live = live_release()
    assert live is not None
    return live


@pytest.fixture
def browse(live: Release) -> Browse:
    """Sign somebody of a group in."""

    def sign_in(group: str) -> Client:
        user = User.objects.create_user(group.lower(), password="pw", is_staff=True)
        user.groups.add(Group.objects.get(name=group))
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def cases(live: Release) -> EvaluationSet:
    """Four questions about returns, one of them hostile, and one about delivery."""
    made = EvaluationSet.objects.create(name="mine", samples=3)
    for number in range(4):
        question = HOSTILE if number == 0 else f"คืนของได้ไหม {number}"
        EvaluationCase.objects.create(evaluation_set=made, question=question, intent=RETURN, position=number)
    EvaluationCase.objects.create(evaluation_set=made, question="ส่งกี่วัน", intent=SHIPPING, position=9)
    return made


@pytest.fixture
def red(live: Release, cases: EvaluationSet) -> EvaluationRun:
    """A run that found out that a release answers returns wrongly."""
    Example.objects.filter(intent__key=RETURN).update(intent=Intent.objects.get(key=SHIPPING))
    broken = freeze(author=None, comment="broken")
    run = start_run(Wish(release=broken, baseline=live, sets=[cases]), by=None)
    assert claim(run.pk, worker="test")
    for item in run.items.all():
        for arm in Arm:
            for sample in range(3):
                answer(item.pk, arm, sample, intent=SHIPPING if arm is Arm.NEW else item.intent, expected=item.intent)
    assert finish(run.pk, worker="test")
    run.refresh_from_db()
    return run


def answer(item_id: int, arm: Arm, sample: int, *, intent: str, expected: str) -> None:
    """Write an answer down as an evaluation does."""
    is_good = intent == expected
    EvaluationResult.objects.create(
        item_id=item_id,
        arm=arm,
        sample=sample,
        outcome="ok",
        is_valid=True,
        is_good=is_good,
        failed=[] if is_good else ["intent"],
        intent=intent,
        response=f"<b>{arm} {sample}</b>",
        raw='{"intent": "x"}',
        first_token_ms=200,
        total_ms=900,
        prompt_tokens=1000,
        completion_tokens=50,
        cost="0.00018",
        currency="USD",
    )


def page_of(run: EvaluationRun, more: str = "") -> str:
    return reverse("admin:conversations_evaluationrun_change", args=[run.pk]) + more


def test_the_report_says_what_was_lost_and_why(red: EvaluationRun, browse: Browse) -> None:
    said = browse(EDITORS).get(page_of(red)).content.decode()
    assert red.verdict == RunVerdict.RED
    assert "Worse than live" in said
    assert f"Intent: {RETURN}" in said
    assert "It answers worse than the release it was compared with" in said
    assert "20 % (4-62 %)" in said
    assert "0.1800 USD" in said


def test_the_worst_come_first_and_filters_leave_the_others_out(red: EvaluationRun, browse: Browse) -> None:
    client = browse(EDITORS)
    every = client.get(page_of(red)).context["items"]
    assert [item["change"] for item in every] == ["worse"] * 4 + ["same"]
    assert [item["question"] for item in client.get(page_of(red, "?change=same")).context["items"]] == ["ส่งกี่วัน"]
    assert len(client.get(page_of(red, f"?intent={RETURN}&change=worse")).context["items"]) == 4
    assert client.get(page_of(red, f"?intent={SHIPPING}&change=worse")).context["items"] == []
    assert len(client.get(page_of(red, "?change=nonsense&page=99")).context["items"]) == 5


def test_a_case_shows_both_sides_and_nobody_s_words_are_html(red: EvaluationRun, browse: Browse) -> None:
    said = browse(EDITORS).get(reverse("admin:evaluation-item", args=[red.pk, 1])).content.decode()
    assert "&lt;script&gt;alert(1)" in said
    assert "<script>alert(1)" not in said
    assert "&lt;b&gt;new 2&lt;/b&gt;" in said
    assert "&lt;b&gt;old 0&lt;/b&gt;" in said
    assert "wrong intent" in said
    assert "release 2" in said
    assert "release 1" in said


def test_the_report_can_be_taken_away_as_json_and_junit(red: EvaluationRun, browse: Browse) -> None:
    client = browse(VIEWERS)
    found = client.get(reverse("admin:evaluation-file", args=[red.pk, "json"]))
    assert orjson.loads(found.content)["verdict"] == "red"
    assert b"<testsuites" in client.get(reverse("admin:evaluation-file", args=[red.pk, "xml"])).content
    assert client.get(reverse("admin:evaluation-file", args=[red.pk, "exe"])).status_code == 404


def test_a_page_that_waits_hears_how_far_it_is(live: Release, cases: EvaluationSet, browse: Browse) -> None:
    run = start_run(Wish(release=live, baseline=live, sets=[cases]), by=None)
    client = browse(VIEWERS)
    assert "desk/evaluation.js" in client.get(page_of(run)).content.decode()
    door = reverse("admin:evaluation-standing", args=[run.pk])
    told = client.get(door).json()
    assert (told["words"], told["is_over"], told["left"]) == ("Waiting", False, "")
    assert (told["state"], told["done"], told["total"]) == ("queued", 0, 30)
    EvaluationRun.objects.filter(pk=run.pk).update(done=10, started_at=timezone.now() - timedelta(seconds=50))
    assert client.get(door).json()["left"] == "about 2 minutes left"


def test_an_editor_starts_a_run_in_the_admin(live: Release, cases: EvaluationSet, browse: Browse) -> None:
    client = browse(EDITORS)
    address = reverse("admin:conversations_evaluationrun_add")
    assert client.get(address).status_code == 200
    wanted = {"release": live.pk, "baseline": live.pk, "sets": [cases.pk], "samples": "", "model": ""}
    after = client.post(address, wanted)
    run = EvaluationRun.objects.get()
    assert after.status_code == 302
    assert (run.total, run.by_name, run.is_check, run.state) == (30, "editors", True, RunState.QUEUED)
    assert list(run.sets.all()) == [cases]


def test_a_run_without_cases_is_refused_in_words(live: Release, browse: Browse) -> None:
    empty = EvaluationSet.objects.create(name="empty")
    wanted = {"release": live.pk, "baseline": "", "sets": [empty.pk], "samples": "", "model": ""}
    after = browse(EDITORS).post(reverse("admin:conversations_evaluationrun_add"), wanted)
    assert "There are no cases to ask" in after.content.decode()
    assert not EvaluationRun.objects.exists()


def test_a_run_can_be_stopped_and_asked_again(live: Release, cases: EvaluationSet, browse: Browse) -> None:
    run = start_run(Wish(release=live, baseline=live, sets=[cases]), by=None)
    client = browse(EDITORS)
    client.post(reverse("admin:evaluation-stop", args=[run.pk]))
    run.refresh_from_db()
    assert run.state == RunState.CANCELLED
    client.post(reverse("admin:evaluation-again", args=[run.pk]))
    again = EvaluationRun.objects.exclude(pk=run.pk).get()
    assert (again.total, again.is_check) == (30, True)


def test_who_may_only_see_starts_and_stops_nothing(red: EvaluationRun, browse: Browse) -> None:
    client = browse(VIEWERS)
    assert client.get(page_of(red)).status_code == 200
    assert client.get(reverse("admin:conversations_evaluationrun_add")).status_code == 403
    for door in ("stop", "again"):
        assert client.post(reverse(f"admin:evaluation-{door}", args=[red.pk])).status_code == 403
    assert Client().get(page_of(red)).status_code == 302


def test_a_case_is_written_as_people_write_it(live: Release, cases: EvaluationSet, browse: Browse) -> None:
    client = browse(EDITORS)
    address = reverse("admin:conversations_evaluationcase_add")
    wanted = {
        "evaluation_set": cases.pk,
        "question": "แล้วถึงวันไหนคะ",
        "before": "C: ค่าส่งเท่าไหร่\nบอท: 50 บาทค่ะ",
        "locale": "th",
        "intent": SHIPPING,
        "escalate": "false",
        "action_required": "unknown",
        "must_say_lines": "1-2 วัน | 1-2 working days\n",
        "must_not_say_lines": "พรุ่งนี้",
        "reference": "",
        "position": "10",
        "is_on": "on",
        "note": "",
        "source": "",
    }
    assert client.post(address, wanted).status_code == 302
    made = EvaluationCase.objects.get(question="แล้วถึงวันไหนคะ")
    assert made.dialogue == [
        {"speaker": "customer", "text": "ค่าส่งเท่าไหร่"},
        {"speaker": "bot", "text": "50 บาทค่ะ"},
    ]
    assert (made.must_say, made.must_not_say) == (["1-2 วัน | 1-2 working days"], ["พรุ่งนี้"])
    assert (made.escalate, made.action_required) == (False, None)
    shown = client.get(reverse("admin:conversations_evaluationcase_change", args=[made.pk])).content.decode()
    assert "C: ค่าส่งเท่าไหร่\nB: 50 บาทค่ะ" in shown
    assert AuditEntry.objects.filter(object_type="evaluationcase", object_id=str(made.pk)).exists()
    wrong = client.post(address, wanted | {"before": "C: ได้\nmumble"}).content.decode()
    assert "Line 2 does not begin with" in wrong


def test_the_starter_cases_come_once_and_never_come_back(live: Release) -> None:
    assert load_starter_cases()
    made = EvaluationSet.objects.get()
    assert made.cases.count() >= 80
    assert set(made.cases.values_list("intent", flat=True)) == set(Intent.objects.values_list("key", flat=True))
    assert not made.cases.filter(source="").exists()
    made.delete()
    assert not load_starter_cases()


def test_a_shop_with_intents_of_its_own_gets_only_cases_it_knows(live: Release) -> None:
    Intent.objects.exclude(key=RETURN).update(is_on=False)
    assert load_starter_cases()
    assert set(EvaluationCase.objects.values_list("intent", flat=True)) == {RETURN}
