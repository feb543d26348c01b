"""What was said when an earlier reply was made: its question, and the turns before. Reads only."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Max, Q

from conversations.models import Message, Run, RunState, Sender
from conversations.playbook.prompt import Turn
from conversations.replies.opening import HISTORY_MESSAGES, SPEAKERS, turn_of


@dataclass(frozen=True, slots=True)
class Past:
    """The customer's words that a reply answers, and the conversation before them, oldest first."""

    question: tuple[Message, ...]
    before: tuple[Message, ...]

    @property
    def text(self) -> str:
        """The question as one text."""
        return "\n".join(message.text for message in self.question)

    @property
    def turns_before(self) -> list[Turn]:
        """The conversation before the question, as a prompt has it."""
        return [turn_of(message) for message in self.before]

    @property
    def turns(self) -> list[Turn]:
        """The conversation with the question."""
        return [*self.turns_before, *(turn_of(message) for message in self.question)]


def past_of(run: Run) -> Past:
    """Return what a reply was made from, as far as the conversation still tells."""
    said = said_before(run)
    answered_seq = answered_before(run, said)
    is_open = [message.sender == Sender.CUSTOMER and message.seq > answered_seq for message in said]
    return Past(
        question=tuple(message for message, is_question in zip(said, is_open, strict=True) if is_question),
        before=tuple(message for message, is_question in zip(said, is_open, strict=True) if not is_question),
    )


def said_before(run: Run) -> list[Message]:
    """Return the newest messages of the run's episode when it was opened, oldest first."""
    said = run.conversation.messages.filter(sender__in=SPEAKERS)
    start = run.conversation.episode_start_seq
    # Of an episode that is over nobody knows any more where it began.
    own = said.filter(seq__gte=start) if start <= run.covers_seq else said
    # A reply to an earlier question may have been stored after the question that this one answers.
    late = Q(created_at__lte=run.started_at) & ~Q(sender=Sender.CUSTOMER)
    return list(own.filter(Q(seq__lte=run.covers_seq) | late).order_by("-seq")[:HISTORY_MESSAGES])[::-1]


def answered_before(run: Run, said: Sequence[Message]) -> int:
    """Return up to which message the customer had an answer already."""
    before = Run.objects.filter(conversation_id=run.conversation_id, pk__lt=run.pk, covers_seq__lt=run.covers_seq)
    by_bot = before.filter(state=RunState.CLOSED).aggregate(last=Max("covers_seq"))["last"] or 0
    by_agents = [message.seq for message in said if message.sender == Sender.AGENT and message.seq < run.covers_seq]
    return max([by_bot, *by_agents])
