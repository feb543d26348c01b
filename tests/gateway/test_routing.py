"""The order in which candidates are tried: groups, weights, arms; and who gets which arm."""

import math
import uuid
from collections import Counter
from collections.abc import Callable

import pytest

from conversations.gateway.arms import assigned_arm, bucket_of
from conversations.gateway.catalog import LiveRollout
from conversations.gateway.models import Arm, Assignment, LLMCall, Rollout, RolloutState, Tier
from conversations.gateway.models.rollouts import BUCKETS
from conversations.gateway.reading import current_catalog
from conversations.gateway.routing import plan
from conversations.models import Conversation, Customer, Priority, Site
from conversations.replies.loop import ReplyLoop
from conversations.replies.opening import plan_for
from tests.gateway.candidates import candidate, catalog
from tests.gateway.conftest import Shop, add_route
from tests.gateway.test_failover import answer_of, good
from tests.model import Refuse

CONVERSATIONS = 2_000
STORED = 300
Z_99 = 2.5758


def within_99_percent(hits: int, *, of: int, share: float) -> bool:
    return abs(hits - of * share) <= Z_99 * math.sqrt(of * share * (1 - share))


def test_groups_come_in_order_whatever_their_weights() -> None:
    known = catalog(candidate(1, group=2, weight=900), candidate(2, group=1, weight=1), candidate(3, group=3))
    for _ in range(50):
        order = plan(known, conversation=uuid.uuid4().bytes).candidates
        assert [each.model_id for each in order] == [2, 1, 3]


def test_weights_share_a_group_and_a_conversation_keeps_its_place() -> None:
    known = catalog(candidate(1, weight=70), candidate(2, weight=30), candidate(3, weight=0))
    conversations = [uuid.UUID(int=number) for number in range(CONVERSATIONS)]
    firsts = [plan(known, conversation=each.bytes).candidates[0].model_id for each in conversations]
    assert firsts == [plan(known, conversation=each.bytes).candidates[0].model_id for each in conversations]
    counts = Counter(firsts)
    assert within_99_percent(counts[1], of=CONVERSATIONS, share=0.7)
    assert counts[3] == 0


def test_a_weight_that_grows_only_moves_conversations_towards_it() -> None:
    before, after = (catalog(candidate(1), candidate(2, weight=weight)) for weight in (50, 100))
    for number in range(500):
        conversation = uuid.UUID(int=number).bytes
        if plan(before, conversation=conversation).candidates[0].model_id == 2:
            assert plan(after, conversation=conversation).candidates[0].model_id == 2


def test_weight_0_serves_when_nobody_else_can() -> None:
    [only] = plan(catalog(candidate(1, weight=0)), conversation=b"x").candidates
    assert only.model_id == 1


def test_a_pair_is_in_a_plan_once() -> None:
    same = candidate(1, group=1)
    assert len(plan(catalog(same, candidate(1, group=2)), conversation=b"x").candidates) == 1


def test_tiers_limit_who_may_answer() -> None:
    assert not plan(catalog(candidate(1)), conversation=b"x", tiers={Tier.ECONOMY}).candidates


@pytest.mark.parametrize(
    ("arm", "ratio", "order"),
    [(Arm.CANARY, 1000, [9, 1, 2]), (Arm.STABLE, 1000, [1, 2, 9]), (Arm.CANARY, 0, [1, 2, 9]), (None, 1000, [1, 2, 9])],
)
def test_the_canary_is_first_for_its_arm_and_the_last_resort_of_the_other(
    arm: Arm | None, ratio: int, order: list[int]
) -> None:
    rollout = LiveRollout(1, canary_model_id=9, ratio=ratio)
    known = catalog(candidate(1), candidate(9), candidate(2, group=2), rollout=rollout)
    assert [each.model_id for each in plan(known, conversation=b"x", arm=arm).candidates] == order


@pytest.fixture
def conversations(db: None) -> list[Conversation]:
    site = Site.objects.create(name="ร้านทดสอบ")
    customers = Customer.objects.bulk_create([Customer(site=site) for _ in range(STORED)])
    return Conversation.objects.bulk_create(
        [
            Conversation(site=site, customer=customer, public_id=uuid.UUID(int=number * 7919))
            for number, customer in enumerate(customers)
        ]
    )


def start_rollout(*, ratio: int) -> Rollout:
    add_route("stable", "http://127.0.0.1:9/v1")
    canary = add_route("canary", "http://127.0.0.1:9/v1", group=9)
    return Rollout.objects.create(name="new", canary=canary.model, state=RolloutState.RUNNING, ratio=ratio)


def arms_by_hash(conversations: list[Conversation], rollout: Rollout, *, ratio: int) -> dict[int, Arm]:
    """Return what the hash says, whose shares are tested over thousands."""
    buckets = {each.pk: bucket_of(each.public_id, rollout_id=rollout.pk) for each in conversations}
    return {pk: Arm.CANARY if bucket < ratio else Arm.STABLE for pk, bucket in buckets.items()}


