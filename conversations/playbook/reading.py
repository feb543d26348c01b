"""The live release as this process knows it: one cheap query per call tells whether it is still the one."""

import uuid
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from django.db.models import QuerySet, Subquery

from conversations.playbook.content import Playbook, from_content, make_playbook
from conversations.playbook.models import Release, Stamp

KEPT_RELEASES: Final = 8
EMPTY: Final = make_playbook("", intents=(), facts=(), examples=())


@dataclass(frozen=True, slots=True)
class Known:
    """A playbook and the stamp it was read under."""

    stamp: uuid.UUID | None
    playbook: Playbook


class Shelf:
    """Holds what was read last. Threads may read twice at the same moment; both get the same."""

    def __init__(self) -> None:
        self._known = Known(stamp=None, playbook=EMPTY)

    def current(self) -> Playbook:
        """Return the live release, read again if another one is live."""
        return self.at(read_stamp())

    def at(self, stamp: uuid.UUID | None) -> Playbook:
        """Return the live release, read again unless this stamp is that of what is known."""
        known = self._known
        if known.stamp != stamp:
            known = self._known = read_live()
        return known.playbook


SHELF = Shelf()


def current_playbook() -> Playbook:
    """Return what the bot knows now: the live release. Nothing at all where none was published yet."""
    return SHELF.current()


@lru_cache(maxsize=KEPT_RELEASES)
def playbook_of_release(release_id: int) -> Playbook:
    """Return a release's playbook. A release never changes, so it is read once."""
    release = Release.objects.get(pk=release_id)
    return from_content(release.content, number=release.number)


def read_stamp() -> uuid.UUID | None:
    """Return the value that changes whenever another release is live; None where none ever was."""
    return Stamp.objects.values_list("value", flat=True).first()


def read_live() -> Known:
    """Read stamp and content in one statement, so that they belong together."""
    stamp: Any = Stamp.objects.annotate(number=of_live("number"), content=of_live("content")).first()
    if stamp is None:
        return Known(stamp=None, playbook=EMPTY)
    if stamp.number is None:
        return Known(stamp=stamp.value, playbook=EMPTY)
    return Known(stamp=stamp.value, playbook=from_content(stamp.content, number=stamp.number))


def of_live(field: str) -> Subquery:
    """Return a field of the live release."""
    live: QuerySet[Any, Any] = Release.objects.live().values(field)
    return Subquery(live[:1])
