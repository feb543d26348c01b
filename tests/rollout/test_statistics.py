"""The guard's tests of hypotheses: against brute force, and against chance itself."""

import random
from math import comb, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.gateway.guard_statistics import (
    Counts,
    Moments,
    fisher_p_value,
    mean_p_value,
    restricted_share,
    share_p_value,
    spent_on_look,
)

counts = st.builds(
    lambda canary, stable, shares: Counts(round(canary * shares[0]), canary, round(stable * shares[1]), stable),
    st.integers(5, 400),
    st.integers(5, 400),
    st.tuples(st.floats(0, 1), st.floats(0, 1)),
)


def log_likelihood(counts: Counts, stable: float, margin: float) -> float:
    """Return how likely these counts are where the canary's share is `margin` above the stable arm's."""
    parts = (
        (counts.canary_bad, stable + margin),
        (counts.canary - counts.canary_bad, 1 - stable - margin),
        (counts.stable_bad, stable),
        (counts.stable - counts.stable_bad, 1 - stable),
    )
    return sum(number * log(max(share, 1e-300)) for number, share in parts if number)


@given(counts, st.sampled_from([0.0, 0.01, 0.03, 0.2]))
def test_the_closed_form_finds_the_most_likely_share(counts: Counts, margin: float) -> None:
    found = restricted_share(counts, margin=margin)
    assert 0 <= found <= 1 - margin
    best = max(log_likelihood(counts, step / 500 * (1 - margin), margin) for step in range(501))
    assert log_likelihood(counts, found, margin) >= best - 1e-6 * abs(best) - 1e-4


@pytest.mark.parametrize("table", [(8, 50, 3, 60), (0, 20, 5, 20), (3, 3, 0, 100), (5, 40, 5, 40), (0, 10, 0, 10)])
def test_fishers_test_is_exact(table: tuple[int, int, int, int]) -> None:
    canary_bad, canary, stable_bad, stable = table
    bad = canary_bad + stable_bad
    worse = sum(comb(canary, hits) * comb(stable, bad - hits) for hits in range(canary_bad, min(bad, canary) + 1))
    found = fisher_p_value([Counts(canary_bad, canary, stable_bad, stable)])
    assert found == pytest.approx(worse / comb(canary + stable, bad))


def test_what_is_far_worse_is_hardly_chance_and_what_is_the_same_is() -> None:
    assert share_p_value([Counts(30, 300, 5, 1000)], margin=0.01) < 1e-9
    assert share_p_value([Counts(3, 300, 10, 1000)], margin=0.0) > 0.3
    assert share_p_value([Counts(0, 300, 10, 1000)], margin=0.0) > 0.9


def test_a_day_on_which_all_goes_wrong_isnt_held_against_the_canary() -> None:
    # Both arms fail alike in each stretch, but the canary had most of its traffic on the bad day.
    strata = [Counts(1, 100, 99, 9900), Counts(900, 9000, 100, 1000)]
    assert share_p_value(strata, margin=0.0) > 0.3
    pooled = [Counts(901, 9100, 199, 10900)]
    assert share_p_value(pooled, margin=0.0) < 1e-6


def test_nothing_to_compare_with_says_nothing() -> None:
    assert share_p_value([], margin=0.0) == 1.0
    assert share_p_value([Counts(50, 50, 0, 0)], margin=0.0) == 1.0
    assert mean_p_value(Moments(1, 5.0, 25.0), Moments(100, 1.0, 1.0), growth=0.0) == 1.0


def test_a_mean_that_grew_is_seen_and_one_within_bounds_isnt() -> None:
    stable = Moments(1000, 1000.0, 1250.0)
    dearer = Moments(200, 400.0, 1000.0)
    assert mean_p_value(dearer, stable, growth=0.25) < 1e-6
    assert mean_p_value(Moments(200, 240.0, 360.0), stable, growth=0.25) > 0.1


def test_looks_spend_no_more_than_there_is() -> None:
    assert sum(spent_on_look(look, total=0.05) for look in range(1, 10_000)) <= 0.05


@pytest.mark.parametrize(("share", "margin"), [(0.02, 0.0), (0.3, 0.0), (0.05, 0.02)])
def test_false_alarms_come_as_seldom_as_the_p_value_says(share: float, margin: float) -> None:
    chance = random.Random(7)
    alarms = 0
    for _ in range(400):
        canary_bad = sum(chance.random() < share + margin for _ in range(200))
        stable_bad = sum(chance.random() < share for _ in range(600))
        alarms += share_p_value([Counts(canary_bad, 200, stable_bad, 600)], margin=margin) < 0.05
    # 400 x 5 % is 20; 34 would be three standard deviations more.
    assert alarms <= 34
