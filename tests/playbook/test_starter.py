"""The starter playbook: loaded once, complete, and fit to be shown to customers."""

import re
import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.llm.tokens import estimate_tokens
from conversations.playbook.checks import answer_problem, example_problems, intent_problems
from conversations.playbook.models import Example, Fact, Instruction, Intent
from conversations.playbook.prompt import opening_of
from conversations.playbook.reading import current_playbook
from conversations.playbook.starter import load_starter_playbook
from tests.playbook.samples import starter

FIVE = ["สินค้า", "สั่งซื้อ", "จัดส่ง", "คืนสินค้า", "อื่นๆ"]
PROMISES = re.compile(r"โทรกลับ|จะคืนเงินให้|ภายใน 24 ชั่วโมง|call you back|will refund|shortly|within 24 hours")
SECRETS = re.compile(r"OTP|รหัสผ่าน|เลขบัตร|password|card number")


@pytest.mark.django_db
def test_it_is_loaded_once_into_an_empty_playbook() -> None:
    assert load_starter_playbook()
    assert list(Intent.objects.on().values_list("key", flat=True)) == FIVE
    assert Instruction.objects.count() == 1
    assert Fact.objects.count() >= 10
    assert not load_starter_playbook()
    assert Example.objects.count() == len(starter().examples)


@pytest.mark.django_db
@pytest.mark.parametrize("model", [Example, Fact, Instruction])
def test_it_never_comes_back_after_staff_emptied_a_part(model: type[Example | Fact | Instruction]) -> None:
    load_starter_playbook()
    model.objects.all().delete()
    assert not load_starter_playbook()
    assert not model.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_processes_that_start_at_once_load_it_once() -> None:
    results = []

    def load() -> None:
        results.append(load_starter_playbook())
        connection.close()

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True]
    assert Example.objects.count() == len(starter().examples)


@pytest.mark.django_db
def test_what_is_read_from_the_tables_is_what_was_loaded() -> None:
    load_starter_playbook()
    assert current_playbook().version == starter().version


@pytest.mark.django_db
def test_reading_it_takes_few_queries() -> None:
    load_starter_playbook()
    with CaptureQueriesContext(
        connection,
    ) as queries:
        current_playbook()
    assert len(queries) <= len(("the stamp", "everything"))


@pytest.mark.django_db
def test_every_entry_passes_the_checks_that_staff_must_pass() -> None:
    load_starter_playbook()
    assert [example_problems(example) for example in Example.objects.all() if example_problems(example)] == []
    assert [intent_problems(intent) for intent in Intent.objects.all() if intent_problems(intent)] == []
    texts = [text for fact in Fact.objects.all() for text in (fact.text_th, fact.text_en)]
    assert [text for text in texts if answer_problem(text)] == []


def test_the_case_studys_examples_come_first_with_its_decisions() -> None:
    parcel, picture, hours = starter().examples[:3]
    assert (parcel.intent, parcel.action_required, parcel.escalate) == ("จัดส่ง", True, False)
    assert "5 วัน" in parcel.customer_text
    assert (picture.intent, picture.action_required, picture.escalate) == ("คืนสินค้า", True, True)
    assert "7 วัน" in picture.response
    assert "https://shop.example/returns" in picture.response
    assert (hours.intent, hours.action_required, hours.escalate) == ("อื่นๆ", False, False)
    assert "วันจันทร์ถึงวันเสาร์ เวลา 9:00-18:00" in hours.response


def test_every_intent_has_examples_in_both_languages_and_some_call_a_person() -> None:
    examples = starter().examples
    for intent in FIVE:
        answers = [example.response for example in examples if example.intent == intent]
        assert any(re.search("[ก-๙]", answer) for answer in answers), intent
        assert any(answer.isascii() for answer in answers), intent
    assert sum(example.escalate for example in examples) >= 10
    assert any("1,284" in example.response for example in examples)


def test_no_answer_promises_what_a_bot_cannot_keep_or_asks_for_secrets() -> None:
    for example in starter().examples:
        assert not PROMISES.search(example.response), example.response
        assert not SECRETS.search(example.response), example.response
        if example.escalate:
            assert re.search(r"เจ้าหน้าที่|staff", example.response), example.response


def test_the_opening_stays_small() -> None:
    assert opening_of(starter()).tokens < 6500
    assert max(estimate_tokens(example.response) for example in starter().examples) < 100
