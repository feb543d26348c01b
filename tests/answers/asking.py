"""Asking a shop's bot, and waiting for what it says."""

import time
import uuid

from conversations.actions.customers import add_customer_message
from conversations.models import Conversation, Message, Run, Sender
from conversations.replies.loop import ReplyLoop


def ask(loop: ReplyLoop, conversation: Conversation, text: str, *, seconds: float = 10.0) -> Message:
    """Say something and return the bot's answer to it."""
    said = add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text)
    loop.submit(conversation.pk)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        answer = Message.objects.filter(conversation=conversation, seq__gt=said.seq, sender=Sender.BOT).first()
        if answer is not None:
            return answer
        time.sleep(0.005)
    raise AssertionError("no answer came")


def run_of(message: Message) -> Run:
    """Return the run that made a message."""
    assert message.run_id is not None
    return Run.objects.get(pk=message.run_id)


def steps_of(message: Message) -> dict[str, object]:
    """Return what the steps of the ladder said of a message's question."""
    known: dict[str, object] = run_of(message).trace.get("known", {})
    return known
