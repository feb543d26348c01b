"""The page "Why this answer": everything a reply was made of, and the ways from there into the draft."""

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from conversations.actions.append import Verdict
from conversations.gateway.models import Arm
from conversations.models import Run
from conversations.playbook.drafts import read_draft
from conversations.playbook.models import AuditEntry, Example
from conversations.playbook.reading import current_playbook
from tests.gateway.conftest import add_route
from tests.playground.conftest import HOSTILE, Reply, browser_of
from tests.rollout.conftest import new_call


def page_of(run: Run) -> str:
    return reverse("admin:run-why", args=[run.pk])


def html_of(client: Client, run: Run) -> str:
    response = client.get(page_of(run))
    assert response.status_code == 200
    return response.content.decode()


def test_staff_see_where_a_reply_came_from(reply: Reply) -> None:
    run = reply(
        "ส่งฟรีไหมคะ",
        "ถึงเชียงใหม่กี่วัน",
        reply="ส่งฟรีค่ะ",
        verdict=Verdict("จัดส่ง", action_required=True, escalate=True),
        raw='{"intent": "จัดส่ง"}',
        first_token_ms=412,
        total_ms=1900,
        prompt_tokens=4000,
        cached_tokens=3900,
        completion_tokens=60,
        trace={"profile": "fewshot_json", "guards": ["on_action"], "repairs": ["form"], "turns_left_out": 3},
    )
    html = html_of(browser_of("Agents"), run)
    for words in (
        "ส่งฟรีไหมคะ\nถึงเชียงใหม่กี่วัน",
        "ส่งฟรีค่ะ",
        "deepseek-flash wrote this answer in 1.9 s.",
        "release 1 (live)",
        "fewshot_json",
        "412 ms",
        "4,000, of which cached 3,900",
        "this intent says that a person does it",
        "wasn&#x27;t clean JSON",
        "{&quot;intent&quot;: &quot;จัดส่ง&quot;}",
        "Action required",
        "Asked for a person",
        "Earlier messages left out",
    ):
        assert words in html


def test_each_call_is_shown_with_what_it_took_and_cost(reply: Reply) -> None:
    run = reply("ส่งกี่วัน", attempts=2)
    route = add_route("alpha", "http://127.0.0.1:9/v1")
    for number, outcome in enumerate(("server", "ok")):
        call = new_call(route, Arm.CANARY, run_id=run.pk, number=number, outcome=outcome, cost=Decimal("0.0004"))
        call.started_at = timezone.now()
        call.save()
    html = html_of(browser_of("Agents"), run)
    assert "alpha / alpha-model" in html
    shown = html[html.index("why-attempts") :]
    assert shown.index("Server error") < shown.index("Answered")
    assert "0.0008 USD" in html
    assert "Canary" in html


def test_attempts_are_still_told_when_their_rows_are_gone(reply: Reply) -> None:
    attempts = [{"provider": "a", "model": "b", "streamed": False, "outcome": "stalled", "ms": 15000}]
    html = html_of(browser_of("Agents"), reply("ส่งกี่วัน", trace={"attempts": attempts}))
    assert "Stalled" in html
    assert "whole" in html


def test_the_examples_most_like_the_question_come_first(reply: Reply) -> None:
    example = current_playbook().examples[7]
    context = browser_of("Agents").get(page_of(reply(example.customer_text))).context
    assert context["examples"][0].customer_text == example.customer_text
    assert context["examples"][0].percent == 100
    assert len(context["examples"]) + len(context["other_examples"]) == len(current_playbook().examples)


def test_a_known_answer_needed_no_model_and_no_examples(reply: Reply) -> None:
    known = {"exact": {"why": "served", "answer": 5}, "served": "exact"}
    client = browser_of("Agents")
    response = client.get(page_of(reply("ส่งกี่วัน", attempts=0, provider="", model="", trace={"known": known})))
    assert "no model was asked" in response.content.decode()
    assert response.context["examples"] == []


