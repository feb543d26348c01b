"""The ladder's decisions by themselves: near and fixed steps judge by one score, repeats by what became of repeats."""

import random

import pytest

from conversations.answers.bound import NO_PRIOR, USUAL_REPEATS, Curve, Repeats, shared_repeats
from conversations.answers.guards import Guard, traits_of
from conversations.answers.ladder import (
    Entry,
    Neighbour,
    Opinion,
    Rules,
    Seen,
    Why,
    decide_exact,
    decide_fixed,
    decide_near,
    look_at,
)
from conversations.answers.score import DEFAULT_WEIGHTS, Features, features_from, score_of, weights_from
from conversations.answers.verified import Compared, learn_from

ASKED = "How long does delivery to the islands take?"
SURE = Opinion("shipping", 0.98)
SHIPPING = Entry(1, 11, "Two days.", "shipping", right=0, wrong=0)
FIXED = Entry(2, None, "See the delivery page.", "shipping", right=0, wrong=0)
OPENING = Entry(3, 12, "At nine.", "opening", right=0, wrong=0)


def rules(*, limit: float = 1.0, repeats: Repeats = USUAL_REPEATS) -> Rules:
    return Rules(
        tolerated_share=0.01,
        explore_share=0.0,
        risk_limit=limit,
        prior=NO_PRIOR.curve,
        weights=DEFAULT_WEIGHTS,
        reusable=frozenset({"shipping", "opening"}),
        repeats=repeats,
    )


def seen(*neighbours: Neighbour, opinion: Opinion = SURE) -> Seen:
    return look_at(traits_of(ASKED), neighbours, opinion)


PASSES = Neighbour(SHIPPING, "Please tell me how long delivery to the islands takes", 0.9)
NUMBERED = Neighbour(SHIPPING, "How long does delivery of 20 parcels to the islands take?", 0.95)
OTHER = Neighbour(OPENING, "When do you open on the islands?", 0.8)


def test_near_and_fixed_steps_judge_by_the_same_features_and_score() -> None:
    around = seen(PASSES, OTHER)
    near = decide_near(around, SURE, rules(), draw=1)
    fixed = decide_fixed(FIXED, around, SURE, rules(), draw=1)
    assert (near.why, fixed.why) == (Why.SERVED, Why.SERVED)
    assert near.features == fixed.features == tuple(around.features)
    assert near.score == fixed.score == pytest.approx(score_of(around.features, DEFAULT_WEIGHTS))
    assert (near.entry, fixed.entry) == (SHIPPING, FIXED)


def test_a_fixed_text_is_judged_by_what_known_questions_say_of_its_intent() -> None:
    backed = decide_fixed(FIXED, seen(NUMBERED), SURE, rules(), draw=1)
    contradicted = decide_fixed(FIXED, seen(OTHER), SURE, rules(), draw=1)
    assert backed.risk < contradicted.risk
    between = (backed.risk + contradicted.risk) / 2
    assert decide_fixed(FIXED, seen(NUMBERED), SURE, rules(limit=between), draw=1).why is Why.SERVED
    assert decide_fixed(FIXED, seen(OTHER), SURE, rules(limit=between), draw=1).why is Why.ABOVE_LIMIT


def test_without_known_questions_to_look_at_nothing_says_what_the_students_word_is_worth() -> None:
    assert decide_fixed(FIXED, None, SURE, rules(), draw=1).why is Why.ENCODER_AWAY
    assert seen().features == Features(0.98, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)


def test_what_no_guard_lets_through_can_only_be_answered_by_a_fixed_text() -> None:
    around = seen(NUMBERED, OTHER)
    near = decide_near(around, SURE, rules(), draw=1)
    assert (near.why, near.detail) == (Why.GUARDED, Guard.NUMBERS)
    assert around.features.passes == 0.0 and around.features.similarity == NUMBERED.similarity
    assert decide_fixed(FIXED, around, SURE, rules(), draw=1).why is Why.SERVED


def test_a_guarded_question_does_not_hide_the_next_one() -> None:
    around = seen(NUMBERED, PASSES)
    assert around.candidate == PASSES
    assert around.features.similarity == PASSES.similarity and around.features.passes == 1.0


def test_the_very_same_question_in_doubt_is_seen_as_such_by_the_steps_below() -> None:
    same = Neighbour(SHIPPING, f"{ASKED}!", 1.0)
    assert seen(same).features.same == 1.0
    assert seen(PASSES).features.same == 0.0


