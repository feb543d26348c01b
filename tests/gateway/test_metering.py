"""What calls took and cost: one row each, exact to the last decimal, written once, with the reply or not at all."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.db import OperationalError, transaction
from django.utils import timezone
from pytest_django import Settings

from conversations.actions.append import Verdict
from conversations.actions.customers import add_customer_message
from conversations.actions.runs import Figures, finish_run, open_run
from conversations.events.control import Order
from conversations.events.publisher import tell_workers
from conversations.gateway.admission import Lease
from conversations.gateway.catalog import Candidate
from conversations.gateway.metering import CallWatch, Origin, record_calls
from conversations.gateway.models import Arm, CallHour, LLMCall, Outcome, Price, Purpose
from conversations.gateway.reading import current_catalog
from conversations.gateway.rollup import delete_old_calls, rolled_until, sum_up, sum_up_hours
from conversations.gateway.summary import provider_summary, tallies_between
from conversations.gateway.tally import by
from conversations.intake import stop_reply
from conversations.llm.errors import Kind, LLMError
from conversations.llm.requests import Usage
from conversations.models import Conversation, Message, Run
from conversations.replies.loop import ReplyLoop
from conversations.replies.making import with_calls
from tests.gateway.conftest import Shop, add_route
from tests.gateway.test_failover import answer_of, ask, eventually, is_settled
from tests.model import Call, Cut, Finish, Hold, Refuse, Script, UsageIs, envelope, streamed

OpenShop = Callable[..., Shop]
NewConversation = Callable[[], Conversation]
MIXED = 1000


@dataclass
class Till:
    """A stand-in that charges: what it bills is what it told, by its own price list."""

    prices: tuple[Decimal, Decimal, Decimal]
    chance: random.Random
    charged: Decimal = Decimal(0)
    calls: int = 0
    kinds: set[str] = field(default_factory=set)

    def bill(self, prompt: int, cached: int, completion: int) -> UsageIs:
        price, cached_price, output = self.prices
        self.charged += ((prompt - cached) * price + cached * cached_price + completion * output) / Decimal(1_000_000)
        return UsageIs({"prompt_tokens": prompt, "prompt_cache_hit_tokens": cached, "completion_tokens": completion})

    def serve(self, _call: Call) -> Script:
        self.calls += 1
        prompt = self.chance.randrange(1, 9_000)
        usage = partial(self.bill, prompt, self.chance.randrange(prompt + 1), self.chance.randrange(1, 900))
        kind = self.chance.choices(
            ["ok", "prose", "blank", "length", "filter", "500", "429", "cut"], weights=[80, 3, 2, 2, 2, 5, 3, 3]
        )[0]
        self.kinds.add(kind)
        scripts: dict[str, Callable[[], Script]] = {
            "ok": lambda: [usage(), *streamed(envelope("ค่ะ"))],
            "prose": lambda: [usage(), *streamed("not an envelope")],
            "blank": lambda: [usage(), *streamed("   ")],
            "length": lambda: [usage(), '{"intent"', Finish("length")],
            "filter": lambda: [usage(), Finish("content_filter")],
            "500": lambda: [Refuse(500)],
            "429": lambda: [Refuse(429, {"Retry-After": "0"})],
            "cut": lambda: ['{"intent"', Cut()],
        }
        return scripts[kind]()


def test_counted_cost_is_what_was_charged_to_the_last_decimal(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, settings: Settings
) -> None:
    # A busy machine must not make the shop give up what was billed already.
    settings.CSBOT_FIRST_TOKEN_SECONDS = settings.CSBOT_BETWEEN_CHUNKS_SECONDS = settings.CSBOT_ANSWER_SECONDS = 60
    tills = []
    for number, prices in enumerate((("0.15", "0.003", "0.60"), ("2.5", "1.25", "10"), ("0.420001", "0.1", "0.33"))):
        shop = open_shop(f"provider-{number}", group=number + 1)
        rates = tuple(map(Decimal, prices))
        shop.language_model.prices.update(input=rates[0], cached_input=rates[1], output=rates[2])
        till = Till((rates[0], rates[1], rates[2]), random.Random(number))
        shop.server.default = till.serve
        tills.append((shop, till))
    conversations = [new_conversation() for _ in range(MIXED)]
    for start in range(0, MIXED, 50):
        batch = conversations[start : start + 50]
        for conversation in batch:
            ask(loop, conversation)
        for conversation in batch:
            eventually(partial(is_settled, conversation), seconds=60)
    assert LLMCall.objects.count() == sum(till.calls for _shop, till in tills) >= MIXED
    assert len(set().union(*(till.kinds for _shop, till in tills))) == 8
    for shop, till in tills:
        rows = LLMCall.objects.filter(provider=shop.provider)
        assert sum((row.cost or Decimal(0) for row in rows), Decimal(0)) == till.charged
    counted = by(tallies_between(timezone.now() - timedelta(hours=1), timezone.now()), "currency")
    assert counted[("USD",)].cost == sum((till.charged for _shop, till in tills), Decimal(0))


def test_a_row_tells_all_about_its_call(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("first")
    shop.server.default = lambda _call: streamed(envelope("เดี๋ยวให้เจ้าหน้าที่ช่วยนะคะ", escalate=True))
    answer_of(loop, new_conversation())
    call, run = LLMCall.objects.get(), Run.objects.get()
    assert (call.run_id, call.number, call.purpose) == (run.pk, 0, Purpose.REPLY)
    assert (call.provider, call.account, call.model) == (shop.provider, shop.account, shop.language_model)
    assert call.key_fingerprint == shop.account.keys.get().fingerprint
    assert (call.outcome, call.finish_reason, call.has_escalated, call.is_metered) == (Outcome.OK, "stop", True, True)
    assert (call.prompt_tokens, call.cached_tokens, call.completion_tokens) == (100, 60, 20)
    assert (call.input_price, call.cached_price, call.output_price) == (
        Decimal("0.15"),
        Decimal("0.003"),
        Decimal("0.6"),
    )
    assert call.playbook_version == run.trace["playbook"]
    assert call.first_token_ms is not None and call.first_token_ms <= call.total_ms


def test_a_call_that_is_given_up_is_counted_as_such(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("first")
    shop.server.default = lambda _call: [envelope("ส่วนที่เห็นแล้ว ส่วนที่เหลือ")[:-12], Hold()]
    conversation = new_conversation()
    ask(loop, conversation)
    shop.server.wait_for_calls(1)
    eventually(lambda: Run.objects.open().exists())
    assert stop_reply(conversation.pk, run_id=Run.objects.get().pk)
    eventually(lambda: is_settled(conversation))
    call = LLMCall.objects.get()
    assert call.outcome == Outcome.CANCELLED
    assert not call.is_metered and not call.cost


def test_a_question_that_grows_makes_two_calls_of_one_run(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("first")
    shop.server.will([Hold()], streamed(envelope("ค่ะ")))
    conversation = new_conversation()
    ask(loop, conversation)
    shop.server.wait_for_calls(1)
    ask(loop, conversation, "อีกข้อค่ะ")
    tell_workers(Order.EXTEND, run_id=Run.objects.get().pk)
    eventually(lambda: is_settled(conversation))
    outcomes = LLMCall.objects.order_by("number").values_list("number", "outcome", "run_id")
    run = Run.objects.get().pk
    assert list(outcomes) == [(0, Outcome.CANCELLED, run), (1, Outcome.OK, run)]


def watch(candidate: Candidate, *, number: int = 0, **details: object) -> CallWatch:
    lease = Lease(candidate, candidate.keys[0], token="", tokens=0)
    call = CallWatch(lease, Origin(Purpose.REPLY), number, **details)  # type: ignore[arg-type]
    call.see_end("stop", Usage(100, 0, 10, 0))
    call.succeed(is_repaired=False, has_escalated=False)
    call.close()
    return call


@pytest.fixture
def only_candidate(db: None) -> Candidate:
    add_route("first", "http://127.0.0.1:9/v1")
    return current_catalog().candidates[0]


def test_reply_and_rows_are_there_together_or_not_at_all(only_candidate: Candidate, conversation: Conversation) -> None:
    ask_without_loop(conversation)
    opened = open_run(conversation.pk, worker="x")
    assert opened is not None
    run = opened.run
    store = partial(
        finish_run, run.pk, text="ค่ะ", verdict=Verdict("อื่นๆ", action_required=False, escalate=False), figures=Figures()
    )

    class Dying(list[CallWatch]):
        def __iter__(self) -> Iterator[CallWatch]:
            raise OperationalError("the worker's connection dies here")

    with pytest.raises(OperationalError), transaction.atomic():
        with_calls(store, run.pk, Dying([watch(only_candidate)]))
    assert not Message.objects.filter(sender="bot").exists() and not LLMCall.objects.exists()
    with_calls(store, run.pk, [watch(only_candidate)])
    assert Message.objects.filter(sender="bot").count() == LLMCall.objects.count() == 1


def ask_without_loop(conversation: Conversation) -> None:
    add_customer_message(conversation.pk, client_id=conversation.public_id, text="?")


def test_writing_again_writes_nothing_new(only_candidate: Candidate) -> None:
    calls = [watch(only_candidate, number=number) for number in range(3)]
    for _ in range(3):
        record_calls(7, calls)
    assert LLMCall.objects.count() == 3


def test_a_server_that_counts_nonsense_harms_nothing(only_candidate: Candidate) -> None:
    call = watch(only_candidate)
    call.see_end("stop\x00\n<b>" + "x" * 500, Usage(2**63, 2**70, 2**80, 2**90))
    record_calls(7, [call])
    row = LLMCall.objects.get()
    assert row.finish_reason.startswith("stop<b>x") and len(row.finish_reason) <= 40
    assert row.cached_tokens <= row.prompt_tokens


def test_a_model_without_a_price_is_counted_as_unpriced(only_candidate: Candidate) -> None:
    Price.objects.all().delete()
    record_calls(7, [watch(current_catalog().candidates[0])])
    assert LLMCall.objects.get().cost is None
    [tally] = provider_summary().values()
    assert tally.unpriced == 1 and not tally.cost


HOUR_OF_CALLS = datetime(2026, 11, 20, 10, tzinfo=UTC)


def call_at(candidate: Candidate, moment: datetime, *, run_id: int, arm: str = "", first_ms: int = 100) -> None:
    call = watch(candidate, started_at=moment)
    call.origin = Origin(Purpose.REPLY, arm=arm)
    call.first_token_ms, call.total_ms = first_ms, first_ms * 2
    if run_id % 10 == 0:
        call.fail(LLMError(Kind.INVALID))
    record_calls(run_id, [call])


def test_hours_and_rows_give_the_same_figures_before_during_and_after_summing_up(only_candidate: Candidate) -> None:
    chance = random.Random(1)
    for number in range(300):
        moment = HOUR_OF_CALLS + timedelta(minutes=chance.uniform(0, 60 * 6))
        call_at(only_candidate, moment, run_id=number, arm=chance.choice(["", *Arm.values]), first_ms=number + 5)
    since, until = HOUR_OF_CALLS + timedelta(minutes=20), HOUR_OF_CALLS + timedelta(hours=5, minutes=40)
    from_rows = tallies_between(since, until)
    assert 0 < by(from_rows)[()].calls < 300
    for hour in range(6):
        sum_up(HOUR_OF_CALLS + timedelta(hours=hour))
        assert tallies_between(since, until) == from_rows
    sum_up(HOUR_OF_CALLS)
    assert by(tallies_between(HOUR_OF_CALLS, until + timedelta(hours=1)))[()].calls == 300
    everything = by(from_rows)[()]
    assert everything.success_share is not None and 0.85 < everything.success_share < 0.95


def test_percentiles_are_right_to_within_five_per_cent(only_candidate: Candidate) -> None:
    chance = random.Random(2)
    times = sorted(round(chance.lognormvariate(6, 0.7)) for _ in range(500))
    for number, milliseconds in enumerate(times, start=1):
        call_at(only_candidate, HOUR_OF_CALLS, run_id=number * 10 + 1, first_ms=milliseconds)
    tally = by(tallies_between(HOUR_OF_CALLS, HOUR_OF_CALLS + timedelta(hours=1)))[()]
    for share in (0.5, 0.95, 0.99):
        found, exact = tally.first_token_ms(share), times[int(share * len(times)) - 1]
        assert found is not None and abs(found - exact) / exact < 0.05


def test_only_hours_that_are_over_are_summed_up_and_a_stopped_scheduler_catches_up(only_candidate: Candidate) -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    for hours in range(5):
        call_at(only_candidate, now - timedelta(hours=hours, minutes=30), run_id=hours + 1)
    sum_up_hours()
    mark = rolled_until()
    assert mark is not None and mark <= timezone.now() - timedelta(minutes=10)
    summed = CallHour.objects.count()
    assert summed in {4, 5}
    sum_up_hours()
    assert CallHour.objects.count() == summed
    assert by(tallies_between(now - timedelta(days=1), timezone.now()))[()].calls == 5


def test_old_rows_go_their_hours_stay(only_candidate: Candidate, settings: Settings) -> None:
    settings.CSBOT_CALL_DAYS = 1
    old, new = timezone.now() - timedelta(days=2), timezone.now() - timedelta(hours=1)
    call_at(only_candidate, old, run_id=1)
    call_at(only_candidate, new, run_id=2)
    delete_old_calls()
    assert LLMCall.objects.count() == 2, "nothing goes before it is summed up"
    sum_up_hours()
    delete_old_calls()
    assert list(LLMCall.objects.values_list("run_id", flat=True)) == [2]
    assert by(tallies_between(old - timedelta(hours=2), timezone.now()))[()].calls == 2
