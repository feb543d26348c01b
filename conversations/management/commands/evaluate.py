"""Asks a release real questions and says whether it may be published: the same gate as in the admin, for a shell.

    manage.py evaluate                          the draft beside the live release, all that publishing needs
    manage.py evaluate 7 --baseline 5 --junit report.xml --json report.json

Ends with 0 where nothing was lost, 1 on a regression, 2 where it can't be told.
"""

import asyncio
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from conversations.database import close_database_threads
from conversations.gateway.models import LanguageModel
from conversations.playbook.evaluation.claiming import cancel
from conversations.playbook.evaluation.gate import Judgment
from conversations.playbook.evaluation.reports import json_report, junit_report, name_of, words_on
from conversations.playbook.evaluation.starting import Wish, required_sets, start_run
from conversations.playbook.models import EvaluationRun, EvaluationSet, Release, RunState, RunVerdict
from conversations.playbook.models.evaluation import MAX_SAMPLES, Change
from conversations.playbook.releases import RefusedError, freeze, live_release
from conversations.replies.standalone import evaluate_here

DRAFT, LIVE, NOTHING = "draft", "live", "none"
LOOK_AGAIN_SECONDS: Final = 1.0
REGRESSION, UNKNOWN = 1, 2
QUESTION_CHARS: Final = 70
WORSE_SHOWN: Final = 20


class Command(BaseCommand):
    """Evaluate a release, report, and end as the gate says."""

    help = "Ask a release real questions; end with 1 if it does worse than the baseline beyond chance."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Say what to ask, and where to write."""
        parser.add_argument(
            "release",
            nargs="?",
            default=DRAFT,
            help=f"its number, {LIVE}, or {DRAFT} (default; it is frozen)",
        )
        parser.add_argument("--baseline", default=LIVE, help=f"its number, {LIVE} (default) or {NOTHING}")
        parser.add_argument("--set", action="append", default=[], dest="sets", metavar="NAME", help="may be repeated")
        parser.add_argument("--samples", type=int, help="answers a question; default: as the sets say")
        parser.add_argument("--model", default="", help="the model's name; default: who answers customers first")
        parser.add_argument("--json", type=Path, help="write the whole report here")
        parser.add_argument("--junit", type=Path, help="write JUnit XML here")

    def handle(self, **options: Any) -> None:  # noqa: ANN401 - Django's own
        """Run it and report."""
        try:
            run = start_run(wish_of(options), by=None)
        except RefusedError as refusal:
            raise CommandError(str(refusal), returncode=UNKNOWN) from refusal
        self.stdout.write(f"evaluation {run.pk}: {run.total} answers of release {run.release.number}")
        try:
            self.work(run)
        except KeyboardInterrupt:
            cancel(run.pk)
            raise CommandError("stopped", returncode=UNKNOWN) from None
        self.report(EvaluationRun.objects.slim().get(pk=run.pk), options)

    def work(self, run: EvaluationRun) -> None:
        """Do it here, or wait for the worker that does; and for one at a time, as workers do."""
        try:
            while not asyncio.run(evaluate_here(run.pk)):
                if EvaluationRun.objects.get(pk=run.pk).is_over:
                    return
                time.sleep(LOOK_AGAIN_SECONDS)
        finally:
            close_database_threads()

    def report(self, run: EvaluationRun, options: dict[str, Any]) -> None:
        """Write the reports, say how it went, and end accordingly."""
        for path, make in ((options["json"], json_report), (options["junit"], junit_report)):
            if path is not None:
                path.write_bytes(make(run))
        for line in lines_on(run):
            self.stdout.write(line)
        if run.verdict == RunVerdict.RED:
            raise CommandError("the release does worse than the baseline", returncode=REGRESSION)
        if run.state != RunState.DONE or run.verdict != RunVerdict.GREEN:
            raise CommandError(f"it can't be told: {run.problem or run.state}", returncode=UNKNOWN)


def wish_of(options: dict[str, Any]) -> Wish:
    """Return what is to be evaluated. Raises CommandError where something named isn't there."""
    if options["samples"] is not None and not 1 <= options["samples"] <= MAX_SAMPLES:
        raise CommandError(f"--samples must be 1 to {MAX_SAMPLES}", returncode=UNKNOWN)
    return Wish(
        release=release_named(options["release"]),
        baseline=None if options["baseline"] == NOTHING else release_named(options["baseline"]),
        sets=[set_named(name) for name in options["sets"]] or required_sets(),
        samples=options["samples"],
        model_id=model_named(options["model"]),
    )


def release_named(name: str) -> Release:
    """Return the release that a word or number stands for; the draft is frozen."""
    if name == DRAFT:
        return freeze(author=None, comment="manage.py evaluate")
    number = int(name) if name.isdecimal() else 0
    found = live_release() if name == LIVE else Release.objects.filter(number=number).first()
    if found is None:
        raise CommandError(f"there is no release {name}", returncode=UNKNOWN)
    return found


def set_named(name: str) -> EvaluationSet:
    """Return a case set by its name."""
    found = EvaluationSet.objects.filter(name=name).first()
    if found is None:
        raise CommandError(f"there is no case set {name}", returncode=UNKNOWN)
    return found


def model_named(name: str) -> int | None:
    """Return the id of a model by its name; None for no name."""
    if not name:
        return None
    found = LanguageModel.objects.filter(name=name).values_list("pk", flat=True).first()
    if found is None:
        raise CommandError(f"there is no model {name}", returncode=UNKNOWN)
    return found


def lines_on(run: EvaluationRun) -> Iterator[str]:
    """Yield how it went, in words."""
    if not run.judgment:
        return
    for finding in Judgment.from_json(run.judgment).findings:
        mark = "LOST" if finding.is_loss else "ok"
        yield f"  {mark:4}  {name_of(finding)}: {words_on(finding)}"
    worse = run.items.filter(change=Change.WORSE)
    yield f"better: {run.items.filter(change=Change.BETTER).count()} cases, worse: {worse.count()}"
    for item in worse[:WORSE_SHOWN]:
        question = " ".join(item.content["question"].split())[:QUESTION_CHARS]
        yield f"  {item.number}: {item.old_good} -> {item.new_good} good of {item.new_told}: {question}"
