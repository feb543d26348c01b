"""One training from beginning to end: gather, learn, examine, compare, store, and put to work what isn't worse.

Takes minutes of a processor and is only ever run by `manage.py distill`, in a process of its own.
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from conversations.answers.encoders import EncoderAwayError
from conversations.answers.student.artefact import from_artefact, to_artefact
from conversations.answers.student.examining import Examination, Fault, examine, faults
from conversations.answers.student.labels import Material, gather
from conversations.answers.student.models import Problem, StudentState, TrainedStudent
from conversations.answers.student.promotion import promote
from conversations.answers.student.reading import Student
from conversations.answers.student.sensing import embeddings, teaching_encoder
from conversations.answers.student.shelf import student_of
from conversations.answers.student.tensors import ArtefactError
from conversations.answers.student.training import Options, TooLittleError, train

logger = logging.getLogger(__name__)

ARTEFACTS_KEPT: Final = 5


@dataclass(frozen=True)
class Outcome:
    """What a training came to."""

    student: TrainedStudent
    examination: Examination | None
    faults: tuple[Fault, ...] = ()
    problem: str = ""


def distill(row: TrainedStudent, *, may_go_live: bool = True) -> Outcome:
    """Train the student of this row, which its caller has marked as being trained."""
    began = time.perf_counter()
    material = gather()
    note_material(row, material)
    try:
        trained = taught(material, precision=row.precision)
    except TooLittleError as error:
        fail(row, Problem.TOO_LITTLE)
        return Outcome(row, None, problem=str(error))
    data = to_artefact(trained)
    # Examined is what was stored, not what was trained.
    stored = from_artefact(data)
    candidate = examined(stored, material)
    live, live_figures = examine_live(material)
    found = faults(candidate, live_figures, precision=row.precision)
    store(row, data, report=report_of(stored, candidate, material) | {"seconds": time.perf_counter() - began})
    note_comparison(row, {"live": live, "figures": live_figures and live_figures.to_json(), "faults": found})
    if may_go_live and not found:
        promote(row.pk, by=row.wanted_by)
    clear_old_artefacts()
    row.refresh_from_db()
    return Outcome(row, candidate, tuple(found))


def taught(material: Material, *, precision: float) -> Student:
    """Return a student of this material. Raises TooLittleError.

    With the operator's encoder, where there is one; one that goes away meanwhile is done without.
    """
    options = Options(precision=precision)
    try:
        return train(material.learnt, options=options, encoder=teaching_encoder())
    except EncoderAwayError as error:
        logger.warning("a student is trained without vectors: %s", error)
        return train(material.learnt, options=options)


def examined(student: Student, material: Material) -> Examination:
    """Return how a student does as it would work today: with its encoder's vectors if that encoder is in use."""
    embedded = embeddings(student, [row.text for row in material.held])
    return examine(student, material.held, embedded=embedded)


def report_of(student: Student, examination: Examination, material: Material) -> dict[str, Any]:
    """Return an examination as JSON; of one that reads vectors, also how it does without."""
    report = examination.to_json()
    if student.sense is None:
        return report
    alone = examine(student, material.held)
    shares = {"accuracy": alone.accuracy, "coverage": alone.coverage, "precision": alone.precision}
    return report | {"encoder": student.sense.encoder, "without_vectors": shares}


def begin(row: TrainedStudent) -> bool:
    """Mark a student as being trained. False if somebody else has."""
    wanted = TrainedStudent.objects.filter(pk=row.pk, state=StudentState.WANTED)
    row.state, row.begun_at = StudentState.TRAINING, timezone.now()
    return bool(wanted.update(state=row.state, begun_at=row.begun_at))


def note_material(row: TrainedStudent, material: Material) -> None:
    """Write down what it learns from."""
    row.rows, row.held_rows = len(material.learnt), len(material.held)
    row.sources, row.data_hash = material.sources, material.data_hash
    row.save(update_fields=["rows", "held_rows", "sources", "data_hash"])


def examine_live(material: Material) -> tuple[int | None, Examination | None]:
    """Return the student at work and how it does on the same rows; one that can't be loaded is none."""
    live = TrainedStudent.objects.filter(state=StudentState.LIVE).first()
    student = loaded(live) if live else None
    if live is None or student is None:
        return None, None
    return live.pk, examined(student, material)


def loaded(live: TrainedStudent) -> Student | None:
    """Return a student from its row, or None where its bytes are damaged."""
    try:
        return student_of(bytes(live.artefact or b""), artefact_hash=live.artefact_hash)
    except ArtefactError:
        return None


def store(row: TrainedStudent, data: bytes, *, report: dict[str, Any]) -> None:
    """Keep the artefact and how it did."""
    row.artefact, row.artefact_hash, row.report = data, hashlib.sha256(data).hexdigest(), report
    row.state, row.trained_at = StudentState.READY, timezone.now()
    row.save(update_fields=["artefact", "artefact_hash", "report", "state", "trained_at"])


def note_comparison(row: TrainedStudent, comparison: dict[str, Any]) -> None:
    """Keep what the comparison with the one at work said; one with faults is refused."""
    row.comparison = comparison
    row.state = StudentState.REFUSED if comparison["faults"] else StudentState.READY
    row.save(update_fields=["comparison", "state"])


def fail(row: TrainedStudent, problem: Problem) -> None:
    """Keep why there is no student."""
    row.state, row.problem, row.trained_at = StudentState.FAILED, problem, timezone.now()
    row.save(update_fields=["state", "problem", "trained_at"])
    logger.warning("student %d wasn't trained: %s", row.pk, problem)


@transaction.atomic
def clear_old_artefacts() -> None:
    """Drop the bytes of all but the newest students; what they were stays."""
    kept = TrainedStudent.objects.filter(artefact__isnull=False).order_by("-pk").values_list("pk", flat=True)
    old = TrainedStudent.objects.exclude(state__in=[StudentState.LIVE, StudentState.READY])
    old.exclude(pk__in=list(kept[:ARTEFACTS_KEPT])).update(artefact=None)
