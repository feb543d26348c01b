"""What a socket reads of its conversation. Synchronous; call with `in_database`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q

from conversations.actions import statements
from conversations.actions.ownership import owner_item
from conversations.database import rows_of
from conversations.events.frames import message_frame, owner_frame
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


@dataclass(frozen=True, slots=True)
class Client:
    """Whose widget asks how its conversation stands: it has all messages up to `after_seq`."""

    conversation_id: int
    after_seq: int


def read_standings(clients: Sequence[Client]) -> list[Standing | None]:
    """Return how things stand for many clients, in one or two round trips for all.

    None where a person is concerned, or the conversation is gone: that is `read_standing`'s. The order of the reads is
    the same: runs and owner of one moment, then the messages.
    """
    rows = rows_of(statements.read_standings(), (list({client.conversation_id for client in clients}),))
    found = {
        row[0]: (Conversation.from_db("default", statements.STANDING_COLUMNS, row[:-2]), *row[-2:]) for row in rows
    }
    behind = {
        client
        for client in clients
        if client.conversation_id in found and found[client.conversation_id][0].head_seq > client.after_seq
    }
    missed = _read_missed(behind)
    return [
        _standing(*found[client.conversation_id], messages=missed.get(client, []))
        if client.conversation_id in found
        else None
        for client in clients
    ]


def _standing(
    conversation: Conversation, run_id: int | None, covers_seq: int | None, *, messages: list[Stored]
) -> Standing:
    open_run = None
    if run_id is not None and covers_seq is not None and all(message.run_id != run_id for message in messages):
        open_run = Run(pk=run_id, covers_seq=covers_seq, owner_epoch=conversation.owner_epoch)
    return Standing(
        conversation=conversation,
        owner_frame=owner_frame(conversation, agent_name="", expect=None),
        open_run=open_run,
        ended_run=None,
        messages=messages,
        is_complete=len(messages) < PAGE,
    )


def _read_missed(behind: Collection[Client]) -> dict[Client, list[Stored]]:
    if not behind:
        return {}
    missed: dict[Client, list[Stored]] = {}
    given = [client.conversation_id for client in behind], [client.after_seq for client in behind], PAGE
    for conversation_id, after_seq, *values in rows_of(statements.read_missed(), given):
        message = Message.from_db("default", statements.SHOWN_COLUMNS, values)
        stored = Stored(message.seq, message.run_id or 0, message_frame(message))
        missed.setdefault(Client(conversation_id, after_seq), []).append(stored)
    return missed


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
