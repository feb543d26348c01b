"""The playground's socket, over a real connection to a real web process, with scripted models at the other end."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from conversations.gateway.models import Budget, LLMCall, Purpose, Route
from conversations.models import Message, Site
from conversations.playbook.models import Example, Fact, Intent
from conversations.playbook.starter import load_starter_playbook
from tests.desk.conftest import client_of, desk
from tests.gateway.conftest import add_route, forget_circuits
from tests.model import Hold, Model, Refuse, envelope, streamed
from tests.playground.conftest import made_reply, make_staff
from tests.rollout.conftest import new_call
from tests.web.server import SOON, Frame, WebProcess

__all__ = ["desk"]

SIGNED_OUT = 4401
QUESTION = "คืนสินค้าได้ภายในกี่วันคะ"


class Page:
    """An open playground's end of the socket."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection

    def say(self, **frame: object) -> None:
        """Send a frame."""
        self.connection.send(json.dumps(frame))

    def ask(self, question: str = QUESTION, *, sides: list[dict[str, Any]] | None = None, **more: object) -> None:
        """Ask the live release and the draft, unless told otherwise."""
        self.say(type="ask", **{"id": 1, "question": question, "sides": sides or BOTH, "samples": 1, **more})

    def until(self, *frame_types: str) -> list[Frame]:
        """Return all frames up to the first of these types. Raises TimeoutError."""
        frames: list[Frame] = []
        deadline = time.monotonic() + SOON
        while not frames or frames[-1]["type"] not in frame_types:
            frames.append(json.loads(self.connection.recv(max(0.01, deadline - time.monotonic()))))
        return frames

    def answers(self) -> dict[tuple[int, int], Frame]:
        """Return all answers by side and sample, once all is done."""
        frames = self.until("done", "refused")
        assert frames[-1]["type"] == "done", frames[-1]
        return {(each["side"], each["sample"]): each for each in frames if each["type"] == "answer"}


BOTH: list[dict[str, Any]] = [{"book": "live"}, {"book": "draft"}]
OpenPage = Callable[..., Page]


@pytest.fixture
def shop(transactional_db: None) -> Site:
    """The starter playbook, live, for other processes too."""
    forget_circuits()
    load_starter_playbook()
    return Site.objects.create(name="ร้านทดสอบ")


@pytest.fixture
def model(shop: Site) -> Iterator[Model]:
    """A scripted model, entered as the shop's only provider."""
    with Model().running() as running:
        add_route("alpha", running.base_url)
        yield running


@pytest.fixture
def open_page(desk: WebProcess) -> Iterator[OpenPage]:
    """Opens playgrounds; they are closed at the end."""
    with ExitStack() as pages:

        def open_one(user: User | None, *, origin: str | None = None) -> Page:
            host = f"127.0.0.1:{desk.port}"
            cookie = client_of(user).cookies[settings.SESSION_COOKIE_NAME].value if user else "nothing"
            connection = connect(
                f"ws://{host}/ws/desk/playground/",
                origin=Origin(origin or f"http://{host}"),
                additional_headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={cookie}"},
                compression=None,
            )
            return Page(pages.enter_context(connection))

        yield open_one


def test_draft_and_live_answer_side_by_side_as_they_write(open_page: OpenPage, model: Model) -> None:
    fact = Fact.objects.get(title__contains="Returns")
    fact.text_th = fact.text_th.replace("7", "14")
    fact.save()
    page = open_page(make_staff("Editors"))
    model.will(streamed(envelope("ภายใน 7 วันค่ะ", intent="คืนสินค้า")), streamed(envelope("ภายใน 14 วันค่ะ")))
    page.ask()
    frames = page.until("done")
    asked = {each["side"]: each for each in frames if each["type"] == "asked"}
    assert (asked[0]["release"], asked[1]["release"]) == (1, None)
    assert asked[0]["version"] != asked[1]["version"]
    assert asked[0]["who"] == "alpha / alpha-model"
    for side in (0, 1):
        shown = "".join(each["text"] for each in frames if each["type"] == "delta" and each["side"] == side)
        answer = next(each for each in frames if each["type"] == "answer" and each["side"] == side)
        assert shown and answer["response"].startswith(shown)
        assert answer["error"] == ""
        assert (answer["prompt_tokens"], answer["cached_tokens"], answer["completion_tokens"]) == (100, 60, 20)
        assert Decimal(answer["cost"]) > 0
        assert answer["currency"] == "USD"
        assert json.loads(answer["raw"])["response"] == answer["response"]
    prompts = [str(call.body["messages"]) for call in model.calls]
    assert sum("14" in prompt and fact.text_th in prompt for prompt in prompts) == 1