@pytest.mark.parametrize("language", ["th", "en"])
def test_what_people_and_models_wrote_is_text_and_nothing_else(reply: Reply, language: str) -> None:
    trace = {"guards": [HOSTILE, 3], "repairs": HOSTILE, "attempts": [{"outcome": HOSTILE}, 5], "profile": HOSTILE}
    run = reply(HOSTILE, reply=HOSTILE, raw=HOSTILE, model=HOSTILE, trace=trace)
    client = browser_of("Agents")
    client.cookies["django_language"] = language
    html = html_of(client, run)
    assert HOSTILE not in html
    assert "&lt;script&gt;" in html


def test_a_run_of_an_older_csbot_is_shown_as_far_as_it_is_known(reply: Reply) -> None:
    run = reply("ส่งกี่วัน", release=None)
    Run.objects.filter(pk=run.pk).update(trace=[])
    assert "deepseek-flash wrote this answer" in html_of(browser_of("Agents"), run)


def test_only_those_who_may_read_conversations_see_it(reply: Reply) -> None:
    run = reply("ส่งกี่วัน")
    assert browser_of("Operators").get(page_of(run)).status_code == 403
    assert Client().get(page_of(run)).status_code == 302
    assert browser_of("Agents").get(page_of(Run(pk=run.pk + 1))).status_code == 404
    assert browser_of("Viewers").get(page_of(Run(pk=10**30))).status_code == 404


def test_an_example_is_switched_off_in_the_draft_with_one_click_and_on_again(reply: Reply) -> None:
    example = Example.objects.on()[0]
    run = reply(example.customer_text)
    client = browser_of("Editors")
    assert "Switch this example off in the draft" in html_of(client, run)
    address = reverse("admin:example-switch", args=[example.pk])
    back = client.post(address, {"on": "0", "next": page_of(run)})
    assert back["Location"] == page_of(run)
    assert example.pk not in {each.id for each in read_draft().examples}
    assert example.pk in {each.id for each in current_playbook().examples}
    entry = AuditEntry.objects.about("example", example.pk)[0]
    assert (entry.actor_name, entry.changes) == ("x-editors", {"is_on": [True, False]})
    assert "Switch on again in the draft" in html_of(client, run)
    answer = client.post(address, {"on": "1"}, headers={"Accept": "application/json"}).json()
    assert answer["is_on"] is True
    assert example.pk in {each.id for each in read_draft().examples}


def test_only_editors_switch_and_nobody_is_sent_elsewhere(reply: Reply) -> None:
    example = Example.objects.on()[0]
    address = reverse("admin:example-switch", args=[example.pk])
    assert browser_of("Agents").post(address, {"on": "0"}).status_code == 403
    assert "Switch this example off" not in html_of(browser_of("Viewers"), reply(example.customer_text))
    editor = browser_of("Editors")
    back = editor.post(address, {"on": "0", "next": "https://evil.example/"})
    assert back["Location"] == "/admin/conversations/example/"
    assert editor.get(address).status_code == 405


def test_an_example_that_was_edited_or_deleted_since_is_marked(reply: Reply) -> None:
    first, second = Example.objects.on()[:2]
    run = reply(first.customer_text)
    Example.objects.filter(pk=first.pk).update(response="เปลี่ยนแล้ว")
    second.delete()
    context = browser_of("Agents").get(page_of(run)).context
    lines = {line.customer_text: line for line in [*context["examples"], *context["other_examples"]]}
    assert lines[first.customer_text].in_draft == "changed"
    assert (lines[second.customer_text].in_draft, lines[second.customer_text].id) == ("gone", None)


def test_the_conversations_page_leads_there(reply: Reply) -> None:
    run = reply("ส่งกี่วัน")
    state = (
        browser_of("Agents").get(f"/admin/conversations/conversation/{run.conversation_id}/change/").context["state"]
    )
    assert state["runs"][0]["why"] == page_of(run)


def test_from_there_the_question_is_asked_again_and_its_prompt_seen(reply: Reply) -> None:
    run = reply("ส่งกี่วัน")
    html = html_of(browser_of("Editors"), run)
    for page in ("playground", "playbook-prompt"):
        assert f'href="{reverse(f"admin:{page}")}?run={run.pk}"' in html
    assert "playground/" not in html_of(browser_of("Agents"), run)
