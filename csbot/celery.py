"""The Celery application. Tasks live in `conversations.tasks`."""

import os

from celery import Celery
from celery.signals import worker_ready

from csbot.pace import let_doors_go_first, set_pace

# `celery -A csbot worker` comes here first, before anything names the settings.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")

app = Celery("csbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@worker_ready.connect
def set_worker_pace(**_details: object) -> None:
    """Prepare the worker's process for its loop and threads, once everything is loaded."""
    set_pace()
    let_doors_go_first()
