"""A run's life: opened, kept alive, extended, and ended in exactly one of the ways below.

Every change of a run's state happens under its conversation's row lock, so a run that ends and an owner that changes
cannot pass each other.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from conversations.actions.append import Verdict, append_bot_message, message_item
from conversations.actions.ownership import escalate_locked, save_and_announce
from conversations.events.frames import run_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import announce
from conversations.models import Conversation, Message, Reason, Run, RunState

LEASE_SECONDS = 10.0
REPLY_FIELDS = ("head_seq", "answered_seq", "last_message_at")


@dataclass(frozen=True)
class Figures:
    """What making a reply took: times in milliseconds, tokens as the provider counted them.

    `release` is the number of the playbook's release, `raw` the model's own last answer as it came.
    """

    provider: str = ""
    model: str = ""
    attempts: int = 0
    first_token_ms: int | None = None
    total_ms: int | None = None
    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    is_repaired: bool = False
    trace: dict[str, object] = field(default_factory=dict)
    release: int | None = None
    raw: str = ""


@dataclass(frozen=True)
class Ended:
    """How a run ended: the stored message, if there is one, and whether the customer meanwhile wrote more."""

    message: Message | None
    wants_reply: bool


LOST = Ended(message=None, wants_reply=False)


def open_run(conversation_id: int, *, worker: str) -> tuple[Conversation, Run] | None:
    """Open the run that answers everything unanswered. None if nothing is, or a run is already open."""
    try:
        return _open(conversation_id, worker=worker)
    except IntegrityError:
        if Run.objects.open().filter(conversation_id=conversation_id).exists():
            return None
        raise


@transaction.atomic
def _open(conversation_id: int, *, worker: str) -> tuple[Conversation, Run] | None:
    locked = Conversation.objects.locked(conversation_id)
    if not locked.is_unanswered:
        return None
    # No look whether a run is open, which is rare: the constraint finds it.
    run = Run.objects.create(
        conversation=locked,
        owner_epoch=locked.owner_epoch,
        covers_seq=locked.customer_seq,
        worker=worker,
        lease_until=_lease_end(),
    )
    announce(_run_item(run))
    return locked, run


def claim_overdue(conversation: Conversation) -> bool:
    """Note that the reply is asked for again. False if somebody else did so since the conversation was read."""
    as_read = Conversation.objects.unanswered().filter(
        pk=conversation.pk, reply_requested_at=conversation.reply_requested_at
    )
    return bool(as_read.update(reply_requested_at=timezone.now()))


@transaction.atomic
def extend_run(run_id: int) -> Conversation | None:
    """Let an open run answer what the customer wrote since. None if there is nothing more, or the run has ended."""
    held = _locked_open(run_id)
    if held is None:
        return None
    locked, run = held
    if run.covers_seq >= locked.customer_seq:
        return None
    run.covers_seq = locked.customer_seq
    run.save(update_fields=["covers_seq"])
    announce(_run_item(run))
    return locked


def renew_leases(run_ids: Collection[int]) -> set[int]:
    """Renew the leases of runs that are still open, and return their ids; the others are no longer the caller's."""
    still_open = Run.objects.open().filter(pk__in=run_ids)
    still_open.update(lease_until=_lease_end())
    return set(still_open.values_list("pk", flat=True))


@transaction.atomic
def finish_run(run_id: int, *, text: str, verdict: Verdict, figures: Figures) -> Ended:
    """Store the reply; escalate where the bot asked for it. LOST if the run had been taken away."""
    held = _locked_open(run_id)
    if held is None:
        return LOST
    locked, run = held
    message = append_bot_message(locked, run_id=run.pk, text=text, verdict=verdict, is_stopped=False)
    locked.answered_seq = run.covers_seq
    _end(run, state=RunState.CLOSED, outcome="escalated" if verdict.escalate else "answered", figures=figures)
    announce(message_item(message), _run_item(run))
    if verdict.escalate:
        _escalate(locked, reason=Reason.MODEL)
        return Ended(message, wants_reply=False)
    locked.save(update_fields=REPLY_FIELDS)
    return Ended(message, wants_reply=locked.is_unanswered)


@transaction.atomic
def stop_run(run_id: int, *, shown_text: str, figures: Figures) -> Ended:
    """End a run because the customer said stop; what was shown stays as a message."""
    held = _locked_open(run_id)
    if held is None:
        return LOST
    locked, run = held
    message = None
    if shown_text.strip():
        message = append_bot_message(locked, run_id=run.pk, text=shown_text, verdict=None, is_stopped=True)
    locked.answered_seq = run.covers_seq
    _end(run, state=RunState.CLOSED if message else RunState.DISCARDED, outcome="stopped", figures=figures)
    announce(*([message_item(message)] if message else []), _run_item(run))
    locked.save(update_fields=REPLY_FIELDS)
    return Ended(message, wants_reply=locked.is_unanswered)


@transaction.atomic
def fail_run(run_id: int, *, reason: Reason, outcome: str, figures: Figures) -> bool:
    """Throw a run away for good and bring in a person, who sees the unanswered question. False if already ended."""
    held = _locked_open(run_id)
    if held is None:
        return False
    locked, run = held
    _end(run, state=RunState.DISCARDED, outcome=outcome, figures=figures)
    announce(_run_item(run))
    _escalate(locked, reason=reason)
    return True


@transaction.atomic
def drop_run(run_id: int, *, outcome: str, figures: Figures | None = None) -> bool:
    """Throw a run away so that another can be opened for the same messages. False if it had already ended."""
    held = _locked_open(run_id)
    if held is None:
        return False
    _locked, run = held
    _end(run, state=RunState.DISCARDED, outcome=outcome, figures=figures or Figures())
    announce(_run_item(run))
    return True


def _locked_open(run_id: int) -> tuple[Conversation, Run] | None:
    locked = Conversation.objects.locked_by_open_run(run_id)
    if locked is None:
        return None
    # Looked at again under the lock: somebody may have ended the run while we waited for it.
    run = Run.objects.open().filter(pk=run_id).first()
    return (locked, run) if run else None


def _end(run: Run, *, state: RunState, outcome: str, figures: Figures) -> None:
    for name, value in vars(figures).items():
        setattr(run, name, value)
    run.state, run.outcome, run.ended_at = state, outcome, timezone.now()
    run.save(update_fields=["state", "outcome", "ended_at", *vars(figures)])


def _escalate(locked: Conversation, *, reason: Reason) -> None:
    _escalation, items, message = escalate_locked(locked, reason=reason)
    save_and_announce(locked, items=items, messages=[message])


def _run_item(run: Run) -> Item:
    return Item(conversation_topic(run.conversation_id), Kind.RUN, run_frame(run), epoch=run.owner_epoch, run=run.pk)


def _lease_end() -> datetime:
    return timezone.now() + timedelta(seconds=LEASE_SECONDS)
