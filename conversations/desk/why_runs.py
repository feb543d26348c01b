"""Reads the run that an address names."""

from typing import Final

from django.http import Http404

from conversations.models import Run

LARGEST_ID: Final = 2**63 - 1


def read_run(run_id: int) -> Run:
    """Return the run with its conversation. Raises Http404."""
    related = Run.objects.select_related("conversation__customer", "conversation__site")
    run = related.filter(pk=run_id).first() if run_id <= LARGEST_ID else None
    if run is None:
        raise Http404
    return run
