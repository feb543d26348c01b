"""A release's life: frozen from the draft, checked, published, taken back. Exactly one is live.

Every change of what is live happens in one transaction with the row that says who did it and why, and is refused
(`RefusedError`) if somebody else changed it since the one who asks looked. What is frozen never changes.
"""

from collections.abc import Mapping
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.playbook.audit import Actor, name_of, record
from conversations.playbook.content import Playbook, content_hash, from_content, to_content
from conversations.playbook.differences import Change, ChangeKind, FieldChange, Part, diff
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import CheckState, Publication, PublicationKind, Release, Verb
from conversations.playbook.models.releases import MAX_REASON_CHARS

__all__ = [
    "Change",
    "ChangeKind",
    "FieldChange",
    "Part",
    "RefusedError",
    "diff",
    "freeze",
    "live_release",
    "mark_checked",
    "playbook_of",
    "publish",
    "publish_first",
    "roll_back",
]

# Any number that nothing else in this database uses as an advisory lock of a transaction.
RELEASES_LOCK: Final = 7_203_511_847
VERBS: Final = {
    PublicationKind.FIRST: Verb.PUBLISH,
    PublicationKind.PUBLISH: Verb.PUBLISH,
    PublicationKind.OVERRIDE: Verb.OVERRIDE,
    PublicationKind.ROLLBACK: Verb.ROLLBACK,
}


class RefusedError(Exception):
    """It can't be done from how things stand; the text says why, for people."""


def live_release() -> Release | None:
    """Return the release that customers meet; None in a shop that never published."""
    return Release.objects.live().first()


def playbook_of(release: Release) -> Playbook:
    """Return what a release says."""
    return from_content(release.content, number=release.number)


@transaction.atomic
def freeze(*, author: Actor, comment: str = "") -> Release:
    """Return the draft as a release: a new one, or the one that says the same already."""
    one_at_a_time()
    draft = read_draft()
    return same_as(draft) or _new_release(draft, author=author, comment=comment)


def one_at_a_time() -> None:
    """Wait until nobody else is in a transaction that numbers or publishes releases."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [RELEASES_LOCK])


def same_as(draft: Playbook) -> Release | None:
    """Return the release that says what the draft says: the live one first, whose hash an older csbot may have made."""
    live = live_release()
    if live is not None and playbook_of(live).version == draft.version:
        return live
    return Release.objects.filter(content_hash=content_hash(draft)).first()


def _new_release(draft: Playbook, *, author: Actor, comment: str) -> Release:
    last = Release.objects.aggregate(last=Max("number"))["last"] or 0
    release = Release.objects.create(
        number=last + 1,
        content=to_content(draft),
        content_hash=content_hash(draft),
        author_id=author.pk if author else None,
        author_name=name_of(author),
        comment=comment.strip()[:MAX_REASON_CHARS],
    )
    record(author, Verb.FREEZE, release, reason=release.comment)
    return release


@transaction.atomic
def mark_checked(release_id: int, *, is_green: bool, summary: Mapping[str, Any]) -> None:
    """Keep what an evaluation found out about a release; a later one replaces it.

    `summary["baseline"]` is the number of the release it was compared with: it must still be the live one when this
    one is published.
    """
    release = Release.objects.slim().get(pk=release_id)
    found = CheckState.GREEN if is_green else CheckState.RED
    same = Release.objects.filter(pk=release_id)
    same.update(check_state=found, checked_at=timezone.now(), check_summary=dict(summary))
    record(None, Verb.CHECK, release, changes={"check_state": (release.check_state, found.value)})


def publish(release: Release, *, by: Actor, reason: str = "", over: int | None = None) -> Publication:
    """Let customers meet a release. It must have passed its check, unless there is a reason (kind OVERRIDE).

    `over` is the number of the release that was live when the person decided. Two who publish at the same moment: the
    second is refused and nothing of his is lost, for his release stays.
    """
    live = live_release()
    checked = Release.objects.slim().get(pk=release.pk)
    if live is not None and over is not None and live.number != over:
        raise moved(live.number)
    kind = PublicationKind.PUBLISH
    if problem := check_problem(checked, live=live):
        if not reason.strip():
            raise RefusedError(problem)
        kind = PublicationKind.OVERRIDE
    return _make_live(checked, previous=live, kind=kind, by=by, reason=reason)


def check_problem(release: Release, *, live: Release | None) -> str:
    """Return why a release may not be published without a reason; "" where it may."""
    match release.check_state:
        case CheckState.RED:
            return _("Release %(number)d failed its check. Publishing it needs a reason.") % {"number": release.number}
        case CheckState.UNCHECKED:
            return _("Release %(number)d is not checked yet. Check it first, or say why not.") % {
                "number": release.number
            }
    baseline = release.check_summary.get("baseline")
    if live is not None and isinstance(baseline, int) and baseline != live.number:
        return _(
            "Release %(number)d was compared with release %(old)d, but %(live)d is live by now. Check it again."
        ) % {
            "number": release.number,
            "old": baseline,
            "live": live.number,
        }
    return ""


def roll_back(*, to: Release, by: Actor, reason: str = "", over: int | None = None) -> Publication:
    """Let customers meet again a release that was live before. `over` as for `publish`."""
    live = live_release()
    if live is not None and over is not None and live.number != over:
        raise moved(live.number)
    if not Publication.objects.filter(release=to).exists():
        raise RefusedError(_("Release %(number)d was never live. Publish it instead.") % {"number": to.number})
    return _make_live(to, previous=live, kind=PublicationKind.ROLLBACK, by=by, reason=reason)


def publish_first() -> Publication | None:
    """Publish what the tables say as the first release; None, and nothing is done, where there is a release already."""
    with transaction.atomic():
        one_at_a_time()
        if Release.objects.exists() or not read_draft().instruction:
            return None
        release = freeze(author=None)
        return _make_live(release, previous=None, kind=PublicationKind.FIRST, by=None, reason="")


@transaction.atomic
def _make_live(
    release: Release, *, previous: Release | None, kind: PublicationKind, by: Actor, reason: str
) -> Publication:
    """Switch, if what was live when the caller looked still is: the second of two waits here, and is refused."""
    one_at_a_time()
    if previous is not None and previous.pk == release.pk:
        raise RefusedError(_("Release %(number)d is live already.") % {"number": release.number})
    taken = Release.objects.live().filter(pk=previous.pk).update(is_live=False) if previous else not live_release()
    if not taken:
        raise moved(Release.objects.live().values_list("number", flat=True).get())
    Release.objects.filter(pk=release.pk).update(is_live=True)
    publication = Publication.objects.create(
        release_id=release.pk,
        previous=previous,
        by_id=by.pk if by else None,
        by_name=name_of(by),
        kind=kind,
        reason=reason.strip()[:MAX_REASON_CHARS],
    )
    numbers = (previous.number if previous else None, release.number)
    record(by, VERBS[kind], release, changes={"live": numbers}, reason=publication.reason)
    return publication


def moved(live: int) -> RefusedError:
    """Return the refusal for somebody who decided before another release went live."""
    return RefusedError(
        _("Somebody else was quicker: release %(live)d is live now. Look at what differs, then decide again.")
        % {"live": live}
    )
