"""Puts a prompt's parts where a model wants them.

Distilled reasoners (R1 and its like) do worse with a system message and with examples, and are told to begin their
answer by thinking: https://huggingface.co/deepseek-ai/DeepSeek-R1 ("Usage Recommendations").
"""

from collections.abc import Sequence

from conversations.gateway.models import Placement
from conversations.llm.requests import ChatMessage

THINK_START = ChatMessage("assistant", "<think>\n")


def placed(messages: Sequence[ChatMessage], placement: Placement) -> Sequence[ChatMessage]:
    """Return the prompt as this kind of model wants it. The same prompt gives the same result, byte for byte."""
    if placement is Placement.CHAT:
        return messages
    instructions = "\n\n".join(message.content for message in messages if message.role == "system")
    conversation = [message for message in messages[_conversation_start(messages) :] if message.role != "system"]
    # A message of its own: what a customer wrote is never formatted into instructions.
    start = [ChatMessage("user", instructions)] if instructions else []
    end = [THINK_START] if placement is Placement.REASONER_FORCED else []
    return [*start, *conversation, *end]


def without_history(messages: Sequence[ChatMessage]) -> Sequence[ChatMessage]:
    """Return the prompt with nothing of the conversation but its last words: for a model that can't take more."""
    start = _conversation_start(messages)
    last = max((number for number, message in enumerate(messages) if message.role == "assistant"), default=-1)
    if not messages or messages[-1].role != "user":
        return messages
    return [*messages[:start], *messages[max(start, last + 1) :]]


def _conversation_start(messages: Sequence[ChatMessage]) -> int:
    """Return where the examples end: after the last system message."""
    systems = [number for number, message in enumerate(messages) if message.role == "system"]
    return systems[-1] + 1 if systems else 0
