"""A shop with the starter playbook live, a scripted or simulated model, and a loop that works through evaluations."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User

from conversations.database import close_database_threads
from conversations.gateway.models import Provider, ProviderKind
from conversations.playbook.models import EvaluationCase, EvaluationRun, EvaluationSet, Example, Release
from conversations.playbook.releases import freeze, live_release
from conversations.playbook.starter import load_starter_playbook
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import add_route, clean_circuits, quick, simulator

__all__ = ["clean_circuits", "quick", "simulator"]

RETURN = "คืนสินค้า"
QUESTIONS = {
    RETURN: (
        "คืนสินค้าได้ภายในกี่วันคะ",
        "คืนของได้กี่วัน",
        "ส่งของคืนไปแล้ว จะได้เงินคืนเมื่อไหร่ครับ",
        "I want to return an item. How do I do that?",
        "เปิดกล่องมาของแตกค่ะ ทำยังไงดี",
    ),
    "จัดส่ง": ("ค่าส่งเท่าไหร่คะ", "กี่วันถึงคะ ส่งต่างจังหวัด", "พัสดุถึงไหนแล้วคะ"),
    "อื่นๆ": ("สวัสดีค่ะ", "What are your opening hours?"),
}


@pytest.fixture
def shop(transactional_db: None, clean_circuits: None, quick: None, simulator: str) -> Release:
    """A shop that the simulator answers for; returns its live release."""
    load_starter_playbook()
    add_route("sim", simulator)
    Provider.objects.update(kind=ProviderKind.SIMULATOR)
    live = live_release()
    assert live is not None
    return live


@pytest.fixture
def cases(shop: Release) -> EvaluationSet:
    """A set of ten questions that the starter playbook answers well."""
    EvaluationSet.objects.all().delete()
    made = EvaluationSet.objects.create(name="ten questions", samples=2)
    EvaluationCase.objects.bulk_create(
        EvaluationCase(evaluation_set=made, question=question, intent=intent, position=number)
        for intent, questions in QUESTIONS.items()
        for number, question in enumerate(questions)
    )
    return made


@pytest.fixture
def editor(transactional_db: None) -> User:
    """Somebody who may do everything."""
    return User.objects.create_superuser("somchai", password="pw")


@dataclass
class Workers:
    """Loops of workers that can be started and killed."""

    loops: list[ReplyLoop]

    def start(self, name: str) -> ReplyLoop:
        """Start one more."""
        loop = ReplyLoop(name=name, capacity=10)
        loop.start()
        self.loops.append(loop)
        return loop


@pytest.fixture
def workers(shop: Release) -> Iterator[Workers]:
    """Workers that take up evaluations."""
    made = Workers([])
    yield made
    for loop in made.loops:
        loop.stop(grace_seconds=0.1)
    close_database_threads()


@pytest.fixture
def broken_returns(cases: EvaluationSet) -> Release:
    """A frozen draft in which every example of a return says that it is about delivery."""
    return frozen_with(lambda: Example.objects.filter(intent__key=RETURN), intent_key="จัดส่ง")


def frozen_with(examples: Callable[[], object], *, intent_key: str) -> Release:
    """Freeze a draft in which these examples have another intent."""
    from_rows = examples()
    assert hasattr(from_rows, "update")
    other = Example.objects.filter(intent__key=intent_key).values_list("intent_id", flat=True)[0]
    from_rows.update(intent_id=other)
    return freeze(author=None, comment="changed")


def fresh(run: EvaluationRun) -> EvaluationRun:
    """Return the run as the database has it now."""
    return EvaluationRun.objects.slim().get(pk=run.pk)
