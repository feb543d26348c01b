"""From conversations to a student at work: what it learns from, when it goes live, and how it is watched."""

import subprocess
import sys
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.answers.opinion import opinion_on
from conversations.answers.student.artefact import to_artefact
from conversations.answers.student.distilling import store
from conversations.answers.student.drift import watch_student
from conversations.answers.student.examining import Examination, Fault, FlagFigures, faults
from conversations.answers.student.labels import gather, is_held, turns_after
from conversations.answers.student.models import StudentState, TrainedStudent
from conversations.answers.student.promotion import NotUsableError, promote, resume, retire
from conversations.answers.student.reading import Student
from conversations.answers.student.schedule import give_up_lost, train_wanted, want
from conversations.answers.student.shelf import SHELF, current_student
from conversations.gateway.models import LanguageModel, Provider, ProviderKind, Tier
from conversations.models import Message, Site
from conversations.playbook.models import (
    AuditEntry,
    Correction,
    CorrectionReason,
    CorrectionState,
    EvaluationCase,
    EvaluationSet,
    Example,
    Intent,
    Verb,
)
from tests.student.samples import FORMS, RETURN, Said, answered, label_everything

QUESTION = "ขอคืนตู้เย็นได้ไหมคะ"


@pytest.fixture
def intents(db: None) -> None:
    """The intents that the samples are of."""
    for key in FORMS:
        Intent.objects.update_or_create(key=key, defaults={"name_th": key, "name_en": key, "belongs": key})


@pytest.fixture
def labelled(site: Site, intents: None) -> Site:
    """A shop whose customers' questions a model has labelled."""
    label_everything(site)
    return site


def stored(student: Student, **fields: object) -> TrainedStudent:
    """Return the row of a trained student."""
    row = TrainedStudent.objects.create(**fields)
    store(row, to_artefact(student), report={"accuracy": 0.95})
    return row


def at_work(student: Student) -> TrainedStudent:
    """Return the row of a student at work."""
    row = stored(student)
    promote(row.pk, by=None)
    SHELF.forget()
    row.refresh_from_db()
    return row


def learnt_texts() -> set[str]:
    """Return all texts that a training would see."""
    material = gather()
    return {row.text for row in (*material.learnt, *material.held)}


def test_a_student_is_trained_and_goes_to_work(labelled: Site) -> None:
    call_command("distill")
    SHELF.forget()
    row = TrainedStudent.objects.get()
    assert row.state == StudentState.LIVE
    assert row.rows + row.held_rows == sum(row.sources.values()) == 224
    assert row.report["accuracy"] > 0.8
    assert row.report["slowest_ms"] > 0
    opinion = opinion_on(QUESTION)
    assert opinion is not None
    assert opinion.intent == RETURN
    assert opinion.action_required


def test_a_worse_one_is_kept_but_does_not_go_to_work(labelled: Site) -> None:
    call_command("distill")
    good = TrainedStudent.objects.get()
    answers = Message.objects.filter(sender="bot").select_related("conversation").order_by("pk")
    learnt = [each for each in answers if not is_held(f"customer {each.conversation.customer_id}")]
    # What a broken model might say: one label for nearly everything. Each fifth answer keeps its own, whatever its id.
    spoilt = [each.pk for number, each in enumerate(learnt) if number % 5]
    Message.objects.filter(pk__in=spoilt).update(intent="สินค้า")
    call_command("distill")
    worse = TrainedStudent.objects.exclude(pk=good.pk).get()
    good.refresh_from_db()
    assert worse.state == StudentState.REFUSED
    assert "less_accurate" in worse.comparison["faults"]
    assert worse.comparison["live"] == good.pk
    assert good.state == StudentState.LIVE


def test_too_little_to_learn_from_ends_with_a_reason(intents: None) -> None:
    with pytest.raises(CommandError, match="rows to learn from"):
        call_command("distill")
    assert TrainedStudent.objects.get().state == StudentState.FAILED


def test_what_known_answers_served_is_not_learnt_from(site: Site, intents: None) -> None:
    answered(site, Said(QUESTION, RETURN), trace={"known": {"served": "exact"}})
    answered(site, Said("ขอคืนเตียงได้ไหมคะ", RETURN), trace={"known": {"why": "nothing_known"}})
    assert learnt_texts() == {"ขอคืนเตียงได้ไหมคะ"}


