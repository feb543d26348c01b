"""The tables every floor above stands on, their constraints, and all reads of them as QuerySet methods."""

from conversations.models.conversation import Conversation, Owner, Priority
from conversations.models.customer import Customer, WidgetSession
from conversations.models.escalation import Escalation, Reason
from conversations.models.message import Message, Note, Sender, Spoken
from conversations.models.run import Run, RunState
from conversations.models.site import Locale, Site

__all__ = [
    "Conversation",
    "Customer",
    "Escalation",
    "Locale",
    "Message",
    "Note",
    "Owner",
    "Priority",
    "Reason",
    "Run",
    "RunState",
    "Sender",
    "Site",
    "Spoken",
    "WidgetSession",
]
