"""The measurements of `bench.lookup`; needs Django set up."""

import sqlite3
import time
from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from bench.figures import Report, at_least, at_most, percentile
from conversations.answers.board import Scope
from conversations.answers.encoders.hashed import HashedEncoder
from conversations.answers.lookup import NEIGHBOURS, exact
from conversations.answers.models import VectorSpace
from conversations.answers.normal import question_key
from conversations.answers.vectors import literal, make_index, nearest
from conversations.models import Site

LIMIT_MS: Final = 10.0
CPU_LIMIT_MS: Final = 1.0
TRIES: Final = 500
WARM_UP: Final = 30
DIMENSIONS: Final = 384
CLUSTERS: Final = 2000
NOISE: Final = 0.5
SEED: Final = 3
RECALLED: Final = 100
RECALL_LIMIT: Final = 97.0
BESIDE_MS: Final = 1000.0
FILL: Final = """
    WITH made AS (
        INSERT INTO conversations_knownanswer
            (site_id, locale, segment, intent, text, text_key, state, is_fixed_for_intent, playbook_version,
             knowledge, approved_at, why, hits, "right", wrong, money_saved, created_at, expires_at)
        SELECT %s, 'th', '', 'i', 'answer ' || n, md5('a' || n), 'approved', false, 'v', '', now(), '',
               0, 0, 0, 0, now(), now() + interval '90 days'
        FROM generate_series(1, %s) n RETURNING id
    )
    INSERT INTO conversations_knownquestion
        (answer_id, site_id, locale, segment, text, key, customers, is_by_staff, created_at)
    SELECT id, %s, 'th', '', 'question ' || id, md5('q' || id), 0, true, now() FROM made
"""


def timed(work: Callable[[int], object]) -> list[float]:
    """Return how many milliseconds each try took, after some that aren't counted."""
    for number in range(WARM_UP):
        work(number)
    took = []
    for number in range(TRIES):
        started = time.perf_counter()
        work(number)
        took.append((time.perf_counter() - started) * 1000)
    return took


def made_vectors(entries: int) -> NDArray[np.float32]:
    """Return vectors that lie in clusters, as questions do."""
    draw = np.random.default_rng(SEED)
    centres = draw.normal(size=(CLUSTERS, DIMENSIONS))
    vectors = centres[draw.integers(CLUSTERS, size=entries)] + NOISE * draw.normal(size=(entries, DIMENSIONS))
    scaled: NDArray[np.float32] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def fill(site: Site, vectors: NDArray[np.float32]) -> VectorSpace:
    """Store an entry for each vector, with the index over them."""
    space = VectorSpace.objects.create(name="bench", dimensions=DIMENSIONS, is_complete=True)
    with connection.cursor() as cursor:
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute(FILL, [site.pk, len(vectors), site.pk])
        cursor.execute("SELECT id FROM conversations_knownquestion ORDER BY id")
        ids = [row[0] for row in cursor.fetchall()]
        into = "conversations_questionvector (question_id, space_id, site_id, locale, segment, embedding)"
        with cursor.cursor.copy(f"COPY {into} FROM STDIN") as copy:
            for number, vector in zip(ids, vectors, strict=True):
                copy.write_row((number, space.pk, site.pk, "th", "", literal(vector.tolist())))
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    make_index(space)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE conversations_questionvector, conversations_knownquestion, conversations_knownanswer")
    return space


def recall(found: Sequence[float], best: Sequence[float]) -> float:
    """Return which share of the truly nearest was found, by cosine."""
    worst = min(best) - 1e-4
    return sum(each >= worst for each in found) / len(best)


