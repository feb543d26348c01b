"""What an agent writes: to the customer, or as a note to colleagues."""

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from conversations.actions.append import append_agent_message, message_item
from conversations.actions.ownership import SEQ_FIELDS, is_held_by, queue_changed_item
from conversations.actions.people import display_name
from conversations.events.frames import iso, to_json
from conversations.events.lane import Item, Kind, conversation_topic
from conversations.events.publisher import announce
from conversations.models import Conversation, Message, Note


@transaction.atomic
def add_agent_message(conversation_id: int, *, agent: AbstractBaseUser, text: str) -> Message | None:
    """Say something to the customer. None if the conversation isn't this agent's."""
    locked = Conversation.objects.locked(conversation_id)
    if not is_held_by(locked, agent=agent):
        return None
    message = append_agent_message(locked, agent=agent, text=text)
    locked.answered_seq = locked.customer_seq
    locked.save(update_fields=SEQ_FIELDS)
    announce(message_item(message), queue_changed_item(locked))
    return message


@transaction.atomic
def add_note(conversation_id: int, *, author: AbstractBaseUser, text: str) -> Note:
    """Leave a note that only staff see, after the newest message."""
    conversation = Conversation.objects.get(pk=conversation_id)
    note = Note.objects.create(
        conversation=conversation,
        after_seq=conversation.head_seq,
        author_id=author.pk,
        author_name=display_name(author),
        text=text,
    )
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
    announce(Item(conversation_topic(conversation_id), Kind.STAFF, frame))
    return note
