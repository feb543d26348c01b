"""The project: settings, wiring and processes. The product itself lives in `conversations`."""

from csbot.celery import app as celery_app

__all__ = ["celery_app"]
