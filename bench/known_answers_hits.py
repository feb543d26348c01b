"""What the ladder's own steps would serve on rows of a bench: the code that decides in production, on made-up entries.

A label stands for one answer: its number is the answer's id and its intent. Each known row is a known question; what
several rows with the very same question say is what became of asking it again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from bench.known_answers_data import Numbers, Places, Rows
from conversations.answers.bound import NO_PRIOR, shared_repeats
from conversations.answers.guards import traits_of
from conversations.answers.ladder import (
    Decision,
    Entry,
    Neighbour,
    Opinion,
    Rules,
    decide_exact,
    decide_fixed,
    decide_near,
    look_at,
)
from conversations.answers.limit import risk_limit
from conversations.answers.normal import question_key
from conversations.answers.score import DEFAULT_WEIGHTS, features_from
from conversations.answers.selfcontained import unfit
from conversations.answers.verified import Compared, Learnt, learn_from

NEIGHBOURS: Final = 20
UNASKED: Final = 1.0
"""Draws that are not below any share: nothing is explored here."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the student says of some questions, a row each: the likeliest label and how likely."""

    labels: Places
    sure: Numbers


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with everything that the ladder's steps look at. `same`: the entry that has this very question."""

    label: int
    decision: Decision
    same: Entry | None = None

    @property
    def compared(self) -> Compared | None:
        """Return what the steps below the very same question would be compared by; None where they have nothing."""
        if self.decision.entry is None or not self.decision.features:
            return None
        answer = self.decision.entry.answer_id
        return Compared(answer, features_from(self.decision.features), answer == self.label)


@dataclass(frozen=True, slots=True)
class Shop:
    """Made-up answers, one for each label, and rules by which nothing is below the limit: steps say what they would."""

    entries: Sequence[Entry]
    rules: Rules
    has_fixed: bool

    def look(self, text: str, neighbours: Sequence[Neighbour], opinion: Opinion) -> Decision:
        """Return what the near step says, or, where it has no candidate, the fixed one."""
        seen = look_at(traits_of(text), neighbours, opinion)
        near = decide_near(seen, opinion, self.rules, draw=UNASKED)
        if near.features or not self.has_fixed:
            return near
        return decide_fixed(self.entries[int(opinion.intent)], seen, opinion, self.rules, draw=UNASKED)


def shop_of(rows: Rows, *, has_fixed: bool) -> Shop:
    """Return a shop whose answers are the rows' labels."""
    names = [str(number) for number in range(len(rows.names))]
    rules = Rules(
        tolerated_share=1.0,
        explore_share=0.0,
        risk_limit=-1.0,
        prior=NO_PRIOR.curve,
        weights=DEFAULT_WEIGHTS,
        reusable=frozenset(names),
    )
    return Shop([entry_of(number) for number in range(len(names))], rules, has_fixed)


def entry_of(label: int, *, right: int = 0, wrong: int = 0) -> Entry:
    """Return the answer that a label stands for."""
    return Entry(label, None, "", str(label), right=right, wrong=wrong)


def same_questions(rows: Rows, known: Iterable[int]) -> dict[str, Entry]:
    """Return for each known question's key its usual answer, and how often it got that one again and another one."""
    counted: dict[str, Counter[int]] = {}
    for place in known:
        counted.setdefault(question_key(rows.texts[place]), Counter())[int(rows.labels[place])] += 1
    found: dict[str, Entry] = {}
    for key, labels in counted.items():
        label, times = labels.most_common(1)[0]
        found[key] = entry_of(label, right=times - 1, wrong=labels.total() - times)
    return found


def look_at_all(
    rows: Rows, asked: Places, found: tuple[Places, Numbers], told: Told, *, same: Mapping[str, Entry], shop: Shop
) -> list[Asked | None]:
    """Return what the ladder sees of each question, None of one that can't be known.

    `found`: the nearest known rows of each question and their cosines, nearest first.
    """
    looked: list[Asked | None] = []
    for place, neighbours, cosines, label, p in zip(asked, *found, told.labels, told.sure, strict=True):
        text = rows.texts[place]
        if unfit(text) is not None:
            looked.append(None)
            continue
        around = [
            Neighbour(shop.entries[int(rows.labels[each])], rows.texts[each], float(cosine))
            for each, cosine in zip(neighbours, cosines, strict=True)
        ]
        decision = shop.look(text, around, Opinion(str(label), float(p)))
        looked.append(Asked(int(rows.labels[place]), decision, same.get(question_key(text))))
    return looked


@dataclass(frozen=True)
class Bound:
    """What was learnt, and up to which risk is served."""

    learnt: Learnt
    limit: float
    rules: Rules

    def answer_to(self, asked: Asked) -> int | None:
        """Return the number of the answer that is served; None where the model has to answer."""
        if decide_exact(asked.same, self.rules, draw=UNASKED).is_hit and asked.same is not None:
            return asked.same.answer_id
        compared = asked.compared
        if compared is None or self.learnt.risk(compared.answer, compared.features) > self.limit:
            return None
        return compared.answer


def bound_of(
    known: Sequence[Asked | None], same: Iterable[Entry], *, tolerated: float, is_sure: bool, rules: Rules
) -> Bound:
    """Learn from the known part's own labels; the limit with 90 % confidence (as csbot) or as the records set it."""
    repeated = [(entry.right, entry.wrong) for entry in same]
    now = replace(rules, repeats=shared_repeats(repeated), tolerated_share=tolerated)
    below = [each.compared for each in known if each and each.compared and not is_exact(each, now)]
    learnt = learn_from(below, repeated=repeated)
    limit = (risk_limit if is_sure else point_limit)(learnt.judged, tolerated=tolerated)
    return Bound(learnt, limit, replace(rules, repeats=learnt.repeats, risk_limit=limit, tolerated_share=tolerated))


def is_exact(asked: Asked, rules: Rules) -> bool:
    """Whether it is served as the very same question."""
    return decide_exact(asked.same, rules, draw=UNASKED).is_hit


def point_limit(judged: Sequence[tuple[float, bool]], *, tolerated: float) -> float:
    """Return the highest risk up to which no more than the tolerated share was wrong, as the records do it."""
    wrong, best = 0, -1.0
    for number, (risk, is_right) in enumerate(sorted(judged), start=1):
        wrong += not is_right
        if wrong <= tolerated * number:
            best = risk
    return best
