"""Uploads that nobody imported don't stay: what customers wrote may stand in them."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from conversations.playbook.models import ExampleImport

KEPT_FOR: Final = timedelta(days=1)


def forget_old_uploads() -> None:
    """Delete the uploads of more than a day ago."""
    ExampleImport.objects.filter(created_at__lt=timezone.now() - KEPT_FOR).delete()
