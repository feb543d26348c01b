"""The gate's numbers: against hand-made tables, against brute force, and over many runs by chance alone."""

import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.playbook.evaluation.gate import ALPHA, Group, Judgment, Outcome, Verdict, judge
from conversations.playbook.evaluation.statistics import Pair, adjusted, loss_p_value, wilson

RETURN, SHIPPING = "คืนสินค้า", "จัดส่ง"


def outcomes(intent: str, *goods: tuple[int, int], samples: int = 3) -> list[Outcome]:
    """Return cases of an intent; (good with the new release, good with the old one) each."""
    whole = Pair(samples, samples, samples, samples)
    return [Outcome(intent=intent, good=Pair(new, samples, old, samples), valid=whole) for new, old in goods]


def by_brute_force(pairs: list[Pair]) -> float:
    """Deal each case's answers out to both releases in all ways; return the share of deals as bad or worse."""

    def deals(pair: Pair) -> Iterator[int]:
        marks = [1] * (pair.new_good + pair.old_good) + [0] * (pair.new + pair.old - pair.new_good - pair.old_good)
        for chosen in itertools.combinations(range(len(marks)), pair.new):
            yield sum(marks[place] for place in chosen)

    seen = sum(pair.new_good for pair in pairs)
    sums = [sum(deal) for deal in itertools.product(*[list(deals(pair)) for pair in pairs])]
    return sum(total <= seen for total in sums) / len(sums)


pairs_of_two = st.builds(
    lambda new, old: Pair(new, 2, old, 2), st.integers(min_value=0, max_value=2), st.integers(min_value=0, max_value=2)
)


@given(st.lists(pairs_of_two, max_size=5))
def test_the_p_value_is_the_share_of_all_deals_that_are_as_bad(pairs: list[Pair]) -> None:
    assert loss_p_value(pairs) == pytest.approx(by_brute_force(pairs))


def test_one_sample_a_case_is_mcnemar_s_exact_test() -> None:
    lost, won, same = Pair(0, 1, 1, 1), Pair(1, 1, 0, 1), Pair(1, 1, 1, 1)
    # Six changes, five of them losses: P(at most one win of six by a coin).
    assert loss_p_value([lost] * 5 + [won] + [same] * 20) == pytest.approx(7 / 64)


def test_nothing_changed_is_no_evidence() -> None:
    assert loss_p_value([Pair(3, 3, 3, 3), Pair(0, 3, 0, 3)]) == 1.0
    assert loss_p_value([]) == 1.0


def test_a_case_without_answers_from_one_side_says_nothing() -> None:
    assert loss_p_value([Pair(0, 0, 3, 3)]) == 1.0
    judgment = judge([*outcomes(RETURN, (3, 3)), Outcome(intent=RETURN, good=Pair(0, 0, 3, 3), valid=Pair(0, 0, 3, 3))])
    assert [finding.cases for finding in judgment.findings] == [1, 1, 1]


def test_p_values_are_corrected_as_holm_does() -> None:
    corrected = adjusted({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005})
    assert corrected == pytest.approx({"d": 0.02, "a": 0.03, "c": 0.06, "b": 0.06})


def test_the_interval_is_wilson_s() -> None:
    share = wilson(0.9, 100)
    assert share is not None
    assert (round(share.low, 3), round(share.high, 3)) == (0.826, 0.945)
    edge = wilson(0.0, 10)
    assert edge is not None
    assert (edge.low, round(edge.high, 3)) == (0.0, 0.278)
    assert wilson(0.5, 0) is None


def test_an_intent_that_broke_is_red_though_all_others_are_well() -> None:
    judgment = judge([*outcomes(RETURN, *[(0, 3)] * 5), *outcomes(SHIPPING, *[(3, 3)] * 95)])
    assert judgment.verdict is Verdict.RED
    assert {(loss.group, loss.intent) for loss in judgment.losses} == {(Group.INTENT, RETURN), (Group.ALL, "")}


def test_an_intent_that_broke_is_not_made_up_for_by_another_that_gained() -> None:
    judgment = judge([*outcomes(RETURN, *[(0, 3)] * 6), *outcomes(SHIPPING, *[(3, 0)] * 6)])
    assert [(loss.group, loss.intent) for loss in judgment.losses] == [(Group.INTENT, RETURN)]


def test_answers_at_the_edge_that_fall_both_ways_are_green() -> None:
    wobbly = outcomes(RETURN, (1, 2), (2, 1), (3, 2), (2, 3), (0, 1), *[(3, 3)] * 15)
    assert judge(wobbly).verdict is Verdict.GREEN


def test_one_question_out_of_many_is_no_reason_to_stop() -> None:
    judgment = judge(outcomes(RETURN, (0, 8), *[(8, 8)] * 9, samples=8))
    assert judgment.verdict is Verdict.GREEN
    assert judgment.findings[0].lost_cases == 1.0


def test_missed_calls_for_a_person_are_a_loss_of_their_own() -> None:
    whole = Pair(3, 3, 3, 3)
    wanted = [Outcome(intent="", good=whole, valid=whole, person=Pair(0, 3, 3, 3)) for _ in range(4)]
    judgment = judge([*wanted, *outcomes("", *[(3, 3)] * 40)])
    assert [loss.group for loss in judgment.losses] == [Group.PERSON]


def test_what_cannot_be_known_is_neither_green_nor_a_reason_to_forget_a_loss() -> None:
    assert judge([]).verdict is Verdict.UNKNOWN
    assert judge(outcomes(RETURN, *[(3, 3)] * 10), missing=0.2).verdict is Verdict.UNKNOWN
    assert judge(outcomes(RETURN, *[(3, 3)] * 10), missing=0.01).verdict is Verdict.GREEN
    assert judge(outcomes(RETURN, *[(0, 3)] * 10), missing=0.2).verdict is Verdict.RED


def test_a_judgment_outlives_the_process_as_json() -> None:
    judgment = judge(outcomes(RETURN, (0, 3), (0, 3), (0, 3), (3, 3)), missing=0.04)
    assert Judgment.from_json(judgment.to_json()) == judgment


def test_a_release_is_hardly_ever_stopped_by_the_model_s_dice() -> None:
    dice = random.Random(5)
    chances = [dice.choice((0.0, 0.3, 0.5, 0.8, 0.95, 1.0)) for _ in range(100)]
    intents = [f"i{number % 5}" for number in range(100)]

    def roll(chance: float) -> int:
        return sum(dice.random() < chance for _ in range(3))

    def is_red() -> bool:
        goods = [(roll(chance), roll(chance)) for chance in chances]
        cases = [outcomes(intent, good)[0] for intent, good in zip(intents, goods, strict=True)]
        return judge(cases).verdict is Verdict.RED

    alarms = sum(is_red() for _ in range(300))
    # More than this many alarms would come by chance once in 100,000 times, were the rate ALPHA.
    assert alarms <= 300 * ALPHA + 4.3 * (300 * ALPHA * (1 - ALPHA)) ** 0.5
