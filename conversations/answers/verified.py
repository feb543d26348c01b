"""What labels say altogether: the score's weights, the curve that entries share, each entry's own, what risks meant.

The same code for labels from customers (`upkeep`) and for those of the benches, near and fixed steps together: one
limit holds for both, and it is only worth something for what it was learnt from. Repeats of the very same question have
a bound of their own: their risk is a mean, not a worst case, and would not be comparable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from conversations.answers.bound import Curve, Label, Repeats, shared_prior, shared_repeats
from conversations.answers.score import Features, fit_weights, score_of

PARTS: Final = 5
MIN_LABELS: Final = 200
"""Below which nothing similar is served."""


class Compared(NamedTuple):
    """One comparison of a similar question or a fixed text: what spoke for the answer, and whether it was right."""

    answer: int
    features: Features
    is_right: bool


@dataclass(frozen=True)
class Learnt:
    """What was learnt. `judged`: each label's risk, by its entry's other labels only, and whether it was right."""

    weights: tuple[float, ...]
    prior: Curve
    curves: Mapping[int, Curve]
    repeats: Repeats
    judged: Sequence[tuple[float, bool]]

    def risk(self, answer: int, features: Features) -> float:
        """Return how likely, at worst, an answer with these features is wrong."""
        return self.curves.get(answer, self.prior).risk(score_of(features, self.weights))


def learn_from(compared: Sequence[Compared], *, repeated: Sequence[tuple[int, int]] = ()) -> Learnt:
    """Learn from comparisons, at least one.

    `repeated`: of each entry, how often the very same question was answered the same (right) and otherwise (wrong).
    """
    weights = fit_weights([each.features for each in compared], [each.is_right for each in compared])
    labels: dict[int, list[Label]] = {}
    for each in compared:
        labels.setdefault(each.answer, []).append(Label(score_of(each.features, weights), is_right=each.is_right))
    prior = shared_prior(list(labels.values())).curve
    repeats = shared_repeats(repeated)
    judged = [told for mine in labels.values() for told in judged_by_others(mine, prior)]
    return Learnt(weights, prior, {answer: prior.posterior(mine) for answer, mine in labels.items()}, repeats, judged)


def judged_by_others(labels: Sequence[Label], prior: Curve) -> list[tuple[float, bool]]:
    """Return each label's risk and whether it was right; what says its risk must not have been learnt from itself."""
    found: list[tuple[float, bool]] = []
    for part in range(min(PARTS, len(labels))):
        curve = prior.posterior([label for place, label in enumerate(labels) if place % PARTS != part])
        found += [(curve.risk(label.score), label.is_right) for label in labels[part::PARTS]]
    return found