def test_calls_are_recorded_as_the_playgrounds_and_no_customer_sees_anything(open_page: OpenPage, model: Model) -> None:
    page = open_page(make_staff("Publishers"))
    page.ask(samples=2)
    assert set(page.answers()) == {(0, 0), (0, 1), (1, 0), (1, 1)}
    calls = LLMCall.objects.all()
    assert {call.purpose for call in calls} == {Purpose.PLAYGROUND}
    assert {(call.run_id, call.outcome) for call in calls} == {(None, "ok")}
    assert len({call.playbook_version for call in calls}) == 1
    assert not Message.objects.exists()


def test_an_example_can_be_left_out_to_see_the_difference(open_page: OpenPage, model: Model) -> None:
    page = open_page(make_staff("Editors"))
    example = Example.objects.on()[3]
    page.ask(example.customer_text, sides=[{"book": "draft"}, {"book": "draft", "without": [example.pk]}])
    frames = page.until("done")
    first, second = (each["examples"] for each in frames if each["type"] == "asked")
    assert (first[0]["id"], first[0]["percent"]) == (example.pk, 100)
    assert example.pk not in {each["id"] for each in second}
    prompts = [str(call.body["messages"]) for call in model.calls]
    assert sorted(prompt.count(example.response) for prompt in prompts) == [0, 1]
    example.refresh_from_db()
    assert example.is_on


def test_a_real_question_comes_with_what_was_said_before_it(open_page: OpenPage, model: Model, shop: Site) -> None:
    made = made_reply(shop, "มีเสื้อสีฟ้าไหม", reply="มีค่ะ")
    later = made_reply(shop, "แล้วราคาเท่าไหร่", reply="250 บาทค่ะ", conversation=made.conversation)
    page = open_page(make_staff("Editors"))
    page.ask("แล้วราคาเท่าไหร่", run=later.pk, sides=[{"book": "live"}])
    page.answers()
    told = [message["content"] for message in model.calls[0].body["messages"][-3:]]
    assert (told[0], json.loads(told[1])["response"], told[2]) == ("มีเสื้อสีฟ้าไหม", "มีค่ะ", "แล้วราคาเท่าไหร่")


def test_the_shops_own_rules_decide_as_they_would_for_a_customer(open_page: OpenPage, model: Model) -> None:
    Intent.objects.filter(key="คืนสินค้า").update(needs_person=True)
    model.will(*[streamed(envelope("ได้ค่ะ", intent="คืนสินค้า")) for _ in BOTH])
    page = open_page(make_staff("Editors"))
    page.ask()
    answers = page.answers()
    assert (answers[0, 0]["escalate"], answers[0, 0]["guards"]) == (False, [])
    assert (answers[1, 0]["escalate"], answers[1, 0]["guards"]) == (True, ["needs_person"])


def test_any_model_can_be_asked_even_one_that_is_switched_off(open_page: OpenPage, model: Model) -> None:
    with Model().running() as other:
        route = add_route("beta", other.base_url)
        Route.objects.filter(pk=route.pk).update(is_on=False)
        page = open_page(make_staff("Editors"))
        page.ask(sides=[{"book": "live"}, {"book": "live", "route": route.pk}])
        answers = page.answers()
        assert [answers[side, 0]["who"] for side in (0, 1)] == ["alpha / alpha-model", "beta / beta-model"]
        assert (len(model.calls), len(other.calls)) == (1, 1)


def test_what_fails_is_told_with_what_the_model_said(open_page: OpenPage, model: Model) -> None:
    model.will(streamed("ไม่ตอบเป็นฟอร์ม"))
    page = open_page(make_staff("Editors"))
    page.ask(sides=[{"book": "live"}])
    answer = page.answers()[0, 0]
    assert (answer["error"], answer["raw"], answer["response"]) == ("invalid", "ไม่ตอบเป็นฟอร์ม", "")
    model.will([Refuse(500)])
    page.ask(sides=[{"book": "live"}])
    assert page.answers()[0, 0]["error"] == "server"


