"""What the pages of known answers say: why something can't be known, why a step passed, what questions differ in."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.answers.guards import Guard
from conversations.answers.ladder import Why
from conversations.answers.models import AnswerState
from conversations.answers.selfcontained import Unfit

UNFIT_WORDS: Final[dict[str, Promise]] = {
    "intent": _(
        "Answers of this intent may not be used again. Mark the intent as reusable and publish, or choose another."
    ),
    Unfit.TOO_SHORT: _("Too short: alone it says nothing."),
    Unfit.TOO_LONG: _("Too long to be asked again in the same words."),
    Unfit.HIDDEN_SIGNS: _("It holds signs that can't be seen, or too much punctuation."),
    Unfit.FOLLOW_UP: _("It follows something said before; in another conversation it means something else."),
    Unfit.POINTS_ELSEWHERE: _("It points at something (this, that one) that only its own conversation knows."),
    Unfit.OWN_CASE: _("It names somebody's own order or number."),
    Unfit.PERSONAL: _("It holds personal data."),
    Unfit.LINK: _("It holds a link."),
    Unfit.SEVERAL_LINES: _("Please write one question on one line."),
}
STATE_WORDS: Final[dict[str, Promise]] = {
    AnswerState.SHADOW: _("The model gave it. It is compared with the model's next replies and not served yet."),
    AnswerState.CONFIRMED: _(
        "The model said the same to several customers. It is served to the very same question, where the settings "
        "allow that."
    ),
    AnswerState.APPROVED: _("Customers get it without the model."),
    AnswerState.STALE: _("It is not served until somebody has looked at it: approve it, change it or retire it."),
    AnswerState.RETIRED: _("It is not served. The model answers."),
    AnswerState.BANNED: _("It is not served, and never learnt again for these questions. The model answers."),
}
STALE_WORDS: Final[dict[str, Promise]] = {
    "contested": _("The model said something else too often."),
    "release": _("A newer release changed what it rests on: the instruction, its intent, an example or a shop fact."),
    "expired": _("Its time was up."),
}
WHY: Final[dict[str, Promise]] = {
    Why.SERVED: _("would be served"),
    Why.EXPLORED: _("would be served (and is checked now and then)"),
    Why.OFF: _("known answers are switched off"),
    Why.STOPPED: _("serving was stopped"),
    Why.NOTHING_KNOWN: _("nothing is known for this site and language"),
    Why.UNFIT: _("the question doesn't stand for itself"),
    Why.NO_ENTRY: _("nothing known"),
    Why.NOT_REUSABLE: _("answers of this intent may not be used again"),
    Why.IN_DOUBT: _("its own checks speak against it"),
    Why.NO_STUDENT: _("no student to agree with it"),
    Why.STUDENT_UNSURE: _("the student is unsure"),
    Why.STUDENT_DISAGREES: _("the student takes it for another intent"),
    Why.NEEDS_ACTION: _("something must be done, or a person is wanted"),
    Why.GUARDED: _("it differs in something that matters"),
    Why.ABOVE_LIMIT: _("not sure enough yet"),
    Why.ENCODER_AWAY: _("no vectors yet"),
}
STEPS: Final[dict[str, Promise]] = {
    "fit": _("Stands for itself"),
    "student": _("The student"),
    "exact": _("The same question"),
    "near": _("A similar question"),
    "fixed": _("Fixed text of the intent"),
}
GUARDS: Final[dict[str, Promise]] = {
    Guard.LANGUAGE: _("the language"),
    Guard.NUMBERS: _("numbers"),
    Guard.NEGATION: _("only one of them says no"),
    Guard.ASKS: _("what is asked for"),
    Guard.OPPOSITE: _("one says the opposite"),
    Guard.THINGS: _("the thing that it is about"),
    Guard.NAMES: _("a name"),
    Guard.ORDER: _("the order of the words"),
    Guard.MINIMAL_PAIR: _("a word or two that may change everything"),
}


def unfit_words(reason: str) -> str:
    """Return in words why something can't be known."""
    return str(UNFIT_WORDS.get(reason, reason))


def why_words(reason: str) -> str:
    """Return in words why an answer is in its state; what staff wrote stays as it is."""
    return str(STALE_WORDS.get(reason, reason))


def detail_words(detail: object) -> str:
    """Return in words what a verdict turned on: what differs, or the intent that the student saw."""
    return str(GUARDS.get(str(detail), detail))
