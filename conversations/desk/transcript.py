"""A conversation as the page shows it: messages with what the bot decided and what it took, notes, escalations.

Everything here is plain data for `static/desk/`; texts are as they were written and must only ever become text nodes.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, TypedDict

from django.contrib.auth.models import AbstractBaseUser
from django.db.models import Q
from django.urls import reverse

from conversations.actions.ownership import expectation, is_held_by
from conversations.actions.people import display_name
from conversations.actions.rights import may_answer
from conversations.desk.corrections_doors import doors_of
from conversations.events.frames import Expect, iso
from conversations.models import Conversation, Escalation, Message, Note, Owner, Reason, Run, RunState

PAGE_MESSAGES: Final = 50
CATCH_UP_MESSAGES: Final = 500
ESCALATIONS: Final = 20


class MessageRow(TypedDict):
    """One stored message; `intent` and the two flags are the bot's, None or blank for everybody else's."""

    seq: int
    id: str
    sender: str
    text: str
    at: str
    agent: str
    run: str | None
    intent: str
    action_required: bool | None
    escalate: bool | None
    stopped: bool
    code: str
    correct: str
    correction: str


class RunRow(TypedDict):
    """What making one reply took."""

    id: str
    state: str
    outcome: str
    reply_to: int
    provider: str
    model: str
    attempts: int
    first_token_ms: int | None
    total_ms: int | None
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    is_repaired: bool
    trace: dict[str, object]
    why: str


class NoteRow(TypedDict):
    """One internal note."""

    id: int
    after_seq: int
    author: str
    text: str
    at: str


class EscalationRow(TypedDict):
    """One time the conversation was handed to people."""

    id: int
    reason: str
    detail: str
    opened_at: str
    taken_at: str | None
    taken_by: str
    closed_at: str | None


class Head(TypedDict):
    """How the conversation stands: who answers, and what the person looking at it may do."""

    owner: str
    owner_epoch: int
    agent: str
    agent_id: int | None
    is_mine: bool
    can_answer: bool
    expect: Expect | None
    head_seq: int
    customer_seq: int
    answered_seq: int
    read_seq: int
    rating: int | None
    rating_comment: str


class Transcript(TypedDict):
    """A part of a conversation, oldest first, with all that belongs to it."""

    head: Head
    messages: list[MessageRow]
    runs: list[RunRow]
    notes: list[NoteRow]
    escalations: list[EscalationRow]
    has_earlier: bool


def newest_part(conversation: Conversation, *, user: AbstractBaseUser) -> Transcript:
    """Return the newest messages."""
    return earlier_part(conversation, before=conversation.head_seq + 1, user=user)


def earlier_part(conversation: Conversation, *, before: int, user: AbstractBaseUser) -> Transcript:
    """Return the messages just before `before`."""
    first = max(before - PAGE_MESSAGES, 1)
    messages = list(conversation.messages.filter(seq__gte=first, seq__lt=before).order_by("seq"))
    return _part(conversation, messages=messages, window=range(0 if first == 1 else first, before), user=user)


def later_part(conversation: Conversation, *, after: int, user: AbstractBaseUser) -> Transcript:
    """Return the messages after `after`, at most CATCH_UP_MESSAGES, and the notes since that one."""
    messages = list(Message.objects.after(after, conversation_id=conversation.pk)[:CATCH_UP_MESSAGES])
    last = messages[-1].seq if messages else max(after, conversation.head_seq)
    return _part(conversation, messages=messages, window=range(after, last + 1), user=user)


def _part(
    conversation: Conversation, *, messages: Sequence[Message], window: range, user: AbstractBaseUser
) -> Transcript:
    notes = conversation.notes.filter(after_seq__gte=window.start, after_seq__lt=window.stop).order_by("pk")
    # Runs that made one of these messages, and those that made none: what the bot tried in vain is worth seeing.
    made = Q(pk__in=[message.run_id for message in messages if message.run_id])
    in_vain = Q(state=RunState.DISCARDED, covers_seq__gte=window.start, covers_seq__lt=window.stop)
    doors = doors_of(messages, person=user)
    escalations = conversation.escalations.select_related("taken_by").order_by("-opened_at")[:ESCALATIONS]
    return {
        "head": head_of(conversation, user=user),
        "messages": [_message_row(message, *doors.get(message.pk, ("", ""))) for message in messages],
        "runs": [_run_row(run) for run in conversation.runs.filter(made | in_vain).order_by("pk")],
        "notes": [_note_row(note) for note in notes],
        "escalations": _escalation_rows(escalations),
        "has_earlier": window.start > 1,
    }


def head_of(conversation: Conversation, *, user: AbstractBaseUser) -> Head:
    """Return how the conversation stands, for `user`."""
    return {
        "owner": Owner(conversation.owner).value,
        "owner_epoch": conversation.owner_epoch,
        "agent": display_name(conversation.agent) if conversation.agent else "",
        "agent_id": conversation.agent_id,
        "is_mine": is_held_by(conversation, agent=user),
        "can_answer": may_answer(user),
        "expect": expectation(conversation),
        "head_seq": conversation.head_seq,
        "customer_seq": conversation.customer_seq,
        "answered_seq": conversation.answered_seq,
        "read_seq": conversation.read_seq,
        "rating": conversation.rating,
        "rating_comment": conversation.rating_comment,
    }


def _message_row(message: Message, correct: str, correction: str) -> MessageRow:
    return {
        "seq": message.seq,
        "id": str(message.pk),
        "sender": message.sender,
        "text": message.text,
        "at": iso(message.created_at),
        "agent": message.agent_name,
        "run": str(message.run_id) if message.run_id else None,
        "intent": message.intent,
        "action_required": message.action_required,
        "escalate": message.escalate,
        "stopped": message.is_stopped,
        "code": message.code,
        "correct": correct,
        "correction": correction,
    }


def _run_row(run: Run) -> RunRow:
    return {
        "id": str(run.pk),
        "state": run.state,
        "outcome": run.outcome,
        "reply_to": run.covers_seq,
        "provider": run.provider,
        "model": run.model,
        "attempts": run.attempts,
        "first_token_ms": run.first_token_ms,
        "total_ms": run.total_ms,
        "prompt_tokens": run.prompt_tokens,
        "cached_tokens": run.cached_tokens,
        "completion_tokens": run.completion_tokens,
        "reasoning_tokens": run.reasoning_tokens,
        "is_repaired": run.is_repaired,
        "trace": run.trace,
        "why": reverse("admin:run-why", args=[run.pk]),
    }


def _note_row(note: Note) -> NoteRow:
    return {
        "id": note.pk,
        "after_seq": note.after_seq,
        "author": note.author_name,
        "text": note.text,
        "at": iso(note.created_at),
    }


def _escalation_rows(escalations: Iterable[Escalation]) -> list[EscalationRow]:
    return [
        {
            "id": escalation.pk,
            "reason": str(Reason(escalation.reason).label),
            "detail": escalation.detail,
            "opened_at": iso(escalation.opened_at),
            "taken_at": _iso_or_none(escalation.taken_at),
            "taken_by": display_name(escalation.taken_by) if escalation.taken_by else "",
            "closed_at": _iso_or_none(escalation.closed_at),
        }
        for escalation in escalations
    ]


def _iso_or_none(moment: datetime | None) -> str | None:
    return iso(moment) if moment else None


def addresses(conversation_id: int) -> dict[str, str]:
    """Return the addresses of the doors that the conversation's page knocks at."""
    names = ("live", "take", "take-over", "reply", "note", "hand-back", "resolve", "escalate")
    return {name.replace("-", "_"): reverse(f"admin:desk-{name}", args=[conversation_id]) for name in names}
