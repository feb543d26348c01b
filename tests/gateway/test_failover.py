"""What customers see when a provider fails: the second one answers, in time, and the first comes back by itself."""

import time
import uuid
from collections.abc import Callable

import pytest

from conversations.actions.customers import add_customer_message
from conversations.gateway.models import LLMCall, Outcome
from conversations.models import Conversation, Escalation, Message, Owner, Reason, Sender
from conversations.replies.loop import ReplyLoop
from tests.gateway.conftest import Shop
from tests.model import Cut, Finish, Hold, Pause, Refuse, Script, envelope, streamed

OpenShop = Callable[..., Shop]
NewConversation = Callable[[], Conversation]

FAILURES: dict[str, Script] = {
    "401": [Refuse(401)],
    "402": [Refuse(402)],
    "429": [Refuse(429)],
    "429 with Retry-After": [Refuse(429, {"Retry-After": "2"})],
    "500": [Refuse(500)],
    "503": [Refuse(503)],
    "400": [Refuse(400)],
    "422": [Refuse(422)],
    "404": [Refuse(404)],
    "reset": [Cut()],
    "reset after some words": ['{"intent": "x", ', Cut()],
    "silence": [Hold()],
    "stall after a word": ['{"intent"', Hold()],
    "blank": streamed("       "),
    "prose": streamed("I am not JSON at all"),
    "broken JSON": streamed('{"intent": "อื่นๆ", "response": '),
    "refused": [Finish("content_filter")],
    "overloaded": [Finish("insufficient_system_resource")],
    "too long": ['{"intent": "อื่นๆ"', Finish("length")],
    "no end": [envelope("ไม่จบ")[:-3], Pause(0.01)],
}


def eventually(is_true: Callable[[], bool], *, seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.005)


def ask(loop: ReplyLoop, conversation: Conversation, text: str = "ส่งของกี่วันคะ") -> None:
    add_customer_message(conversation.pk, client_id=uuid.uuid4(), text=text)
    loop.submit(conversation.pk)


def is_settled(conversation: Conversation) -> bool:
    conversation.refresh_from_db()
    return not conversation.is_unanswered and not conversation.runs.open().exists()


def answer_of(loop: ReplyLoop, conversation: Conversation) -> tuple[str, float]:
    """Ask, wait for the answer, and return it with the seconds that took."""
    started = time.monotonic()
    ask(loop, conversation)
    eventually(lambda: is_settled(conversation))
    message = Message.objects.filter(conversation=conversation, sender=Sender.BOT).latest("seq")
    return message.text, time.monotonic() - started


def good(text: str) -> Callable[..., Script]:
    return lambda _call: streamed(envelope(text))


@pytest.mark.parametrize("script", FAILURES.values(), ids=FAILURES)
def test_whatever_the_primary_does_the_second_provider_answers(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, script: Script
) -> None:
    primary, second = open_shop("first"), open_shop("second", group=2)
    primary.server.default = lambda _call: script
    second.server.default = good("จากร้านที่สองค่ะ")
    text, seconds = answer_of(loop, new_conversation())
    assert text == "จากร้านที่สองค่ะ"
    # The first word's deadline is half a second; nothing else may be waited for.
    assert seconds < 1.5
    assert len(primary.server.calls) == 1, "never twice to the same account and model"
    calls = LLMCall.objects.order_by("number")
    assert [call.provider_id for call in calls] == [primary.provider.pk, second.provider.pk]
    assert calls[0].outcome != Outcome.OK and calls[1].outcome == Outcome.OK
    assert (calls[0].is_switched, calls[1].is_switched) == (False, True)


