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
from tests.model import Cut, Finish, Hold, Pause, Raw, Refuse, Script, chunk, envelope, event, streamed

OpenShop = Callable[..., Shop]
NewConversation = Callable[[], Conversation]

FAILURES: dict[str, Script] = {
    "401": [Refuse(401)],
    "402": [Refuse(402)],
    "429": [Refuse(429)],
    "429 with Retry-After": [Refuse(429, {"Retry-After": "9"})],
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
    "keep-alives for ever": [Raw(b": keep-alive\n\n", times=400, pause=0.02)],
    "blanks for ever": [Raw(event(chunk({"content": " "})), times=400, pause=0.02)],
    "reasoning for ever": [Raw(event(chunk({"reasoning_content": "hm"})), times=400, pause=0.02)],
    "a stall under keep-alives": ['{"intent"', Raw(b": keep-alive\n\n", times=400, pause=0.02)],
    "a page instead of a stream": [Refuse(200, body="<html>Welcome</html>")],
    "an error in the stream": ['{"intent"', Raw(event(b'{"error": {"message": "busy"}}'))],
    "a broken frame": ['{"intent"', Raw(event(b"{nonsense"))],
    "an id, then nothing": [Raw(b"id: 1\n\n"), Raw(b"data:\n\n")],
    "thinking that took all tokens": [Raw(event(chunk({"reasoning_content": "hm"}))), Finish("length")],
    "another intent's envelope": streamed('{"response": 7}'),
}

ODD_BUT_WHOLE: dict[str, Script] = {
    "keep-alives before and between": [
        Raw(b": keep-alive\n\n", times=5, pause=0.02),
        envelope("ค่ะ")[:20],
        Raw(b": keep-alive\n\n"),
        envelope("ค่ะ")[20:],
        Finish(),
    ],
    "an id and a comment": [Raw(b"id: 1\n\n: hm\n\n"), *streamed(envelope("ค่ะ"))],
    "empty data": [Raw(b"data:\n\n"), *streamed(envelope("ค่ะ"))],
    "choices of null": [Raw(event(b'{"choices": null}')), *streamed(envelope("ค่ะ"))],
    "no end mark, and no blank line after the last event": [
        envelope("ค่ะ"),
        Raw(event(chunk({}, finish_reason="stop")).rstrip()),
    ],
    "carriage returns": [Raw(event(chunk({"content": envelope("ค่ะ")})).replace(b"\n", b"\r\n")), Finish()],
    "cut inside its characters": [
        *[Raw(bytes([byte])) for byte in event(chunk({"content": envelope("ค่ะ")}))],
        Finish(),
    ],
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
    assert seconds < 2.5
    assert len(primary.server.calls) == 1, "never twice to the same account and model"
    calls = LLMCall.objects.order_by("number")
    assert [call.provider_id for call in calls] == [primary.provider.pk, second.provider.pk]
    assert calls[0].outcome != Outcome.OK and calls[1].outcome == Outcome.OK
    assert (calls[0].is_switched, calls[1].is_switched) == (False, True)


@pytest.mark.parametrize("script", ODD_BUT_WHOLE.values(), ids=ODD_BUT_WHOLE)
def test_a_stream_that_is_odd_but_whole_is_the_primarys_answer(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, script: Script
) -> None:
    primary, second = open_shop("first"), open_shop("second", group=2)
    primary.server.default = lambda _call: script
    assert answer_of(loop, new_conversation())[0] == "ค่ะ"
    assert second.server.calls == []
    assert LLMCall.objects.get().outcome == Outcome.OK


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
    # The quickest of each: the machine has other work too.
    assert min(waits) - usual < 0.05


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


@pytest.mark.parametrize(
    ("locale", "words"),
    [("th", "ขออภัยค่ะ ระบบตอบคำถามนี้ไม่ได้ในตอนนี้ จึงส่งเรื่องให้เจ้าหน้าที่แล้ว"), ("en", "Sorry, I can't answer this right now")],
)
def test_with_all_down_the_customer_is_told_so_in_their_language_and_nothing_is_lost(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation, locale: str, words: str
) -> None:
    for name, script in (("first", [Refuse(503)]), ("second", [Cut()])):
        open_shop(name).server.default = lambda _call, script=script: script  # type: ignore[misc]
    conversation = new_conversation()
    Conversation.objects.filter(pk=conversation.pk).update(locale=locale)
    ask(loop, conversation, "ของถึงไหนแล้วคะ")
    eventually(lambda: Escalation.objects.filter(conversation=conversation).exists())
    said = [(each.sender, each.text) for each in conversation.messages.order_by("seq")]
    assert said[0] == (Sender.CUSTOMER, "ของถึงไหนแล้วคะ")
    [(sender, told)] = said[1:]
    assert sender == Sender.SYSTEM and told.startswith(words)


def test_what_is_too_long_for_the_model_is_sent_once_more_without_the_history(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("only")
    shop.server.default = good("ค่ะ")
    conversation = new_conversation()
    for _ in range(2):
        answer_of(loop, conversation)
    complaint = "This model's maximum context length is 4096 tokens."
    shop.server.will([Refuse(400, body=complaint)])
    assert answer_of(loop, conversation)[0] == "ค่ะ"
    long, short = (call.body["messages"] for call in shop.server.calls[-2:])
    assert len(short) == len(long) - 4 and short[-1] == long[-1]
    shop.server.default = lambda _call: [Refuse(400, body=complaint)]
    before = len(shop.server.calls)
    ask(loop, conversation)
    eventually(Escalation.objects.exists)
    assert len(shop.server.calls) == before + 2, "once, not for ever"


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


def test_a_key_that_is_refused_breaks_no_stream_that_runs_on_another(
    loop: ReplyLoop, open_shop: OpenShop, new_conversation: NewConversation
) -> None:
    shop = open_shop("first", keys=("good", "revoked"))
    shop.server.will([envelope("ช้าหน่อยค่ะ")[:30], Hold(), envelope("ช้าหน่อยค่ะ")[30:], Finish()])
    shop.server.default = lambda call: (
        [Refuse(401)] if call.headers["Authorization"].endswith("revoked") else streamed(envelope("ค่ะ"))
    )
    slow = new_conversation()
    ask(loop, slow)
    shop.server.wait_for_calls(1)
    for _ in range(3):
        assert answer_of(loop, new_conversation())[0] == "ค่ะ"
    shop.server.release()
    eventually(lambda: is_settled(slow))
    assert Message.objects.get(conversation=slow, sender=Sender.BOT).text == "ช้าหน่อยค่ะ"


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
