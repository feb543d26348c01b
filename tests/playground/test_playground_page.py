"""The playground's page and the doors through which a real question is picked."""

import pytest

from conversations.gateway.models import Route
from conversations.models import Site
from tests.gateway.conftest import add_route
from tests.playground.conftest import HOSTILE, Reply, browser_of, made_reply

PLAYGROUND = "/admin/conversations/run/playground/"
QUESTIONS = PLAYGROUND + "questions/"


@pytest.mark.usefixtures("shop")
def test_all_routes_and_releases_can_be_chosen() -> None:
    add_route("alpha", "http://127.0.0.1:9/v1")
    off = add_route("beta", "http://127.0.0.1:9/v1")
    Route.objects.filter(pk=off.pk).update(is_on=False)
    page = browser_of("Editors").get(PLAYGROUND).context["page"]
    assert [(each["id"], each["is_on"]) for each in page["routes"]][-1] == (off.pk, False)
    assert len(page["routes"]) == 2
    assert page["releases"] == [{"number": 1, "comment": "", "is_live": True}]


@pytest.mark.usefixtures("shop")
def test_who_may_not_edit_gets_no_door_to_it() -> None:
    urls = browser_of("Publishers").get(PLAYGROUND).context["page"]["urls"]
    assert not {"switch", "example", "add_example", "add_case"} & set(urls)
    assert {"switch", "example", "add_example"} <= set(browser_of("Editors").get(PLAYGROUND).context["page"]["urls"])


@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize(
    ("group", "status"), [("Editors", 200), ("Publishers", 200), ("Operators", 200), ("Agents", 403), ("Viewers", 403)]
)
def test_models_are_asked_by_editors_publishers_and_operators(group: str, status: int) -> None:
    assert browser_of(group).get(PLAYGROUND).status_code == status


def test_real_questions_are_found_by_their_words_the_newest_first(reply: Reply) -> None:
    first = reply("มีเสื้อสีฟ้าไหมคะ")
    second = reply("เสื้อสีฟ้าราคาเท่าไหร่", "ส่งวันไหน")
    client = browser_of("Editors")
    found = client.get(QUESTIONS).json()["questions"]
    assert [(each["text"], each["run"]) for each in found] == [
        ("ส่งวันไหน", second.pk),
        ("เสื้อสีฟ้าราคาเท่าไหร่", second.pk),
        ("มีเสื้อสีฟ้าไหมคะ", first.pk),
    ]
    found = client.get(QUESTIONS, {"q": "เสื้อสีฟ้า"}).json()["questions"]
    assert [each["run"] for each in found] == [second.pk, first.pk]
    assert client.get(QUESTIONS, {"q": "ไม่มีใครถาม"}).json() == {"questions": [], "before": None}


def test_older_questions_come_page_by_page_at_the_same_cost(
    shop: Site, reply: Reply, django_assert_max_num_queries: object
) -> None:
    run = reply("คำถาม 0")
    for number in range(1, 23):
        made_reply(shop, f"คำถาม {number}", conversation=run.conversation)
    client = browser_of("Editors")
    with django_assert_max_num_queries(8):  # type: ignore[operator]
        first = client.get(QUESTIONS).json()
    rest = client.get(QUESTIONS, {"before": first["before"]}).json()
    texts = [each["text"] for each in first["questions"] + rest["questions"]]
    assert texts == [f"คำถาม {number}" for number in range(22, -1, -1)]
    assert rest["before"] is None


def test_a_picked_question_comes_whole_with_what_was_said_before(shop: Site, reply: Reply) -> None:
    made = reply("มีเสื้อสีฟ้าไหม", reply="มีค่ะ")
    later = made_reply(shop, "ราคา", "เท่าไหร่", conversation=made.conversation)
    client = browser_of("Editors")
    picked = client.get(f"{QUESTIONS}{later.pk}/").json()
    assert (picked["text"], picked["run"]) == ("ราคา\nเท่าไหร่", later.pk)
    assert picked["before"] == [{"sender": "customer", "text": "มีเสื้อสีฟ้าไหม"}, {"sender": "bot", "text": "มีค่ะ"}]
    assert client.get(PLAYGROUND, {"run": later.pk}).context["page"]["first"] == picked


def test_customers_words_need_the_right_to_read_them(reply: Reply) -> None:
    run = reply("ความลับ")
    client = browser_of("Operators")
    assert client.get(QUESTIONS).status_code == 403
    assert client.get(f"{QUESTIONS}{run.pk}/").status_code == 403
    assert client.get(PLAYGROUND, {"run": run.pk}).context["page"]["first"]["text"] == ""


@pytest.mark.usefixtures("shop")
def test_a_question_in_the_address_is_text_and_nothing_else() -> None:
    response = browser_of("Editors").get(PLAYGROUND, {"q": HOSTILE})
    assert HOSTILE not in response.content.decode()
    assert response.context["page"]["first"]["text"] == HOSTILE
