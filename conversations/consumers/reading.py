"""What a socket reads of its conversation. Synchronous; call with `in_database`."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q

from conversations.actions.ownership import owner_item
from conversations.events.frames import message_frame
from conversations.models import Conversation, Message, Run, RunState, Sender

PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Stored:
    """A stored message as it goes out; `run_id` is the run that made it (0 = none)."""

    seq: int
    run_id: int
    frame: str


@dataclass(frozen=True, slots=True)
class Standing:
    """How a conversation stands, read so that nothing in it is newer than its messages.

    `owner_frame` is the `owner` frame; `open_run` what is being written; `ended_run` the run that was asked about, if
    it is no longer open; `messages` the first PAGE that were missed, and `is_complete` whether those are all.
    """

    conversation: Conversation
    owner_frame: str
    open_run: Run | None
    ended_run: Run | None
    messages: list[Stored]
    is_complete: bool


def read_standing(conversation_id: int, *, after_seq: int, known_run: int = 0) -> Standing | None:
    """Return how the conversation stands for a client that has all up to `after_seq`; None if it is gone.

    The order of the reads is part of the protocol: runs, then the owner, then the messages. A message that is stored
    in between may then be newer than the owner we tell, never older: no bot text follows a newer owner.
    """
    runs = list(Run.objects.filter(conversation_id=conversation_id).filter(Q(state=RunState.OPEN) | Q(pk=known_run)))
    owned = Conversation.objects.select_related("site", "agent").filter(pk=conversation_id).first()
    if owned is None:
        return None
    messages = _messages_after(after_seq, conversation=owned)
    answered = {message.run_id for message in messages}
    is_open = {run.pk: run.state == RunState.OPEN and run.owner_epoch >= owned.owner_epoch for run in runs}
    return Standing(
        conversation=owned,
        owner_frame=owner_item(owned).frame,
        open_run=next((run for run in runs if is_open[run.pk] and run.pk not in answered), None),
        ended_run=next((run for run in runs if run.pk == known_run and run.state != RunState.OPEN), None),
        messages=messages,
        is_complete=len(messages) < PAGE,
    )


def _messages_after(seq: int, *, conversation: Conversation) -> list[Stored]:
    if conversation.head_seq <= seq:
        return []
    missed = Message.objects.after(seq, conversation_id=conversation.pk)[:PAGE]
    return [Stored(message.seq, message.run_id or 0, message_frame(message)) for message in missed]


def read_messages(conversation_id: int, *, after_seq: int) -> list[Stored]:
    """Return the next page of missed messages."""
    missed = Message.objects.after(after_seq, conversation_id=conversation_id)[:PAGE]
    return [Stored(message.seq, message.run_id or 0, message_frame(message)) for message in missed]


def find_stored(conversation_id: int, *, client_id: UUID) -> Message | None:
    """Return the customer's message that came with this `client_id` before."""
    sent = Message.objects.filter(conversation_id=conversation_id, sender=Sender.CUSTOMER)
    return sent.filter(client_id=client_id).first()