def test_what_the_student_sent_to_a_small_model_is_not_learnt_from_but_watched(site: Site, intents: None) -> None:
    provider = Provider.objects.create(name="DeepSeek", kind=ProviderKind.DEEPSEEK, base_url="https://api.deepseek.com")
    LanguageModel.objects.create(provider=provider, name="deepseek-flash", tier=Tier.ECONOMY)
    answered(site, Said(QUESTION, RETURN), trace={"is_simple": True})
    answered(site, Said("ขอคืนเตียงได้ไหมคะ", RETURN))
    assert learnt_texts() == {"ขอคืนเตียงได้ไหมคะ"}
    assert {row.text for row in turns_after(0, limit=10).rows} == {QUESTION, "ขอคืนเตียงได้ไหมคะ"}


def test_a_first_student_that_is_sure_of_wrong_ones_does_not_go_to_work() -> None:
    few = FlagFigures(0, 0, 0)
    figures = Examination(400, 300, 200, 194, 100, 0.7, 0.1, (), action=few, escalate=few, median_ms=1, slowest_ms=1)
    assert faults(figures, None, precision=0.97) == []
    assert faults(replace(figures, sure_right=185), None, precision=0.97) == [Fault.NOT_PRECISE]


def test_words_that_rest_on_what_was_said_before_are_not_learnt_from(site: Site, intents: None) -> None:
    answered(site, Said("ใช่ค่ะ", RETURN), Said("2", "สินค้า"), Said(QUESTION, RETURN))
    assert learnt_texts() == {QUESTION}


def test_questions_of_evaluations_are_not_learnt_from(site: Site, intents: None) -> None:
    answered(site, Said(f"{QUESTION} ", RETURN))
    cases = EvaluationSet.objects.create(name="ชุดทดสอบ")
    EvaluationCase.objects.create(evaluation_set=cases, question=QUESTION)
    assert learnt_texts() == set()


def test_personal_data_is_masked_before_it_is_learnt_from(site: Site, intents: None) -> None:
    answered(site, Said("สมหญิงขอคืนตู้เย็นค่ะ โทร 081-234-5678", RETURN), name="สมหญิง")
    (text,) = learnt_texts()
    assert "081" not in text
    assert "สมหญิง" not in text


def test_the_questions_of_an_erased_customer_are_gone(labelled: Site) -> None:
    before = gather()
    conversation = answered(labelled, Said(QUESTION, RETURN))
    assert QUESTION in learnt_texts()
    conversation.customer.delete()
    assert gather() == before


def test_a_person_decides_over_the_model(site: Site, intents: None) -> None:
    conversation = answered(site, Said(QUESTION, "จัดส่ง"))
    Correction.objects.create(
        message=Message.objects.get(conversation=conversation, sender="bot"),
        question=QUESTION,
        bot_answer="-",
        reason=CorrectionReason.MISUNDERSTOOD,
        response="ได้ค่ะ",
        intent=RETURN,
        author_name="มะลิ",
        state=CorrectionState.APPROVED,
        decided_at=timezone.now(),
    )
    material = gather()
    (row,) = (*material.learnt, *material.held)
    assert (row.intent, material.sources) == (RETURN, {"model": 0, "people": 1})


def test_nobody_can_teach_it_alone(site: Site, intents: None) -> None:
    answered(site, *(Said(f"ขอคืน{chr(0xE01 + number) * 3}ได้ไหมคะ", RETURN) for number in range(40)))
    assert len(learnt_texts()) == 20


def test_examples_of_the_playbook_are_learnt_from(site: Site, intents: None) -> None:
    intent = Intent.objects.get(key=RETURN)
    Example.objects.create(customer_text=QUESTION, intent=intent, response="ได้ค่ะ", action_required=True)
    (row,) = gather().learnt
    assert (row.text, row.action_required) == (QUESTION, True)


def test_the_same_customers_are_held_back_for_ever() -> None:
    held = [number for number in range(2000) if is_held(f"customer {number}")]
    assert held[:5] == [n for n in range(2000) if is_held(f"customer {n}")][:5]
    assert 300 < len(held) < 500


