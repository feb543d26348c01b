"""Vectors of known questions in PostgreSQL (pgvector): one space per encoder, each with an index of its own.

The column has no fixed length, so that another encoder's vectors can be made while the old ones keep serving; the index
is over those of one space, as its length (pgvector's way for that), and holds halves: twice as much of it stays in
memory, and what it finds is the same. Scopes are columns of the row, never part of a vector.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef
from psycopg import RawCursor

from conversations.answers.board import Scope
from conversations.answers.encoders import Encoder, Vectors
from conversations.answers.ladder import Neighbour
from conversations.answers.lookup import COLUMNS, NEIGHBOURS, neighbour_of
from conversations.answers.models import OPEN_STATES, AnswerState, KnownQuestion, QuestionVector, VectorSpace

BATCH: Final = 256
EFFORT: Final = 40
"""How many candidates the index walks; more find the nearest more surely (20: 96 %, 40: 99 %, 80: all), but longer."""
MAX_INDEXED: Final = 4000
"""The longest vector of halves that pgvector indexes; a space of longer ones is searched row by row."""
SETTINGS: Final = f"SET LOCAL hnsw.iterative_scan = strict_order; SET LOCAL hnsw.ef_search = {EFFORT:d}"


def ensure_space(encoder: Encoder) -> VectorSpace:
    """Return the encoder's space, made with its index where it isn't there yet."""
    space, is_new = VectorSpace.objects.get_or_create(name=encoder.name, defaults={"dimensions": encoder.dimensions})
    if is_new:
        make_index(space)
    return space


def make_index(space: VectorSpace) -> None:
    """Make a space's index, if its vectors aren't too long for one. Ids and lengths are numbers of our own."""
    if space.dimensions > MAX_INDEXED:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE INDEX IF NOT EXISTS question_vector_half_{space.pk:d} ON conversations_questionvector"
            f" USING hnsw ((embedding::halfvec({space.dimensions:d})) halfvec_cosine_ops) WHERE space_id = {space.pk:d}"
        )


@dataclass(frozen=True, slots=True)
class Searched:
    """A space that is searched, and the encoder that questions are compared in it with."""

    encoder: Encoder
    space: tuple[int, int]
    """Its number and the length of its vectors."""


def serving_space(encoders: Sequence[Encoder]) -> Searched | None:
    """Return the complete space of the first of these encoders that has one: a half-filled one is never searched.

    Asked each time: a space that is made anew has another number, and a forgotten one would be silently empty.
    """
    names = [encoder.name for encoder in encoders]
    complete = VectorSpace.objects.filter(name__in=names, is_complete=True)
    spaces = {name: (number, length) for name, number, length in complete.values_list("name", "pk", "dimensions")}
    return next((Searched(each, spaces[each.name]) for each in encoders if each.name in spaces), None)


def literal(vector: Sequence[float]) -> str:
    """Return a vector as pgvector reads it."""
    return f"[{','.join(map('{:.6f}'.format, vector))}]"


def nearest(
    space: tuple[int, int], vector: Sequence[float], scope: Scope, *, version: str, customers: int
) -> list[Neighbour]:
    """Return the nearest questions of a scope whose answers staff approved in this release, nearest first.

    Only what staff or several customers brought is compared with: nobody alone decides what is near.
    """
    told = literal(vector)
    with transaction.atomic():
        connection.cursor().execute(SETTINGS)
        # PostgreSQL plans it once for each connection: planning takes as long as walking the index.
        with RawCursor(connection.connection) as cursor:
            cursor.execute(_nearest_statement(*space), [told, *scope, version, customers], prepare=True)
            return [neighbour_of(row) for row in cursor.fetchall()]


@cache
def _nearest_statement(number: int, length: int) -> bytes:
    half = f"halfvec({length:d})"
    return f"""
        SELECT {COLUMNS}, q.text, v.embedding::{half} <=> $1::{half} AS distance
        FROM conversations_questionvector v
        JOIN conversations_knownquestion q ON q.id = v.question_id
        JOIN conversations_knownanswer a ON a.id = q.answer_id
        WHERE v.space_id = {number:d} AND v.site_id = $2 AND v.locale = $3 AND v.segment = $4
          AND a.state = '{AnswerState.APPROVED.value}' AND a.playbook_version = $5 AND a.expires_at > now()
          AND (q.is_by_staff OR q.customers >= $6)
        ORDER BY v.embedding::{half} <=> $1::{half} LIMIT {NEIGHBOURS:d}
    """.encode()  # noqa: S608 - numbers of our own


def add_vectors(space: VectorSpace, questions: Sequence[KnownQuestion], vectors: Vectors) -> None:
    """Keep the vectors of questions; those that are there already stay."""
    rows = [
        QuestionVector(
            question=question,
            space=space,
            site_id=question.site_id,
            locale=question.locale,
            segment=question.segment,
            embedding=literal(vector),
        )
        for question, vector in zip(questions, vectors, strict=True)
    ]
    QuestionVector.objects.bulk_create(rows, ignore_conflicts=True)


def embed(encoders: Sequence[Encoder], *, is_chosen: bool) -> int:
    """Make the next vectors that are missing; return how many. Raises EncoderAwayError.

    The first encoder's space is filled. Until that is complete, the one that serves meanwhile is kept complete, too;
    then it is forgotten, unless the first only stands in for the operator's choice (not `is_chosen`): what that one
    made is still good when it is back.
    """
    wanted = encoders[0]
    serving = serving_space(encoders)
    if serving is not None and serving.encoder is not wanted:
        embed_missing(serving.encoder)
    made = embed_missing(wanted)
    if not made and is_chosen:
        forget_spaces(keep=ensure_space(wanted))
    return made


def embed_missing(encoder: Encoder, *, limit: int = BATCH) -> int:
    """Make vectors that are missing in an encoder's space; return how many. Raises EncoderAwayError.

    A space becomes complete, and is searched from then on, when nothing is missing.
    """
    space = ensure_space(encoder)
    there = QuestionVector.objects.filter(question=OuterRef("pk"), space=space)
    missing = list(KnownQuestion.objects.filter(~Exists(there), answer__state__in=OPEN_STATES).order_by("pk")[:limit])
    if missing:
        add_vectors(space, missing, encoder.encode([question.text for question in missing]))
    elif not space.is_complete:
        VectorSpace.objects.filter(pk=space.pk).update(is_complete=True)
    return len(missing)


def forget_spaces(*, keep: VectorSpace) -> None:
    """Delete the vectors of encoders that are used no more, with their indexes."""
    for space in VectorSpace.objects.exclude(pk=keep.pk):
        with connection.cursor() as cursor:
            cursor.execute(f"DROP INDEX IF EXISTS question_vector_half_{space.pk:d}")
        space.delete()