def arms_of(conversations: list[Conversation]) -> dict[int, Arm | None]:
    rollout = current_catalog().rollout
    return {each.pk: assigned_arm(each, rollout) for each in conversations}


def test_a_tenth_goes_to_the_canary_and_nobody_ever_changes_arm(conversations: list[Conversation]) -> None:
    rollout = start_rollout(ratio=1_000)
    before = arms_of(conversations)
    assert before == arms_by_hash(conversations, rollout, ratio=1_000)
    assert set(before.values()) == {Arm.CANARY, Arm.STABLE}
    for each in conversations[:100]:
        first = plan_for(each, current_catalog()).candidates[0]
        assert first.provider == ("canary" if before[each.pk] is Arm.CANARY else "stable")

    Rollout.objects.update(ratio=2_500)
    assert arms_of(conversations) == before

    site = conversations[0].site
    customers = Customer.objects.bulk_create([Customer(site=site) for _ in range(STORED)])
    newcomers = Conversation.objects.bulk_create([Conversation(site=site, customer=each) for each in customers])
    assert arms_of(newcomers) == arms_by_hash(newcomers, rollout, ratio=2_500)
    assert Assignment.objects.filter(rollout=rollout).count() == 2 * STORED


def test_raising_the_share_only_adds() -> None:
    buckets = [bucket_of(uuid.UUID(int=number), rollout_id=3) for number in range(CONVERSATIONS)]
    assert all(0 <= bucket < BUCKETS for bucket in buckets)
    at_10, at_25 = ({n for n, bucket in enumerate(buckets) if bucket < ratio} for ratio in (1_000, 2_500))
    assert at_10 < at_25
    assert within_99_percent(len(at_10), of=CONVERSATIONS, share=0.1)
    assert within_99_percent(len(at_25), of=CONVERSATIONS, share=0.25)


def test_high_priority_goes_to_the_canary(conversations: list[Conversation]) -> None:
    start_rollout(ratio=1)
    important = conversations[:20]
    for each in important:
        each.priority = Priority.HIGH
    assert set(arms_of(important).values()) == {Arm.CANARY}
    assert Assignment.objects.filter(is_by_priority=True).count() == len(important)


def test_a_rollout_that_was_rolled_back_serves_nobody_and_keeps_its_assignments(
    conversations: list[Conversation],
) -> None:
    start_rollout(ratio=BUCKETS)
    conversation = conversations[0]
    assert plan_for(conversation, current_catalog()).candidates[0].provider == "canary"
    Rollout.objects.update(state=RolloutState.ROLLED_BACK)
    assert plan_for(conversation, current_catalog()).candidates[0].provider == "stable"
    assert Assignment.objects.get().arm == Arm.CANARY


def test_a_canary_that_fails_is_replaced_and_counted_for_its_own_arm(
    loop: ReplyLoop, open_shop: Callable[..., Shop], new_conversation: Callable[[], Conversation]
) -> None:
    stable, canary = open_shop("stable"), open_shop("canary", group=9)
    Rollout.objects.create(name="new", canary=canary.language_model, state=RolloutState.RUNNING, ratio=BUCKETS)
    canary.server.default = lambda _call: [Refuse(500)]
    stable.server.default = good("ค่ะ")
    assert answer_of(loop, new_conversation())[0] == "ค่ะ"
    calls = list(LLMCall.objects.order_by("number").values_list("provider_id", "arm", "is_switched"))
    assert calls == [(canary.provider.pk, "canary", False), (stable.provider.pk, "canary", True)]


@pytest.mark.parametrize("what", ["route", "account", "provider", "key"])
def test_a_canary_that_is_switched_off_in_the_middle_leaves_its_conversations_to_the_others(
    loop: ReplyLoop, open_shop: Callable[..., Shop], new_conversation: Callable[[], Conversation], what: str
) -> None:
    stable, canary = open_shop("stable"), open_shop("canary", group=9)
    Rollout.objects.create(name="new", canary=canary.language_model, state=RolloutState.RUNNING, ratio=BUCKETS)
    canary.server.default, stable.server.default = good("ใหม่"), good("เดิม")
    conversation = new_conversation()
    assert answer_of(loop, conversation)[0] == "ใหม่"
    row = canary.account.keys.get() if what == "key" else getattr(canary, what)
    row.is_on = False
    row.save()
    assert answer_of(loop, conversation)[0] == "เดิม"
    assert set(LLMCall.objects.values_list("arm", flat=True)) == {Arm.CANARY}
    row.is_on = True
    row.save()
    assert answer_of(loop, conversation)[0] == "ใหม่"


def test_a_group_without_anybody_is_passed_over() -> None:
    known = catalog(candidate(1, group=1), candidate(2, group=5), candidate(3, group=9))
    assert [each.group for each in plan(known, conversation=b"x").candidates] == [1, 5, 9]
