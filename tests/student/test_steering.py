"""What the student at work decides beside known answers: which models come first, and which profile."""

from dataclasses import replace

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.distilling import store
from conversations.answers.student.models import StudentPolicy, TrainedStudent
from conversations.answers.student.promotion import let_steer, promote
from conversations.answers.student.reading import Student
from conversations.answers.student.shelf import SHELF
from conversations.answers.student.steering import Steering, steering_of
from conversations.gateway.catalog import Candidate
from conversations.gateway.models import Tier
from conversations.gateway.routing import Plan
from conversations.playbook.models import AuditEntry
from conversations.playbook.prompt import Speaker, Turn, build_prompt
from conversations.replies.opening import economical_first
from tests.gateway.candidates import candidate
from tests.playbook.samples import starter
from tests.student.samples import RETURN

SIMPLE = "ตู้เย็นราคาเท่าไหร่ครับ"
WITH_ACTION = "ขอคืนตู้เย็นได้ไหมคะ"


@pytest.fixture
def at_work(student: Student, db: None) -> TrainedStudent:
    """A student at work that may steer."""
    row = TrainedStudent.objects.create()
    store(row, to_artefact(student), report={})
    promote(row.pk, by=None)
    let_steer(is_steering=True, by=None)
    SHELF.forget()
    return row


def test_what_is_sure_and_needs_nothing_is_simple(at_work: TrainedStudent) -> None:
    assert steering_of(SIMPLE, draw=99) == Steering("สินค้า", is_simple=True)
    assert steering_of(WITH_ACTION, draw=99) == Steering(RETURN, is_simple=False)


def test_a_few_simple_questions_are_checked_by_the_usual_models(at_work: TrainedStudent) -> None:
    simple = [steering_of(SIMPLE, draw=draw).is_simple for draw in range(100)]
    assert simple.count(False) == 5
    assert steering_of(SIMPLE, draw=0).intent == "สินค้า"


@pytest.mark.parametrize("question", ["ใช่ค่ะ", "2", "what is the capital of Mongolia?", "", "แล้วอันนั้นราคาเท่าไหร่"])
def test_what_is_unsure_or_rests_on_what_was_said_is_left_alone(at_work: TrainedStudent, question: str) -> None:
    assert steering_of(question) == Steering()


def test_nothing_is_steered_unless_somebody_wants_it(at_work: TrainedStudent) -> None:
    let_steer(is_steering=False, by=None)
    SHELF.forget()
    assert steering_of(SIMPLE) == Steering()


def tiers(route_plan: Plan) -> list[Tier]:
    """Return the tiers in the order in which they are tried."""
    return [each.tier for each in route_plan.candidates]


def two_tiers() -> tuple[Candidate, ...]:
    """Return a usual model, then an economical one."""
    return replace(candidate(1), tier=Tier.STANDARD), replace(candidate(2), tier=Tier.ECONOMY)


def test_economical_models_come_first_and_the_others_stay_behind_them() -> None:
    assert tiers(economical_first(Plan(two_tiers()))) == [Tier.ECONOMY, Tier.STANDARD]


def test_a_rollout_that_compares_two_arms_is_not_disturbed() -> None:
    compared = Plan(two_tiers(), arm="canary", rollout_id=1)
    assert economical_first(compared) == compared


def test_the_profile_follows_the_intent_that_the_student_sees() -> None:
    playbook = starter()
    intents = tuple(replace(each, profile="precise") if each.key == RETURN else each for each in playbook.intents)
    special = replace(playbook, intents=intents)
    turns = [Turn(Speaker.CUSTOMER, SIMPLE)]
    chosen = build_prompt(special, turns, locale="th", budget_tokens=1000, intent=RETURN)
    assert chosen.trace["profile"] == "precise"
    assert build_prompt(special, turns, locale="th", budget_tokens=1000, intent="สินค้า").trace["profile"] != "precise"


def test_staff_switch_it_on_and_off_and_the_log_has_it(at_work: TrainedStudent, client: Client) -> None:
    client.force_login(User.objects.create_superuser("mali"))
    door = reverse("admin:students-steer")
    client.post(door)
    assert not StudentPolicy.objects.get().is_steering
    client.post(door, {"on": "1"})
    assert StudentPolicy.objects.get().is_steering
    entry = AuditEntry.objects.filter(object_type="studentpolicy").latest("pk")
    assert (entry.actor_name, entry.changes) == ("mali", {"is_steering": [False, True]})
