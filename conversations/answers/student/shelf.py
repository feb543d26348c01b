"""The student at work as this process knows it: looked up every two seconds, loaded when it has changed.

On an asyncio loop it is looked up beside it, by a database thread; until then what was known goes on.
"""

import asyncio
import hashlib
import logging
import threading
import time
from dataclasses import dataclass
from typing import Final

from django.db import DatabaseError
from django.db.models import Exists

from conversations.answers.student.artefact import from_artefact
from conversations.answers.student.models import StudentPolicy, TrainedStudent
from conversations.answers.student.reading import Student
from conversations.answers.student.tensors import ArtefactError
from conversations.database import database_threads, on_kept_connection

logger = logging.getLogger(__name__)

LOOK_SECONDS: Final = 2.0
NONE: Final = (0, "", False)


@dataclass(frozen=True, slots=True)
class Held:
    """What was loaded last; no student where none is at work, or its bytes are not what they were."""

    number: int = 0
    artefact_hash: str = ""
    student: Student | None = None


class Shelf:
    """Holds the student at work. One thread at a time looks; the others go on with what there is."""

    def __init__(self) -> None:
        self._held = Held()
        self._is_steering = False
        self._look_at = 0.0
        self._lock = threading.Lock()

    def current(self) -> Student | None:
        """Return the student at work, or None."""
        if time.monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            self._look_at = time.monotonic() + LOOK_SECONDS
            if has_loop():
                database_threads().submit(on_kept_connection, self._look)
            else:
                self._look()
        return self._held.student

    def forget(self) -> None:
        """Look again at the next call."""
        self._look_at = 0.0

    def number(self) -> int:
        """Return which student `current` gave; 0 for none."""
        return self._held.number if self._held.student else 0

    def steering_student(self) -> Student | None:
        """Return the student at work if it may choose models and profiles, else None."""
        student = self.current()
        return student if self._is_steering else None

    def _look(self) -> None:
        try:
            steering = Exists(StudentPolicy.objects.filter(is_steering=True))
            live = TrainedStudent.objects.live().filter(stopped_at=None)
            number, artefact_hash, is_steering = live.values_list("pk", "artefact_hash", steering).first() or NONE
            self._is_steering = is_steering
            if not number:
                self._held = Held()
            elif (number, artefact_hash) != (self._held.number, self._held.artefact_hash):
                self._held = load(number, artefact_hash)
        except DatabaseError as error:
            # It is looked for again soon; a database that is away is everybody's trouble.
            logger.warning("the student was not looked up: %s", type(error).__name__)
        finally:
            self._lock.release()


def has_loop() -> bool:
    """Whether this thread runs an asyncio loop, which must not wait for a database."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


SHELF: Final = Shelf()


def current_student() -> Student | None:
    """Return the student at work, or None: there is none, or it was stopped because it drifted."""
    return SHELF.current()


def load(number: int, artefact_hash: str) -> Held:
    """Read a student's bytes and make it of them; bytes that aren't what was stored make none."""
    data = TrainedStudent.objects.filter(pk=number).values_list("artefact", flat=True).first()
    try:
        student = student_of(bytes(data or b""), artefact_hash=artefact_hash)
    except ArtefactError as error:
        logger.error("student %d can't be used: %s", number, error)
        return Held(number, artefact_hash)
    # The first judgement builds what the others use.
    student.judge("")
    return Held(number, artefact_hash, student)


def student_of(data: bytes, *, artefact_hash: str) -> Student:
    """Return the student in these bytes. Raises ArtefactError where they aren't what the hash says."""
    if hashlib.sha256(data).hexdigest() != artefact_hash:
        raise ArtefactError("the bytes are not those that were stored")
    return from_artefact(data)
