"""`manage.py distill`: train a student from the labels that models and staff gave."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from conversations.answers.student.distilling import Outcome, begin, distill, fail
from conversations.answers.student.models import DEFAULT_PRECISION, Problem, StudentState, TrainedStudent
from conversations.answers.student.promotion import sentences_of


class Command(BaseCommand):
    """Trains, examines, compares, and puts the student to work if it isn't worse than the one that is."""

    help = "Train a small classifier of intents and flags from the labels that models and staff gave."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add what may be chosen."""
        parser.add_argument("--student", type=int, help="train this one, which was asked for in the admin")
        parser.add_argument(
            "--precision", type=float, default=DEFAULT_PRECISION, help="share of sure judgements that must be right"
        )
        parser.add_argument("--no-promote", action="store_true", help="don't put it to work, even if it is better")

    def handle(self, *, student: int | None, precision: float, no_promote: bool, **_options: object) -> None:
        """Train one student."""
        if not 0.5 <= precision < 1:
            raise CommandError("--precision is a share from 0.5 to below 1, such as 0.97")
        row = self.wanted(student) if student else TrainedStudent.objects.create(precision=precision)
        if not begin(row):
            raise CommandError(f"student {row.pk} isn't waiting for its training")
        try:
            outcome = distill(row, may_go_live=not no_promote)
        except BaseException:
            fail(row, Problem.BROKE_OFF)
            raise
        self.tell(outcome)

    def wanted(self, student: int) -> TrainedStudent:
        """Return the one that was asked for."""
        row = TrainedStudent.objects.without_artefact().filter(pk=student).first()
        if row is None:
            raise CommandError(f"there is no student {student}")
        return row

    def tell(self, outcome: Outcome) -> None:
        """Print what came of it."""
        row, figures = outcome.student, outcome.examination
        if figures is None:
            raise CommandError(f"student {row.pk} wasn't trained: {outcome.problem}")
        self.stdout.write(
            f"student {row.pk}: {row.rows} rows, {row.held_rows} held back, data {row.data_hash[:12]}\n"
            f"right {figures.accuracy:.1%}, sure of {figures.coverage:.1%}, "
            f"of those right {figures.precision or 0:.1%}; {figures.slowest_ms:.2f} ms (p99)"
        )
        for sentence in sentences_of(outcome.faults):
            self.stdout.write(f"not put to work: {sentence}")
        if row.state == StudentState.LIVE:
            self.stdout.write("it is at work")
