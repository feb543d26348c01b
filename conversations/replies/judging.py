"""What code has to say about an answer before customers read it: its figures, and the shop's own rules."""

from dataclasses import replace

from conversations.actions.append import Verdict
from conversations.llm.envelope import Envelope
from conversations.playbook.reasoning import corrected
from conversations.playbook.rules import Guard, ruling
from conversations.replies.opening import Question


def wrong_figures(question: Question, envelope: Envelope, *, answer: str) -> tuple[str, ...]:
    """Return what is wrong with the figures of an answer, which is given as it came; nothing where none are judged."""
    if question.calculation is None:
        return ()
    return question.calculation.wrong(answer, response=envelope.response, is_handed_over=envelope.escalate)


def with_correction(question: Question, lines: tuple[str, ...]) -> Question:
    """Return the question with what a calculator says about the answer before."""
    return replace(question, messages=corrected(question.messages, lines))


def verdict_on(question: Question, envelope: Envelope) -> tuple[Verdict, tuple[Guard, ...]]:
    """Return what becomes of an answer, and which of the shop's rules say so where the model didn't."""
    ruled = ruling(
        question.rules,
        intent=envelope.intent,
        action_required=envelope.action_required,
        escalate=envelope.escalate,
    )
    return Verdict(envelope.intent, envelope.action_required, ruled.escalate), ruled.guards