def test_the_surer_of_two_sure_students_counts_more() -> None:
    sure, surer = (Features(student, 0.9, 0.1, 0.9, 0.9, 1.0, 0.0) for student in (0.9996, 0.99996))
    assert score_of(surer, DEFAULT_WEIGHTS) > score_of(sure, DEFAULT_WEIGHTS)


def test_a_question_that_was_contradicted_is_served_again_only_after_many_agreements() -> None:
    def why(*, right: int, wrong: int) -> Why:
        return decide_exact(Entry(1, 11, "", "shipping", right=right, wrong=wrong), rules(limit=0.01), draw=1).why

    assert why(right=0, wrong=0) is Why.SERVED
    assert why(right=0, wrong=1) is Why.IN_DOUBT
    assert why(right=10, wrong=1) is Why.IN_DOUBT
    assert why(right=300, wrong=1) is Why.SERVED


def test_where_the_same_text_often_means_two_things_agreement_comes_first() -> None:
    ambiguous = shared_repeats([(8, 0)] * 60 + [(0, 8)] * 4)
    fresh = Entry(1, 11, "", "shipping", right=0, wrong=0)
    agreed = Entry(1, 11, "", "shipping", right=8, wrong=0)
    assert decide_exact(fresh, rules(limit=0.01, repeats=ambiguous), draw=1).why is Why.IN_DOUBT
    assert decide_exact(agreed, rules(limit=0.01, repeats=ambiguous), draw=1).why is Why.SERVED
    clear = shared_repeats([(8, 0)] * 300)
    assert decide_exact(fresh, rules(limit=0.01, repeats=clear), draw=1).why is Why.SERVED


def test_nothing_is_learnt_of_repeats_before_there_are_any() -> None:
    assert shared_repeats([]) == shared_repeats([(0, 0)] * 50) == USUAL_REPEATS


def test_features_stored_by_older_releases_are_read() -> None:
    assert features_from([0.9, 0.8, 0.1, 0.5]) == Features(0.9, 0.8, 0.1, 0.5, backing=0.5, passes=1.0, same=0.0)
    assert features_from([0.9, 0.8, 0.1, 0.5, 0.7]) == Features(0.9, 0.8, 0.1, 0.5, backing=0.7, passes=1.0, same=0.0)
    whole = Features(0.9, 0.8, 0.1, 0.5, 0.7, 0.0, 0.0)
    assert features_from(list(whole)) == whole
    assert score_of(whole, weights_from(DEFAULT_WEIGHTS[:6])) == score_of(whole, DEFAULT_WEIGHTS)


def compared(count: int) -> list[Compared]:
    """Return comparisons of 20 answers; the surer the student, the likelier right."""
    draw = random.Random(4)
    made = []
    for _each in range(count):
        sure = draw.random()
        features = Features(
            sure, draw.random(), 0.1, draw.random(), draw.random(), float(draw.random() < 0.5), same=0.0
        )
        made.append(Compared(draw.randrange(20), features, draw.random() < sure))
    return made


def test_risks_are_learnt_for_near_and_fixed_steps_together() -> None:
    repeated = [(3, 0), (0, 1), (0, 0)]
    learnt = learn_from(compared(800), repeated=repeated)
    assert len(learnt.judged) == 800
    assert learnt.repeats == shared_repeats(repeated)
    assert set(learnt.curves) == set(range(20))
    sure, unsure = Features(0.99, 0.5, 0.1, 0.5, 0.5, 1.0, 0.0), Features(0.1, 0.5, 0.1, 0.5, 0.5, 1.0, 0.0)
    assert learnt.risk(0, sure) < learnt.risk(0, unsure)
    assert learnt.risk(99, sure) == learnt.prior.risk(score_of(sure, learnt.weights))


def test_what_says_a_labels_risk_was_not_learnt_from_it() -> None:
    """One wrong label of an entry of its own: judged by the prior, not by the curve that it would bend."""
    lone = Compared(77, Features(0.9, 0.9, 0.1, 0.9, 0.9, 1.0, 0.0), is_right=False)
    learnt = learn_from([*compared(400), lone])
    own: Curve = learnt.curves[77]
    score = score_of(lone.features, learnt.weights)
    assert (learnt.prior.risk(score), False) in learnt.judged
    assert own.risk(score) > learnt.prior.risk(score)