def measure(*, entries: int) -> int:
    """Fill, measure and print."""
    report = Report(f"Lookup among {entries:,} known questions of {DIMENSIONS} dimensions")
    site = Site.objects.create(name="bench")
    scope, vectors = Scope(site.pk, "th"), made_vectors(entries)
    started = time.perf_counter()
    with transaction.atomic():
        place = (fill(site, vectors).pk, DIMENSIONS)
    print(f"filled and indexed in {time.perf_counter() - started:.0f} s", flush=True)
    draw = np.random.default_rng(SEED + 1)
    noise = 0.2 * draw.normal(size=(TRIES, DIMENSIONS)) / np.sqrt(DIMENSIONS)
    asked = (vectors[draw.integers(entries, size=TRIES)] + noise).astype(np.float32)

    def look_near(number: int) -> list[float]:
        found = nearest(place, asked[number].tolist(), scope, version="v", customers=3)
        return [each.similarity for each in found]

    def look_same(number: int) -> object:
        return exact(scope, question_key(f"no {number}"), version="v", states=["approved"], customers=3)

    def look_everywhere(number: int) -> list[float]:
        cosines = vectors @ (asked[number] / np.linalg.norm(asked[number]))
        return sorted(cosines[np.argpartition(-cosines, NEIGHBOURS)[:NEIGHBOURS]].tolist(), reverse=True)

    flat = FlatCache(vectors)
    same, near, brute = timed(look_same), timed(look_near), timed(look_everywhere)
    gptcache = timed(lambda number: flat.look(asked[number]))
    cpu = time.process_time()
    timed(look_same)
    same_cpu = (time.process_time() - cpu) * 1000 / (TRIES + WARM_UP)
    cpu = time.process_time()
    timed(look_near)
    near_cpu = (time.process_time() - cpu) * 1000 / (TRIES + WARM_UP)
    recalls = [recall(look_near(number), look_everywhere(number)) for number in range(RECALLED)]
    encoder = HashedEncoder()
    encoding = timed(lambda number: encoder.encode([f"ร้านเปิดกี่โมงคะ {number}"]))
    for name, took in (("same question", same), (f"nearest {NEIGHBOURS}, HNSW", near)):
        report.add(at_most(f"{name}, p50", percentile(took, 0.5), limit=LIMIT_MS, unit="ms"))
        report.add(at_most(f"{name}, p99", percentile(took, 0.99), limit=LIMIT_MS, unit="ms"))
    report.add(
        at_most("same question, CPU of this process", same_cpu, limit=CPU_LIMIT_MS, unit="ms"),
        at_most(f"nearest {NEIGHBOURS}, CPU of this process", near_cpu, limit=CPU_LIMIT_MS, unit="ms"),
        at_most("hashed n-grams of a question, p50", percentile(encoding, 0.5), limit=CPU_LIMIT_MS, unit="ms"),
        at_least("of the truly nearest found", 100 * float(np.mean(recalls)), limit=RECALL_LIMIT, unit="%"),
    )
    for name, took in (("brute force", brute), ("GPTCache's way", gptcache)):
        report.add(
            at_most(f"beside it: {name} (154 MB a process), p50", percentile(took, 0.5), limit=BESIDE_MS, unit="ms"),
            at_most(f"beside it: {name} (154 MB a process), p99", percentile(took, 0.99), limit=BESIDE_MS, unit="ms"),
        )
    return report.close()


class FlatCache:
    """GPTCache's published way, made again: a flat index in each process, questions and answers in SQLite.

    The index gives the nearest ids; each one's row is read, and its similarity evaluated. It knows no scopes.
    """

    def __init__(self, vectors: NDArray[np.float32]) -> None:
        self._vectors = vectors
        self._rows = sqlite3.connect(":memory:")
        self._rows.execute("CREATE TABLE entry (id INTEGER PRIMARY KEY, question TEXT, answer TEXT, embedding BLOB)")
        self._rows.executemany(
            "INSERT INTO entry VALUES (?, ?, ?, ?)",
            ((place, f"question {place}", f"answer {place}", row.tobytes()) for place, row in enumerate(vectors)),
        )

    def look(self, asked: NDArray[np.float32]) -> list[float]:
        """Return the similarities of the nearest entries."""
        cosines = self._vectors @ (asked / np.linalg.norm(asked))
        found = np.argpartition(-cosines, NEIGHBOURS)[:NEIGHBOURS]
        rows = [
            self._rows.execute("SELECT question, answer, embedding FROM entry WHERE id = ?", [int(place)]).fetchone()
            for place in found
        ]
        return sorted((float(np.frombuffer(row[2], np.float32) @ asked) for row in rows), reverse=True)
