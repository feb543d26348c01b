"""Another encoder: the old vectors serve until the new ones are complete, and nothing is searched that is half made."""

from collections.abc import Callable

import pytest
from pytest_django import Settings

from conversations.answers.board import Scope
from conversations.answers.encoders import ENCODERS
from conversations.answers.keeping import add_answer
from conversations.answers.models import KnownAnswer, KnownQuestion, QuestionVector, VectorSpace
from conversations.answers.upkeep import encode_questions
from conversations.answers.vectors import embed, embed_missing, serving_space
from conversations.models import Conversation
from conversations.playbook.starter_texts import OTHER
from conversations.replies.loop import ReplyLoop
from tests.answers.asking import ask, steps_of
from tests.answers.test_encoders import Embeddings, endpoint
from tests.answers.test_similar import NEAR, artefact, known, student
from tests.model import Model

__all__ = ["artefact", "endpoint", "known", "student"]

Visitor = Callable[[], Conversation]
Endpoint = tuple[str, type[Embeddings]]


def near_of(loop: ReplyLoop, conversation: Conversation) -> dict[str, object]:
    """Ask something similar; return what the step for similar questions said."""
    near = steps_of(ask(loop, conversation, NEAR))["near"]
    assert isinstance(near, dict)
    return near


def spaces() -> list[str]:
    return sorted(VectorSpace.objects.values_list("name", flat=True))


def was_asked(handler: type[Embeddings]) -> bool:
    """Whether the endpoint was given the customer's question."""
    return any(NEAR in body["input"] for body in handler.seen)


def test_from_the_default_to_an_endpoint_and_back_something_serves_at_every_moment(
    loop: ReplyLoop, model: Model, visitor: Visitor, known: KnownAnswer, endpoint: Endpoint, settings: Settings
) -> None:
    url, handler = endpoint
    hashed = spaces()
    settings.CSBOT_EMBEDDINGS = url
    real = ENCODERS.in_use()[0]
    assert embed_missing(real, limit=1) == 1, "half of the new vectors are there"
    assert near_of(loop, visitor())["why"] == "served" and not was_asked(handler)
    encode_questions()
    assert spaces() == [real.name], "the old vectors are dropped"
    assert near_of(loop, visitor())["why"] == "served" and was_asked(handler)
    settings.CSBOT_EMBEDDINGS, settings.CSBOT_EMBEDDINGS_PREVIOUS = "hashed", url
    handler.seen.clear()
    embed_missing(ENCODERS.in_use()[0], limit=1)
    assert near_of(loop, visitor())["why"] == "served" and was_asked(handler)
    encode_questions()
    handler.seen.clear()
    assert spaces() == hashed
    assert near_of(loop, visitor())["why"] == "served" and not was_asked(handler)
    assert model.calls == []


def test_what_becomes_known_during_the_change_is_found_in_the_old_space_too(
    scope: Scope, known: KnownAnswer, endpoint: Endpoint, settings: Settings
) -> None:
    settings.CSBOT_EMBEDDINGS = endpoint[0]
    encoders = ENCODERS.in_use()
    embed_missing(encoders[0], limit=1)
    answer = add_answer(scope, intent=OTHER, question="ร้านอยู่ที่ไหนคะ", text="อยู่ถนนสุขุมวิทค่ะ", by=None)
    searched = serving_space(encoders)
    assert searched is not None and searched.encoder is encoders[1]
    embed(encoders, is_chosen=True)
    vectors = QuestionVector.objects.filter(question__answer=answer)
    assert set(vectors.values_list("space", flat=True)) == set(VectorSpace.objects.values_list("pk", flat=True))


def test_an_encoder_whose_name_is_gone_serves_nothing_until_the_new_space_is_complete(
    loop: ReplyLoop, model: Model, visitor: Visitor, known: KnownAnswer, endpoint: Endpoint, settings: Settings
) -> None:
    settings.CSBOT_EMBEDDINGS, settings.CSBOT_EMBEDDINGS_MODEL = endpoint[0], "one"
    encode_questions()
    settings.CSBOT_EMBEDDINGS_MODEL = "other"
    embed_missing(ENCODERS.in_use()[0], limit=1)
    assert near_of(loop, visitor()) == {"why": "encoder_away"}
    encode_questions()
    assert near_of(loop, visitor())["why"] == "served"


def test_an_endpoint_that_is_away_at_start_costs_none_of_its_vectors(
    known: KnownAnswer, endpoint: Endpoint, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, handler = endpoint
    settings.CSBOT_EMBEDDINGS = url
    encode_questions()
    made = set(QuestionVector.objects.filter(space__name=ENCODERS.in_use()[0].name).values_list("pk", flat=True))
    assert len(made) == KnownQuestion.objects.count()
    handler.status = 500
    restarted = type(ENCODERS)()
    monkeypatch.setattr("conversations.answers.upkeep.ENCODERS", restarted)
    encode_questions()
    assert [each.name for each in restarted.in_use()] == ["hashed-char-2-5:v1:512"]
    assert made <= set(QuestionVector.objects.values_list("pk", flat=True))
    handler.status = 200
    monkeypatch.setattr("conversations.answers.encoders.choice.AGAIN_SECONDS", 0.0)
    restarted._again_at = dict.fromkeys(restarted._again_at, 0.0)
    encode_questions()
    assert set(QuestionVector.objects.values_list("pk", flat=True)) == made, "the stand-in's are dropped"
