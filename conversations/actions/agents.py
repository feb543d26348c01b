"""What an agent writes: to the customer, or as a note to colleagues.

Each carries the id that the agent's page gave it: a double click, or a retry after a lost answer, writes nothing twice.
"""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from conversations.actions.append import append_agent_message, message_item
from conversations.actions.customers import ConflictError
from conversations.actions.ownership import SEQ_FIELDS, is_held_by, queue_changed_item, take
from conversations.actions.people import display_name
from conversations.events.frames import iso, to_json
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import announce
from conversations.models import Conversation, Message, Note


@transaction.atomic
def add_agent_message(conversation_id: int, *, agent: AbstractBaseUser, text: str, client_id: UUID) -> Message | None:
    """Say something to the customer, once per `client_id`. None if the conversation isn't this agent's.

    Raises ConflictError where the id came before with another text or from somebody else.
    """
    locked = Conversation.objects.locked(conversation_id)
    earlier = _said_before(locked, agent=agent, text=text, client_id=client_id)
    if earlier is not None:
        return earlier
    if not is_held_by(locked, agent=agent):
        return None
    message = append_agent_message(locked, agent=agent, text=text, client_id=client_id)
    locked.answered_seq = locked.customer_seq
    locked.save(update_fields=SEQ_FIELDS)
    announce(message_item(message), queue_changed_item(locked))
    return message


@transaction.atomic
def take_and_say(conversation_id: int, *, agent: AbstractBaseUser, text: str, client_id: UUID) -> Message | None:
    """Say something to the customer and take the conversation with it. None if a colleague has it.

    A resend takes nothing: what it says may long be stored, and the conversation handed back since.
    Raises ConflictError as `add_agent_message` does.
    """
    locked = Conversation.objects.locked(conversation_id)
    earlier = _said_before(locked, agent=agent, text=text, client_id=client_id)
    if earlier is not None:
        return earlier
    if not take(conversation_id, agent=agent):
        return None
    return add_agent_message(conversation_id, agent=agent, text=text, client_id=client_id)


def _said_before(locked: Conversation, *, agent: AbstractBaseUser, text: str, client_id: UUID) -> Message | None:
    earlier = locked.messages.filter(client_id=client_id).first()
    if earlier is not None and (earlier.agent_id, earlier.text) != (agent.pk, text):
        raise ConflictError
    return earlier


@transaction.atomic
def add_note(conversation_id: int, *, author: AbstractBaseUser, text: str, client_id: UUID) -> Note:
    """Leave a note that only staff see, after the newest message, once per `client_id`. Raises ConflictError."""
    conversation = Conversation.objects.get(pk=conversation_id)
    note, is_new = Note.objects.get_or_create(
        conversation=conversation,
        client_id=client_id,
        defaults={
            "after_seq": conversation.head_seq,
            "author_id": author.pk,
            "author_name": display_name(author),
            "text": text,
        },
    )
    if (note.author_id, note.text) != (author.pk, text):
        raise ConflictError
    if is_new:
        announce(_note_item(note))
    return note


def _note_item(note: Note) -> Item:
    frame = to_json(
        {
            "type": "note",
            "id": note.pk,
            "after_seq": note.after_seq,
            "author": note.author_name,
            "text": note.text,
            "at": iso(note.created_at),
        }
    )
    return Item(conversation_topic(note.conversation_id), Kind.STAFF, frame)
