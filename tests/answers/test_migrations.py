"""Vectors that were there before an update of the database are found after it."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from conversations.answers.board import Scope
from conversations.answers.encoders import Vectors
from conversations.answers.encoders.hashed import DIMENSIONS, HashedEncoder
from conversations.answers.keeping import add_answer
from conversations.answers.models import VectorSpace
from conversations.answers.vectors import embed_missing, ensure_space, nearest, serving_space
from conversations.playbook.reading import current_playbook
from conversations.playbook.starter_texts import OTHER

APP = "conversations"
BEFORE = "0011_students"
QUESTIONS = ("ร้านเปิดกี่โมงคะ", "ร้านอยู่ที่ไหนคะ", "มีที่จอดรถไหมคะ")
WHOLE = """
    CREATE INDEX question_vector_space_{number} ON conversations_questionvector
    USING hnsw ((embedding::vector({length})) vector_cosine_ops) WHERE space_id = {number}
"""


def migrate(name: str | None = None) -> None:
    """Bring the database to a state: the newest, or one before."""
    executor = MigrationExecutor(connection)
    executor.migrate([(APP, name)] if name else executor.loader.graph.leaf_nodes())


def indexes_of(space: VectorSpace) -> list[str]:
    """Return the kinds of the indexes that a space has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE indexname ~ %s", [f"^question_vector_(half|space)_{space.pk}$"]
        )
        return [name.split("_")[2] for (name,) in cursor.fetchall()]


@pytest.fixture
def before(scope: Scope) -> Iterator[None]:
    """The database as it was before halves; the newest again afterwards."""
    migrate(BEFORE)
    yield
    migrate()


def test_vectors_of_before_are_found_through_an_index_of_halves(scope: Scope, before: None) -> None:
    encoder = HashedEncoder()
    for question in QUESTIONS:
        add_answer(scope, intent=OTHER, question=question, text=f"ตอบ {question}", by=None)
    while embed_missing(encoder):
        continue
    space = VectorSpace.objects.get()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP INDEX question_vector_half_{space.pk}")
        cursor.execute(WHOLE.format(number=space.pk, length=space.dimensions))
    assert indexes_of(space) == ["space"]
    migrate()
    assert indexes_of(space) == ["half"]
    assert embed_missing(encoder) == 0, "nothing has to be made anew"
    searched = serving_space([encoder])
    assert searched is not None
    for question in QUESTIONS:
        vector = list(map(float, encoder.encode([question])[0]))
        version = current_playbook().version
        first, *others = nearest(searched.space, vector, scope, version=version, customers=3)
        assert (first.question, len(others)) == (question, 2)
        assert first.similarity == pytest.approx(1, abs=1e-3) and all(each.similarity < 0.9 for each in others)


class LongEncoder(HashedEncoder):
    """An encoder whose vectors are longer than pgvector indexes."""

    name = "long"
    dimensions = 4096

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return hashed n-grams, filled up with nothing."""
        short = super().encode(texts)
        padded: Vectors = np.pad(short, ((0, 0), (0, self.dimensions - DIMENSIONS)))
        return padded


def test_vectors_too_long_for_an_index_are_searched_without_one(scope: Scope, before: None) -> None:
    encoder = LongEncoder()
    add_answer(scope, intent=OTHER, question=QUESTIONS[0], text="9 โมงค่ะ", by=None)
    while embed_missing(encoder):
        continue
    migrate()
    space = ensure_space(encoder)
    assert indexes_of(space) == []
    vector = list(map(float, encoder.encode([QUESTIONS[0]])[0]))
    (found,) = nearest((space.pk, space.dimensions), vector, scope, version=current_playbook().version, customers=3)
    assert found.question == QUESTIONS[0]
