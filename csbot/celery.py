"""The Celery application. Tasks live in `conversations.tasks`."""

import os

from celery import Celery
from celery.signals import worker_init, worker_ready

from conversations.llm.client import load_sdk
from csbot.gate import wait_at_gate
from csbot.pace import let_doors_go_first, set_pace

# `celery -A csbot worker` comes here first, before anything names the settings.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
# They would load every page, of which a worker serves none; `manage.py check` is what checks the code.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

app = Celery("csbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_init.connect
def load_all(**_details: object) -> None:
    """Load what the first reply would wait for, then wait for the database."""
    load_sdk()
    wait_at_gate()


@worker_ready.connect
def set_worker_pace(**_details: object) -> None:
    """Prepare the worker's process for its loop and threads, once everything is loaded."""
    set_pace()
    let_doors_go_first()
