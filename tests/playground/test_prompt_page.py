"""The exact prompt: word for word what a model is sent, with its size and price."""

from typing import Any

import pytest
from django.test import Client
from django.test.utils import ContextList
from django.urls import reverse

from conversations.models import Run, Site
from conversations.playbook.models import Example, Fact
from conversations.playbook.reading import current_playbook
from tests.gateway.conftest import add_route
from tests.playground.conftest import HOSTILE, Reply, browser_of, made_reply

Context = ContextList | dict[str, Any]
PROMPT = "/admin/conversations/run/prompt/"


def shown(client: Client, **wanted: object) -> Context:
    response = client.get(PROMPT, {name: str(value) for name, value in wanted.items()})
    assert response.status_code == 200
    found: Context = response.context
    return found


def messages_of(context: Context) -> list[tuple[str, str]]:
    return [(line.role, line.content) for part in context["parts"] for line in part.lines]


@pytest.mark.usefixtures("shop")
def test_it_is_what_a_model_would_be_sent_for_this_question() -> None:
    client = browser_of("Viewers")
    context = shown(client, book="live", q="เปิดกี่โมงคะ", locale="th")
    messages = messages_of(context)
    playbook = current_playbook()
    assert messages[0][1].startswith(playbook.instruction.strip()[:40])
    assert messages[1] == ("user", playbook.examples[0].customer_text)
    assert messages[-1] == ("user", "เปิดกี่โมงคะ")
    assert len(messages) == 1 + 2 * len(playbook.pinned) + 2
    assert context["size"].total == sum(part.tokens for part in context["parts"])


@pytest.mark.usefixtures("shop")
def test_the_draft_has_what_is_edited_and_the_live_release_has_not() -> None:
    fact = Fact.objects.on()[0]
    fact.text_th = "เปิดตลอด 24 ชั่วโมง"
    fact.save()
    client = browser_of("Editors")
    assert fact.text_th in messages_of(shown(client, book="draft"))[0][1]
    assert fact.text_th not in messages_of(shown(client, book="live"))[0][1]
    assert fact.text_th not in messages_of(shown(client, book=1))[0][1]


@pytest.mark.usefixtures("shop")
def test_nearest_examples_stand_in_a_part_of_their_own() -> None:
    example = Example.objects.on()[5]
    Example.objects.filter(pk=example.pk).update(is_pinned=False)
    context = shown(browser_of("Editors"), q=example.customer_text)
    nearest = context["parts"][2].lines
    assert [line.content for line in nearest if line.role == "user"] == [example.customer_text]
    assert context["size"].nearest == context["parts"][2].tokens


@pytest.mark.usefixtures("shop")
def test_the_price_of_a_thousand_messages_is_told_with_and_without_prefix_cache() -> None:
    add_route("alpha", "http://127.0.0.1:9/v1")
    context = shown(browser_of("Viewers"), book="live")
    line = context["prices"][0]
    size = context["size"]
    fresh = (size.total - size.fixed) * 0.15 + 80 * 0.6
    for shown_price, fixed in ((line.cached, 0.003), (line.uncached, 0.15)):
        amount, currency = shown_price.split()
        assert float(amount) == pytest.approx((fresh + size.fixed * fixed) / 1000, abs=0.0001)
        assert currency == "USD"
    assert "alpha-model" in line.model


def test_a_replys_prompt_is_built_again_with_its_conversation(shop: Site, reply: Reply) -> None:
    made = reply("มีเสื้อสีฟ้าไหม", reply="มีค่ะ")
    later = made_reply(shop, "ราคา", "เท่าไหร่", conversation=made.conversation)
    client = browser_of("Agents", "Viewers")
    context = shown(client, run=later.pk)
    assert messages_of(context)[-1] == ("user", "ราคา\nเท่าไหร่")
    assert messages_of(context)[-3] == ("user", "มีเสื้อสีฟ้าไหม")
    assert "another playbook" in context["told"]
    version = current_playbook().version
    asked = {"playbook": version, "estimated_tokens": context["size"].total, "examples": [], "turns": 4}
    Run.objects.filter(pk=later.pk).update(trace=asked)
    assert "This is what the model was sent" in shown(client, run=later.pk)["told"]
    Run.objects.filter(pk=later.pk).update(trace=asked | {"turns": 5})
    assert "Built again" in shown(client, run=later.pk)["told"]


@pytest.mark.usefixtures("shop")
def test_figures_are_worked_out_with_the_profile_and_task_that_customers_get() -> None:
    context = shown(browser_of("Viewers"), q="1,500 บาท ลด 20% แล้วเพิ่ม VAT 7% เท่าไหร่คะ")
    assert context["profile"] == "reasoning"
    assert context["reasoning"]
    assert "steps" in messages_of(context)[-2][1]


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("language", ["th", "en"])
def test_what_is_typed_is_text_and_nothing_else(language: str) -> None:
    client = browser_of("Viewers")
    client.cookies["django_language"] = language
    html = client.get(PROMPT, {"q": HOSTILE + "\x00"}).content.decode()
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html


def test_it_needs_rights_and_things_that_are_there(reply: Reply) -> None:
    run = reply("ส่งกี่วัน")
    assert browser_of("Agents").get(PROMPT).status_code == 403
    viewer = browser_of("Publishers")
    for wanted in ({"book": "77"}, {"book": "x"}, {"run": "x"}, {"run": str(run.pk + 1)}, {"run": "9" * 30}):
        assert viewer.get(PROMPT, wanted).status_code == 404
    assert Client().get(reverse("admin:playbook-prompt")).status_code == 302