def test_stop_leaves_the_model_at_once_and_is_counted(open_page: OpenPage, model: Model) -> None:
    model.will([envelope("คำตอบที่ยาวพอจะเห็นแน่นอนค่ะ")[:-12], Hold()])
    page = open_page(make_staff("Editors"))
    page.ask(sides=[{"book": "live"}])
    page.until("delta")
    page.say(type="stop")
    page.until("done")
    assert model.calls[0].was_left.wait(SOON)
    assert LLMCall.objects.get().outcome == "cancelled"


def test_the_next_question_ends_the_one_before(open_page: OpenPage, model: Model) -> None:
    model.will([Hold()], streamed(envelope("ตอบข้อสองค่ะ")))
    page = open_page(make_staff("Editors"))
    page.ask(id=1, sides=[{"book": "live"}])
    model.wait_for_calls(1)
    page.ask("ข้อสอง", id=2, sides=[{"book": "live"}])
    frames = page.until("answer")
    assert (frames[-1]["id"], frames[-1]["response"]) == (2, "ตอบข้อสองค่ะ")
    assert model.calls[0].was_left.wait(SOON)


def test_leaving_the_page_leaves_the_model_too(open_page: OpenPage, model: Model) -> None:
    model.will([Hold()])
    page = open_page(make_staff("Editors"))
    page.ask(sides=[{"book": "live"}])
    model.wait_for_calls(1)
    page.connection.close()
    assert model.calls[0].was_left.wait(SOON)


def test_a_used_up_budget_and_missing_things_are_told(open_page: OpenPage, model: Model) -> None:
    page = open_page(make_staff("Editors"))
    refusals: dict[str, dict[str, Any]] = {
        "no_release": {"sides": [{"book": 77}]},
        "no_model": {"sides": [{"book": "live", "route": 10**9}]},
        "no_run": {"run": 10**9},
        "empty": {"question": " \u200b "},
    }
    for code, asked in refusals.items():
        page.ask(**asked)
        assert page.until("done", "refused")[-1] == {"type": "refused", "id": 1, "code": code}
    new_call(Route.objects.get(), None, started_at=timezone.now(), cost=Decimal(1)).save()
    Budget.objects.create(cap="0.5", step_down="people")
    page.ask()
    assert page.until("done", "refused")[-1] == {"type": "refused", "id": 1, "code": "budget"}
    assert not model.calls


@pytest.mark.parametrize(
    "nonsense",
    [
        "",
        "{",
        "[]",
        '{"type": "no"}',
        '{"type": "ask"}',
        '{"type":"ask","id":1,"question":"x","samples":6,"sides":[{"book":"live"}]}',
        '{"type":"ask","id":1,"question":"x","samples":1,"sides":[]}',
        '{"type":"ask","id":1,"question":"x","samples":1,"sides":[{"book":true}]}',
        '{"type":"ask","id":1,"question":"\\ud800","samples":1,"sides":[{"book":"live","route":-1}]}',
        "x" * 20_000,
    ],
)
def test_nonsense_costs_nothing_but_an_answer(open_page: OpenPage, shop: Site, nonsense: str) -> None:
    page = open_page(make_staff("Editors"))
    page.connection.send(nonsense)
    assert page.until("error")[-1]["code"] == "bad_frame"
    page.say(type="ping")
    assert page.until("pong")


def test_only_those_who_may_try_are_let_in_and_only_as_long_as_they_may(open_page: OpenPage, shop: Site) -> None:
    for user in (None, make_staff("Agents"), make_staff("Viewers")):
        with pytest.raises(ConnectionClosed) as closed:
            open_page(user).connection.recv(SOON)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == SIGNED_OUT
    with pytest.raises(InvalidStatus):
        open_page(make_staff("Publishers"), origin="https://evil.example")
    editor = make_staff("Editors")
    page = open_page(editor)
    page.until("welcome")
    editor.groups.clear()
    page.ask()
    with pytest.raises(ConnectionClosed):
        page.connection.recv(SOON)


def test_a_conversations_words_need_the_right_to_read_it(open_page: OpenPage, model: Model, shop: Site) -> None:
    run = made_reply(shop, "ความลับ")
    page = open_page(make_staff("Operators"))
    page.ask(run=run.pk)
    assert page.until("done", "refused")[-1]["code"] == "no_run"
