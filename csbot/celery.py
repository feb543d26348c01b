"""The Celery application. Tasks live in `conversations.tasks`."""

from celery import Celery

app = Celery("csbot")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
