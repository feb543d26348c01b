"""Hundreds of customers at once, of several sites, languages and segments: each reads only what is theirs."""

import threading
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pytest
from django.db import connection

from bench.leaks_mix import LOCALES, QUESTIONS, SEGMENTS, Session, answer_text, is_own, sessions
from conversations.actions.customers import add_customer_message
from conversations.answers.board import Scope, policy_row, touch
from conversations.answers.keeping import add_answer
from conversations.answers.models import SERVED_STATES, AnswerPolicy, KnownAnswer, KnownQuestion, Mode
from conversations.answers.upkeep import encode_questions
from conversations.models import Conversation, Customer, Message, Run, RunState, Sender, Site
from conversations.playbook.starter_texts import OTHER, SHIPPING
from conversations.replies.loop import ReplyLoop
from tests.answers.test_similar import artefact, learn, student
from tests.model import Model, envelope, streamed

__all__ = ["artefact", "student"]

SESSIONS: Final = 200
INTENTS: Final = (OTHER, OTHER, SHIPPING)
SECONDS: Final = 240.0


@pytest.fixture
def sites(shop: Site, student: None) -> list[Site]:
    """Three sites that know the same questions, and answer each in their own way; as much as possible is served."""
    policy_row()
    AnswerPolicy.objects.update(mode=Mode.CONFIRMED, confirm_customers=2, explore_share=0.05, risk_limit=1.0)
    # The model says something else each time: with any promise to keep, serving would stop.
    AnswerPolicy.objects.update(tolerated_share=1.0)
    made = [shop, Site.objects.create(name="ร้านสอง"), Site.objects.create(name="ร้านสาม")]
    scopes = [Scope(site.pk, locale, segment) for site in made for locale in LOCALES for segment in SEGMENTS]
    for scope in scopes:
        for place, question in enumerate(QUESTIONS[scope.locale]):
            add_answer(scope, intent=INTENTS[place], question=question, text=answer_text(*scope, place), by=None)
    encode_questions()
    touch()
    return made


@pytest.fixture
def patient(model: Model) -> Iterator[Model]:
    """A model that repeats the customer's words."""
    model.default = lambda call: streamed(envelope(f"= {call.last_words}", intent=SHIPPING))
    yield model


def talk(loop: ReplyLoop, session: Session) -> list[tuple[str, str]]:
    """Let one customer say everything; return each line with its answer."""
    try:
        named = {"external_id": session.name, "name": session.name} if session.is_logged_in else {}
        customer = Customer.objects.create(site_id=session.site, **named)
        conversation = Conversation.objects.create(site_id=session.site, customer=customer, locale=session.locale)
        return [(line, say(loop, conversation, line)) for line in session.lines]
    finally:
        connection.close()


def say(loop: ReplyLoop, conversation: Conversation, line: str) -> str:
    """Say something and return what the customer reads next."""
    seq = add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=line).seq
    loop.submit(conversation.pk)
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        answers = Message.objects.filter(conversation=conversation, seq__gt=seq, sender=Sender.BOT)
        if text := answers.values_list("text", flat=True).first():
            return text
        time.sleep(0.02)
    raise AssertionError(f"no answer within {SECONDS:.0f} s")


def test_nobody_reads_what_belongs_to_another_customer_site_language_or_segment(
    loop: ReplyLoop, patient: Model, sites: list[Site]
) -> None:
    crowd = list(sessions(SESSIONS, sites=[site.pk for site in sites]))
    over = threading.Event()

    def learn_meanwhile() -> None:
        while not over.wait(1.0):
            learn(loop)

    with ThreadPoolExecutor(17) as threads:
        learning = threads.submit(learn_meanwhile)
        read = list(threads.map(lambda session: talk(loop, session), crowd))
        over.set()
        learning.result()
    leaks = [
        (session, line, text)
        for session, lines in zip(crowd, read, strict=True)
        for line, text in lines
        if not is_own(text, line, session)
    ]
    assert leaks == []
    learn(loop)
    served = [
        (run.conversation, run.trace["known"][step]["answer"])
        for run in Run.objects.filter(state=RunState.CLOSED).select_related("conversation")
        if (step := run.trace.get("known", {}).get("served"))
    ]
    known = {answer.pk: Scope(answer.site_id, answer.locale, answer.segment) for answer in KnownAnswer.objects.all()}
    assert {known[answer] == Scope(asked.site_id, asked.locale) for asked, answer in served} == {True}
    assert len(served) > SESSIONS / 3, "known answers did their part"
    assert not KnownAnswer.objects.filter(text__contains="QZ", state__in=SERVED_STATES).exists()
    assert not KnownQuestion.objects.filter(text__contains="QZ", customers__gte=2).exists()
