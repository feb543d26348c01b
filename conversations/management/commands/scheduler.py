"""The scheduler process: runs the upkeep jobs when they are due, until it is told to stop."""

import logging
import signal
import threading
import time
from types import FrameType

from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from conversations.upkeep import JOBS, Job, run_alone

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    """Several may run, on one or many machines: a job runs in one of them at a time."""

    help = "Run csbot's periodic jobs: lost replies, waiting customers, expired sessions."
    # They would load every page.
    requires_system_checks = ()

    def handle(self, **_options: object) -> None:
        """Run until SIGTERM or SIGINT."""
        stopping = threading.Event()

        def stop(_signal: int, _frame: FrameType | None) -> None:
            stopping.set()

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        run_until(stopping)


def run_until(stopping: threading.Event) -> None:
    """Run each job when it is due until the event is set."""
    due_at = dict.fromkeys(JOBS, time.monotonic())
    while not stopping.is_set():
        now = time.monotonic()
        for job in (job for job in JOBS if due_at[job] <= now):
            run_safely(job)
            due_at[job] = time.monotonic() + job.every_seconds
        stopping.wait(max(0.0, min(due_at.values()) - time.monotonic()))


def run_safely(job: Job) -> None:
    """Run a job; a database that is away is waited for."""
    try:
        run_alone(job)
    except DatabaseError as error:
        logger.warning("job %s failed: %s", job.work.__name__, type(error).__name__)
        connection.close()
