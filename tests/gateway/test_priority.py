"""Who gives conversations high priority in the admin, and what that changes."""

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client

from conversations.actions.priority import set_priority
from conversations.gateway.arms import assigned_arm
from conversations.gateway.models import Arm, Rollout, RolloutState
from conversations.gateway.reading import current_catalog
from conversations.models import Conversation, Customer, Priority, Site
from conversations.playbook.models import AuditEntry
from tests.desk.conftest import client_of, make_agent
from tests.gateway.conftest import add_route

LIST = "/admin/conversations/conversation/"


@pytest.fixture
def nok(db: None) -> User:
    return make_agent("nok", name="นก")


@pytest.fixture
def agent(nok: User) -> Client:
    return client_of(nok)


def new_conversations(site: Site, number: int) -> list[Conversation]:
    customers = [Customer.objects.create(site=site, name=f"ลูกค้า {each}") for each in range(number)]
    return [Conversation.objects.create(site=site, customer=customer) for customer in customers]


def start_rollout() -> Rollout:
    add_route("stable", "http://127.0.0.1:9/v1")
    canary = add_route("canary", "http://127.0.0.1:9/v1", group=9)
    return Rollout.objects.create(name="new", canary=canary.model, state=RolloutState.RUNNING, ratio=1)


def high() -> set[int]:
    return set(Conversation.objects.filter(priority=Priority.HIGH).values_list("pk", flat=True))


@pytest.mark.parametrize("address", [LIST, "/admin/conversations/customer/"])
def test_agents_give_priority_to_what_they_choose_in_a_list(agent: Client, site: Site, address: str) -> None:
    first, second, third = new_conversations(site, 3)
    pks = [each.pk if address == LIST else each.customer_id for each in (first, second)]
    page = agent.post(address, {"action": "make_high", "_selected_action": pks}, follow=True).content.decode()
    assert high() == {first.pk, second.pk}
    assert "2 " in page and third.pk not in high()
    agent.post(address, {"action": "make_normal", "_selected_action": pks[:1]})
    assert high() == {second.pk}
    html = agent.get(address).content.decode()
    assert "delete_selected" not in html


def test_the_switch_on_a_conversations_page(agent: Client, site: Site) -> None:
    [conversation] = new_conversations(site, 1)
    page = f"{LIST}{conversation.pk}/change/"
    assert 'value="high"' in agent.get(page).content.decode()
    answer = agent.post(f"{LIST}{conversation.pk}/priority/", {"priority": "high"})
    assert answer.headers["Location"] == page and high() == {conversation.pk}
    assert 'value="normal"' in agent.get(page).content.decode()
    agent.post(f"{LIST}{conversation.pk}/priority/", {"priority": "<b>"})
    assert high() == {conversation.pk}
    agent.post(f"{LIST}{conversation.pk}/priority/", {"priority": "normal"})
    assert not high()


def test_who_may_only_read_has_no_switch(site: Site) -> None:
    user = User.objects.create_user("dao", is_staff=True)
    user.user_permissions.add(Permission.objects.get(codename="view_conversation"))
    viewer = client_of(user)
    [conversation] = new_conversations(site, 1)
    assert viewer.post(f"{LIST}{conversation.pk}/priority/", {"priority": "high"}).status_code == 403
    viewer.post(LIST, {"action": "make_high", "_selected_action": [conversation.pk]})
    assert not high()
    assert 'name="priority"' not in viewer.get(f"{LIST}{conversation.pk}/change/").content.decode()


def test_a_conversation_that_an_agent_made_important_goes_to_the_canary(agent: Client, site: Site) -> None:
    start_rollout()
    important, usual = new_conversations(site, 2)
    agent.post(f"{LIST}{important.pk}/priority/", {"priority": "high"})
    important.refresh_from_db()
    catalog = current_catalog()
    assert assigned_arm(important, catalog.rollout) is Arm.CANARY
    assert assigned_arm(usual, catalog.rollout) is Arm.STABLE


def test_an_arm_that_is_given_is_kept_and_the_agent_is_told(agent: Client, site: Site) -> None:
    start_rollout()
    [conversation] = new_conversations(site, 1)
    assert assigned_arm(conversation, current_catalog().rollout) is Arm.STABLE
    answer = agent.post(f"{LIST}{conversation.pk}/priority/", {"priority": "high"}, follow=True)
    assert len(answer.context["messages"]) == 2
    conversation.refresh_from_db()
    assert assigned_arm(conversation, current_catalog().rollout) is Arm.STABLE


def test_it_is_kept_who_changed_it(agent: Client, nok: User, site: Site) -> None:
    [conversation] = new_conversations(site, 1)
    agent.post(f"{LIST}{conversation.pk}/priority/", {"priority": "high"})
    agent.post(f"{LIST}{conversation.pk}/priority/", {"priority": "high"})
    [entry] = AuditEntry.objects.filter(object_type="conversation")
    assert (entry.actor, entry.actor_name, entry.object_id) == (nok, "nok", str(conversation.pk))
    assert entry.changes == {"priority": ["normal", "high"]}


def test_the_same_again_changes_nothing(site: Site) -> None:
    [conversation] = new_conversations(site, 1)
    assert [each.pk for each in set_priority([conversation.pk], priority=Priority.HIGH)] == [conversation.pk]
    assert set_priority([conversation.pk], priority=Priority.HIGH) == []
