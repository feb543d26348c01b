"""A person of the shop who takes conversations over: through csbot's own actions, on the database it runs on.

Imports models, so it loads after `database.set_up_django` (`database.agent`).
"""

import time
from dataclasses import dataclass
from uuid import uuid4

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.db import connection

from conversations.actions.agents import add_agent_message
from conversations.actions.ownership import take
from conversations.models import Conversation, Message, Sender


@dataclass(frozen=True)
class TakenOver:
    """When an agent asked for a conversation, and the seq of the first message of theirs."""

    asked_at: float
    seq: int


class Agent:
    """One person. Call from a thread: the work is synchronous."""

    def __init__(self) -> None:
        self._user: AbstractBaseUser = get_user_model().objects.get_or_create(username="bench-agent")[0]

    def take_over(self, public_id: str, *, text: str) -> TakenOver:
        """Take a conversation and say something at once."""
        conversation_id = Conversation.objects.values_list("pk", flat=True).get(public_id=public_id)
        asked_at = time.monotonic()
        take(conversation_id, agent=self._user)
        message = add_agent_message(conversation_id, agent=self._user, text=text, client_id=uuid4())
        return TakenOver(asked_at, message.seq if message else 0)

    def say(self, public_id: str, *, times: int) -> None:
        """Say something so many times to the customer, in a conversation taken over before."""
        conversation_id = Conversation.objects.values_list("pk", flat=True).get(public_id=public_id)
        for number in range(times):
            add_agent_message(conversation_id, agent=self._user, text=f"ข้อความที่ {number}", client_id=uuid4())

    def bot_messages_after(self, public_id: str, *, seq: int) -> int:
        """Return how many messages of the bot are stored after `seq`; must be 0 after a take-over."""
        found = Message.objects.filter(conversation__public_id=public_id, sender=Sender.BOT, seq__gt=seq)
        return found.count()

    def close(self) -> None:
        """Close this thread's connection."""
        connection.close()
