"""A run's life: opened, kept alive, extended, and ended in exactly one of the ways below.

Every change of a run's state happens under its conversation's row lock, so a run that ends and an owner that changes
cannot pass each other.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import orjson
from django.db import transaction
from django.utils import timezone

from conversations.actions import statements
from conversations.actions.append import Verdict, append_bot_message, message_item
from conversations.actions.ownership import escalate_locked, save_and_announce
from conversations.database import parameter, row_of
from conversations.events.frames import run_frame
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import announce
from conversations.gateway.metering import CallWatch, record_calls
from conversations.models import Conversation, Message, Reason, Run, RunState, Sender, Spoken

LEASE_SECONDS = 10.0
REPLY_FIELDS = ("head_seq", "answered_seq", "last_message_at")
CONVERSATION_FIELDS = tuple(field.attname for field in Conversation._meta.concrete_fields)


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


@dataclass(frozen=True, slots=True)
class Stamps:
    """What changes when the shop's people change something: the playbook, the gateway's tables, the known answers."""

    playbook: UUID | None
    gateway: UUID | None
    answers: UUID | None


@dataclass(frozen=True, slots=True)
class Opened:
    """A run that was just opened, its conversation, and what else was read in the same breath.

    `spoken`: the newest messages of the episode, oldest first.
    """

    conversation: Conversation
    run: Run
    spoken: list[Spoken]
    stamps: Stamps


def read_stamps() -> Stamps:
    """Return the stamps as they are now."""
    return Stamps(*(row_of(statements.read_stamps(), ()) or (None, None, None)))


def open_run(conversation_id: int, *, worker: str, history: int = 60) -> Opened | None:
    """Open the run that answers everything unanswered. None if nothing is, or a run is already open.

    `history`: how many messages are read with it.
    """
    run = Run(conversation_id=conversation_id, worker=worker, lease_until=_lease_end())
    given = (conversation_id, *statements.RUN.parameters(run), history)
    row = row_of(statements.open_reply(), given)
    if row is None:
        return None
    run.pk, playbook, gateway, answers, said, *values = row
    conversation = Conversation.from_db("default", CONVERSATION_FIELDS, values)
    run.owner_epoch, run.covers_seq = conversation.owner_epoch, conversation.customer_seq
    announce(_run_item(run))
    spoken = [Spoken(*message) for message in orjson.loads(said or "[]")]
    if not any(message.seq == run.covers_seq for message in spoken):
        # The statement waited for the very message it is to answer.
        spoken = Message.objects.recent(conversation=conversation, limit=history)
    return Opened(conversation, run, spoken, Stamps(playbook, gateway, answers))


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


def finish_run(run_id: int, *, text: str, verdict: Verdict, figures: Figures, calls: Sequence[CallWatch] = ()) -> Ended:
    """Store the reply and what its calls took; escalate where the bot asked for it. LOST if the run was taken away."""
    if len(calls) == 1 and not verdict.escalate:
        return _finish_plainly(run_id, text=text, verdict=verdict, figures=figures, call=calls[0])
    with transaction.atomic():
        record_calls(run_id, calls)
        return _finish(run_id, text=text, verdict=verdict, figures=figures)


def _finish_plainly(run_id: int, *, text: str, verdict: Verdict, figures: Figures, call: CallWatch) -> Ended:
    """Store a reply that one call made and that needs nobody, in one round trip."""
    now = timezone.now()
    message = Message(sender=Sender.BOT, text=text, run_id=run_id, created_at=now, **vars(verdict))
    measured = vars(figures)
    written = [parameter(statements.RUN_FIELDS[name], value) for name, value in measured.items()]
    row = row_of(
        statements.finish_reply(tuple(measured)),
        (
            *(run_id, now, *written, now),
            *statements.BOT_MESSAGE.parameters(message),
            *statements.CALL.parameters(call.row(run_id=run_id)),
        ),
    )
    if row is None:
        return LOST
    message.pk, message.conversation_id, message.seq, covers_seq, owner_epoch, wants_reply = row
    run = Run(
        pk=run_id,
        conversation_id=message.conversation_id,
        state=RunState.CLOSED,
        covers_seq=covers_seq,
        owner_epoch=owner_epoch,
    )
    announce(message_item(message), _run_item(run))
    return Ended(message, wants_reply=wants_reply)


def _finish(run_id: int, *, text: str, verdict: Verdict, figures: Figures) -> Ended:
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