@pytest.mark.parametrize(
    "script", [[Refuse(500)], [Hold()], [Cut()], streamed("     ")], ids=["500", "silence", "reset", "blank"]
)
def test_once_the_circuit_is_open_customers_wait_no_longer_than_usual(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, script: Script
) -> None:
    primary, second = open_shop("first"), open_shop("second", group=2)
    second.server.default = good("ค่ะ")
    primary.server.default = good("ค่ะ")
    usual = min(answer_of(loop, new_conversation())[1] for _ in range(5))
    primary.server.default = lambda _call: script
    for _ in range(3):
        answer_of(loop, new_conversation())
    before = len(primary.server.calls)
    waits = [answer_of(loop, new_conversation())[1] for _ in range(8)]
    assert len(primary.server.calls) == before
    # The middle one: the machine has other work too.
    assert sorted(waits)[4] - usual < 0.05


def test_a_primary_that_heals_gets_its_traffic_back_by_itself(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    primary, second = open_shop("first"), open_shop("second", group=2)
    second.server.default = good("สอง")
    primary.server.default = lambda _call: [Refuse(503)]
    for _ in range(4):
        assert answer_of(loop, new_conversation())[0] == "สอง"
    primary.server.default = good("หนึ่ง")
    eventually(lambda: answer_of(loop, new_conversation())[0] == "หนึ่ง")
    assert answer_of(loop, new_conversation())[0] == "หนึ่ง"


def test_with_all_providers_down_every_message_ends_at_a_person(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shops = [open_shop(name, group=group) for group, name in enumerate(("first", "second", "third", "fourth"), start=1)]
    for shop in shops:
        shop.server.default = lambda _call: [Refuse(500)]
    conversations = [new_conversation() for _ in range(6)]
    for conversation in conversations:
        ask(loop, conversation)
    eventually(lambda: Escalation.objects.count() == len(conversations))
    for conversation in conversations:
        conversation.refresh_from_db()
        assert conversation.owner == Owner.WAITING
        assert conversation.messages.get(sender=Sender.SYSTEM).code.startswith("failed_")
    assert set(Escalation.objects.values_list("reason", flat=True)) == {Reason.FAILED}
    runs = LLMCall.objects.values_list("run_id", flat=True)
    assert all(list(runs).count(run) <= 3 for run in set(runs))


def test_without_any_provider_a_person_answers(loop: ReplyLoop, new_conversation: NewConversation) -> None:
    ask(loop, new_conversation())
    eventually(Escalation.objects.exists)


def test_a_refused_key_gives_way_to_the_accounts_next_one(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("first", keys=("old", "new"))
    shop.server.default = lambda call: (
        [Refuse(401)] if call.headers["Authorization"] == "Bearer first-old" else streamed(envelope("ค่ะ"))
    )
    for _ in range(3):
        assert answer_of(loop, new_conversation())[0] == "ค่ะ"
    keys = [call.headers["Authorization"].rpartition("-")[2] for call in shop.server.calls]
    assert keys == ["old", "new", "new", "new"]


def test_an_empty_account_is_left_alone_with_all_its_keys_and_models(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    primary, second = open_shop("first", keys=("a", "b")), open_shop("second", group=2)
    primary.server.default = lambda _call: [Refuse(402)]
    second.server.default = good("สอง")
    for _ in range(3):
        assert answer_of(loop, new_conversation())[0] == "สอง"
    assert len(primary.server.calls) == 1


@pytest.mark.parametrize("status", [400, 422])
def test_what_we_asked_wrongly_never_opens_a_circuit(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, status: int
) -> None:
    primary, second = open_shop("first"), open_shop("second", group=2)
    primary.server.default = lambda _call: [Refuse(status)]
    second.server.default = good("สอง")
    for _ in range(6):
        answer_of(loop, new_conversation())
    assert len(primary.server.calls) == 6


def test_a_provider_that_asks_for_a_pause_gets_it(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("only")
    shop.server.will([Refuse(429, {"Retry-After": "1"})])
    shop.server.default = good("ค่ะ")
    text, seconds = answer_of(loop, new_conversation())
    assert text == "ค่ะ"
    assert 1.0 <= seconds < 3.0
    assert len(shop.server.calls) == 2
