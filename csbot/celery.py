"""The Celery application. Tasks live in `conversations.tasks`."""

import os

from celery import Celery

# `celery -A csbot worker` comes here first, before anything names the settings.
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")

app = Celery("csbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
