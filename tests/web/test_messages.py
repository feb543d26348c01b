"""`send`, `ack`, `nack`: stored once, or clearly not."""

import json
import re
import uuid
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from conversations.models import Conversation, Customer, Message
from tests.web.server import Client, Frame, WebProcess

HARD_TEXTS = [
    "ไม่มีเว้นวรรคเลยแม้แต่นิดเดียวในประโยคนี้",
    "\u200bzero\u200dwidth\ufeff",
    "ก\u0e49\u0e49\u0e49\u0e49\u0e49 zalgo \u0335\u0336",
    "\u202eright to left\u202c שלום",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "'; DROP TABLE conversations_message; --",
    "{{ 7*7 }} %s {0} ${x}",
    "👨‍👩‍👧‍👦🇹🇭",
    "line\r\nbreak\ttab\x1b[31m\x7f",
    "ก" * 2000,
    "\ud83d\ude00",
]


@pytest.mark.parametrize("text", HARD_TEXTS)
def test_hard_texts_are_stored_and_shown_unchanged(widget: Client, talk: Conversation, text: str) -> None:
    text = text.encode("utf-16", "surrogatepass").decode("utf-16")
    widget.send(text)
    assert widget.next("message")["text"] == text == talk.messages.get().text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "empty"),
        (" \t\n", "empty"),
        ("\u200b\u200d\ufeff", "empty"),
        ("ก" * 2001, "too_long"),
        ("a\x00b", "invalid"),
        ("half a pair: \ud800", "invalid"),
    ],
)
def test_what_cannot_be_stored_is_refused_with_a_reason(
    widget: Client, talk: Conversation, text: str, code: str
) -> None:
    client_id = widget.send(text)
    nack = widget.receive()
    assert nack.keys() == {"type", "client_id", "code", "message"}
    assert (nack["type"], nack["client_id"], nack["code"]) == ("nack", client_id, code) and nack["message"]
    assert widget.all_so_far() == [] and not talk.messages.exists()


def test_limits_count_characters_not_bytes(widget: Client) -> None:
    assert len(("ก" * 2000).encode()) == 6000
    widget.send("ก" * 2000)
    assert widget.next("ack", "nack")["type"] == "ack"
    widget.send("😀" * 2000)
    assert widget.next("ack", "nack")["type"] == "ack"


def test_a_nack_speaks_the_customers_language(web: WebProcess) -> None:
    for locale, pattern in (("th", "[ก-๙]"), ("en", "[a-z]")):
        with web.widget(web.session(locale=locale)["token"]) as client:
            client.send("x" * 2001)
            message = client.next("nack")["message"]
            assert re.search(pattern, message) and "2000" in message


def test_an_ack_comes_after_the_commit(widget: Client) -> None:
    for number in range(10):
        client_id = widget.send(f"message {number}")
        ack = widget.next("ack")
        assert Message.objects.get(client_id=client_id).seq == ack["seq"] == number + 1


def test_a_resend_gets_the_same_ack_and_no_second_message(widget: Client, talk: Conversation) -> None:
    client_id = widget.send("once")
    first = widget.next("ack")
    for _ in range(5):
        widget.send("once", client_id=client_id)
        assert widget.next("ack") == first
    assert widget.all_so_far() == [] and talk.messages.count() == 1


def test_a_client_id_is_echoed_as_it_was_written(widget: Client) -> None:
    client_id = str(uuid.uuid4()).upper()
    widget.send("hello", client_id=client_id)
    assert widget.next("ack")["client_id"] == client_id


def test_the_same_id_with_another_text_is_a_conflict(widget: Client, talk: Conversation) -> None:
    client_id = widget.send("one thing")
    widget.next("ack")
    widget.send("another thing", client_id=client_id)
    assert widget.next("nack")["code"] == "conflict"
    assert talk.messages.get().text == "one thing"


def test_a_message_for_an_erased_customer_is_closed(widget: Client) -> None:
    Customer.objects.all().delete()
    client_id = widget.send("is anybody there?")
    nack = widget.receive()
    assert (nack["type"], nack["client_id"], nack["code"]) == ("nack", client_id, "closed")


def test_beyond_the_limit_a_message_is_refused_but_a_resend_is_not(widget: Client, talk: Conversation) -> None:
    first = widget.send("the first")
    ack = widget.next("ack")
    answers = []
    for number in range(30):
        widget.send(f"message {number}")
        answers.append(widget.next("ack", "nack"))
    refused = [answer for answer in answers if answer["type"] == "nack"]
    assert len(refused) >= 5 and all(nack["code"] == "rate_limited" and nack["retry_after"] > 0 for nack in refused)
    assert talk.messages.count() == 1 + 30 - len(refused)
    widget.send("the first", client_id=first)
    assert widget.next("ack", "nack") == ack
    widget.send("not the first", client_id=first)
    assert widget.next("ack", "nack")["code"] == "conflict"


def test_a_storm_of_resends_from_many_sockets_is_one_message(
    web: WebProcess, session: Frame, talk: Conversation
) -> None:
    client_id = str(uuid.uuid4())

    def storm(_number: int) -> list[Frame]:
        with web.widget(session["token"]) as client:
            for _ in range(8):
                client.send("storm", client_id=client_id)
            return [client.next("ack", "nack") for _ in range(8)]

    with ThreadPoolExecutor(6) as threads:
        answers = [json.dumps(frame) for frames in threads.map(storm, range(6)) for frame in frames]
    assert len(answers) == 48 and len(Counter(answers)) == 1 and '"ack"' in answers[0]
    assert talk.messages.count() == 1


def test_two_devices_writing_at_once_agree_on_the_order(web: WebProcess, session: Frame, talk: Conversation) -> None:
    def write(number: int) -> list[tuple[int, str]]:
        with web.widget(session["token"]) as client:
            for part in range(8):
                client.send(f"{number}.{part}")
            messages = [client.next("message") for _ in range(16)]
            return [(message["seq"], message["text"]) for message in messages]

    with ThreadPoolExecutor(2) as threads:
        one, other = threads.map(write, range(2))
    assert one == other == list(talk.messages.order_by("seq").values_list("seq", "text"))
    assert [seq for seq, _text in one] == list(range(1, 17))
