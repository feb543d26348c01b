"""Which approved turns are exported: of terms that allow it, of no evaluation, once each, balanced, split. Pure.

What is left out is counted by reason: the data card says so.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Final

from conversations.answers.normal import answer_key, question_key
from conversations.answers.student.export.terms import Terms
from conversations.answers.student.export.turns import Answer, Approval, ApprovedTurn
from conversations.answers.student.labels import share_of
from conversations.playbook.similar import NEAR_DUPLICATE, compare

VALIDATION_SHARE: Final = 0.1
MIN_OF_INTENT: Final = 20
TIMES_MEDIAN: Final = 2
AT_ONCE: Final = 2000


class LeftOut(StrEnum):
    """Why a turn is not exported."""

    TERMS = "terms"
    SERVED = "served_from_known_answers"
    OTHER_INTENT = "intent_not_in_use"
    EVALUATION = "evaluation_case"
    LIKE_EVALUATION = "like_an_evaluation_case"
    DUPLICATE = "duplicate"
    IN_VALIDATION = "question_is_in_validation"
    BALANCE = "balance"


class Split(StrEnum):
    """What a turn is for."""

    TRAIN = "train"
    VALIDATION = "validation"


@dataclass(frozen=True, slots=True)
class Shown:
    """A question as `similar` compares it."""

    customer_text: str
    intent: str = ""
    action_required: bool = False
    escalate: bool = False


@dataclass(frozen=True)
class Rules:
    """What decides: the intents in use, the questions of evaluations, and the providers' terms."""

    intents: Collection[str]
    evaluations: Sequence[str]
    terms: Mapping[str, Terms]


@dataclass(frozen=True)
class Chosen:
    """What is exported, by split, and how many were left out and why."""

    turns: Mapping[Split, tuple[ApprovedTurn, ...]]
    left_out: Mapping[LeftOut, int]


def choose(turns: Iterable[ApprovedTurn], rules: Rules) -> Chosen:
    """Return which turns are exported."""
    left: Counter[LeftOut] = Counter()
    usable = kept(turns, rules, left)
    different = without_duplicates(without_evaluations(usable, rules.evaluations, left), left)
    parts = split(different, left)
    return Chosen({name: balanced(part, left) for name, part in parts.items()}, left)


def kept(turns: Iterable[ApprovedTurn], rules: Rules, left: Counter[LeftOut]) -> list[ApprovedTurn]:
    """Return the turns that may be exported at all."""
    usable = []
    for turn in turns:
        if turn.is_served and turn.approval is not Approval.CORRECTION:
            # Neither people nor a teacher said it then; where one did for the first time, that turn is exported.
            left[LeftOut.SERVED] += 1
        elif not all(allows(rules.terms, provider) for provider in (turn.provider, *turn.said_by)):
            left[LeftOut.TERMS] += 1
        elif turn.answer.intent not in rules.intents:
            left[LeftOut.OTHER_INTENT] += 1
        elif allows(rules.terms, turn.rejected_provider) and not turn.is_served:
            usable.append(turn)
        else:
            # The right answer is a person's; only the pair would use the other's.
            usable.append(replace(turn, rejected=None))
    return usable


def allows(terms: Mapping[str, Terms], provider: str) -> bool:
    """Whether what this provider's model made may be trained on; what people wrote may."""
    return not provider or (provider in terms and terms[provider].allow_training)


def without_evaluations(
    turns: Sequence[ApprovedTurn], evaluations: Sequence[str], left: Counter[LeftOut]
) -> list[ApprovedTurn]:
    """Return the turns that ask nothing that evaluations ask, in the same words or nearly."""
    keys = {question_key(question) for question in evaluations}
    others = [turn for turn in turns if question_key(turn.question) not in keys]
    left[LeftOut.EVALUATION] += len(turns) - len(others)
    usable = []
    for start in range(0, len(others), AT_ONCE):
        some = others[start : start + AT_ONCE]
        alike = like_evaluations([turn.question for turn in some], evaluations)
        usable += [turn for place, turn in enumerate(some) if place not in alike]
    left[LeftOut.LIKE_EVALUATION] += len(others) - len(usable)
    return usable


def like_evaluations(questions: Sequence[str], evaluations: Sequence[str]) -> set[int]:
    """Return the places of questions that nearly say what an evaluation asks."""
    if not questions or not evaluations:
        return set()
    cases = len(evaluations)
    found = compare([Shown(text) for text in (*evaluations, *questions)]).duplicates
    pairs = (sorted((pair.first, pair.second)) for pair in found if pair.similarity >= NEAR_DUPLICATE)
    return {second - cases for first, second in pairs if first < cases <= second}


def without_duplicates(turns: Sequence[ApprovedTurn], left: Counter[LeftOut]) -> list[ApprovedTurn]:
    """Return each question with its answer once, in the same conversation so far; what people corrected comes first."""
    seen: set[tuple[object, ...]] = set()
    different = []
    for turn in sorted(turns, key=lambda each: each.rejected is None):
        key = (tuple(answer_key(each.text) for each in turn.said), answer_key(turn.answer.response), turn.answer.intent)
        if key in seen:
            left[LeftOut.DUPLICATE] += 1
        else:
            seen.add(key)
            different.append(turn)
    return different


def split(turns: Sequence[ApprovedTurn], left: Counter[LeftOut]) -> dict[Split, list[ApprovedTurn]]:
    """Return the turns in two parts: a customer's are all in one, and no question of the second is in the first."""
    validation = [turn for turn in turns if share_of(f"export {turn.group}") < VALIDATION_SHARE]
    asked = {question_key(turn.question) for turn in validation}
    others = [turn for turn in turns if share_of(f"export {turn.group}") >= VALIDATION_SHARE]
    train = [turn for turn in others if question_key(turn.question) not in asked]
    left[LeftOut.IN_VALIDATION] += len(others) - len(train)
    return {Split.TRAIN: train, Split.VALIDATION: validation}


def balanced(turns: Sequence[ApprovedTurn], left: Counter[LeftOut]) -> tuple[ApprovedTurn, ...]:
    """Return the turns with no intent more than twice as frequent as the median one; corrections are never dropped."""
    by_intent: dict[str, list[ApprovedTurn]] = defaultdict(list)
    for turn in turns:
        by_intent[turn.answer.intent].append(turn)
    most = max(MIN_OF_INTENT, round(TIMES_MEDIAN * median(map(len, by_intent.values())))) if by_intent else 0
    rows = []
    for intent in sorted(by_intent):
        ranked = sorted(by_intent[intent], key=lambda each: (each.rejected is None, share_of(drawn(each))))
        room = max(most, sum(turn.rejected is not None for turn in ranked))
        rows += ranked[:room]
        left[LeftOut.BALANCE] += max(len(ranked) - room, 0)
    return tuple(sorted(rows, key=lambda each: share_of(drawn(each))))


def drawn(turn: ApprovedTurn) -> str:
    """Return what a turn's place in a fixed, mixed order follows from."""
    return f"{turn.group} {question_key(turn.question)} {answer_key(turn.answer.response)}"


def differs(one: Answer, other: Answer) -> bool:
    """Whether two answers aren't the same: a pair of equal ones teaches nothing."""
    return one.envelope != other.envelope