def test_only_one_is_at_work(student: Student, db: None) -> None:
    first, second = at_work(student), stored(student)
    promote(second.pk, by=None)
    first.refresh_from_db()
    assert first.state == StudentState.RETIRED
    with pytest.raises(IntegrityError), transaction.atomic():
        TrainedStudent.objects.filter(pk=first.pk).update(state=StudentState.LIVE)


def test_a_student_is_changed_for_another_without_a_restart(student: Student, db: None) -> None:
    at_work(student)
    assert current_student() is not None
    other = stored(Student(("a", "b", "c", "d"), student.vocabulary, student.weights, student.calibration))
    promote(other.pk, by=None)
    SHELF.forget()
    found = current_student()
    assert found is not None
    assert found.intents == ("a", "b", "c", "d")


def test_bytes_that_were_changed_are_not_used(student: Student, db: None) -> None:
    row = at_work(student)
    broken = bytearray(to_artefact(student))
    broken[-1] ^= 1
    TrainedStudent.objects.filter(pk=row.pk).update(artefact=bytes(broken))
    assert current_student() is None


def test_one_that_was_refused_needs_a_reason(student: Student, admin_user: User) -> None:
    row = stored(student)
    TrainedStudent.objects.filter(pk=row.pk).update(state=StudentState.REFUSED)
    with pytest.raises(NotUsableError):
        promote(row.pk, by=admin_user)
    promote(row.pk, by=admin_user, reason="ทดลองใช้")
    entry = AuditEntry.objects.get(verb=Verb.OVERRIDE)
    assert (entry.actor, entry.reason, entry.object_id) == (admin_user, "ทดลองใช้", str(row.pk))


def test_work_goes_on_without_a_student(student: Student, admin_user: User) -> None:
    row = at_work(student)
    retire(row.pk, by=admin_user, reason="ไม่ใช้แล้ว")
    SHELF.forget()
    assert current_student() is None
    with pytest.raises(NotUsableError):
        retire(row.pk, by=admin_user, reason="อีกครั้ง")


def test_a_student_that_agrees_with_fresh_labels_stays(student: Student, labelled: Site) -> None:
    row = at_work(student)
    label_everything(labelled)
    watch_student()
    row.refresh_from_db()
    day = row.days.get()
    assert day.seen == 224
    assert day.agreed / day.seen > 0.9
    assert row.drift == {}
    watch_student()
    assert row.days.get().seen == day.seen


def test_a_student_whose_certainty_is_wrong_is_stopped(student: Student, site: Site, admin_user: User) -> None:
    row = at_work(student)
    for number in range(100):
        answered(site, Said(f"ขอคืนกระเป๋าได้ไหมคะ {'ๆ' * (number % 3)}", "สมาชิก"))
    watch_student()
    row.refresh_from_db()
    assert row.drift == {"is_lower": True, "is_unsafe": True}
    assert row.stopped_at is not None
    assert opinion_on(QUESTION) is None
    resume(row.pk, by=admin_user, reason="ดูแล้ว")
    SHELF.forget()
    assert opinion_on(QUESTION) is not None


def test_drift_asks_for_a_new_training_once(student: Student, db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[str, ...]] = []
    row = at_work(student)
    yesterday = timezone.now() - timedelta(days=2)
    TrainedStudent.objects.filter(pk=row.pk).update(drift={"is_lower": True}, wanted_at=yesterday)

    def start(command: tuple[str, ...], **_options: object) -> Ended:
        started.append(command)
        return Ended()

    monkeypatch.setattr(subprocess, "Popen", start)
    train_wanted()
    train_wanted()
    wanted = TrainedStudent.objects.exclude(pk=row.pk).get()
    assert started[0][-4:] == (started[0][-4], "distill", "--student", str(wanted.pk))
    assert sys.executable in started[0]


class Ended:
    """A process that is over."""

    def poll(self) -> int:
        return 0


def test_a_training_whose_process_is_gone_is_given_up(db: None) -> None:
    row = want()
    assert row is not None
    assert want() is None
    long_ago = timezone.now() - timedelta(hours=4)
    TrainedStudent.objects.update(state=StudentState.TRAINING, begun_at=long_ago)
    give_up_lost()
    row.refresh_from_db()
    assert row.state == StudentState.FAILED
