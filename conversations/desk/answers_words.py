"""What the pages of known answers say: why something can't be known, why a step passed, what questions differ in."""

from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.answers.guards import Guard
from conversations.answers.ladder import Why
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


def detail_words(detail: object) -> str:
    """Return in words what a verdict turned on: what differs, or the intent that the student saw."""
    return str(GUARDS.get(str(detail), detail))
