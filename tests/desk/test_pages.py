"""The desk's pages through Django's test client."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from conversations.actions.ownership import escalate
from conversations.desk.groups import ensure_groups
from conversations.models import Conversation, Reason


@pytest.fixture
def agent_client(db: None) -> Client:
    ensure_groups()
    agent = User.objects.create_user("nok", password="a-long-password", is_staff=True, first_name="นก")
    agent.groups.add(Group.objects.get(name="Agents"))
    client = Client()
    client.force_login(agent)
    return client


def test_the_first_page_is_the_queue(agent_client: Client, conversation: Conversation) -> None:
    escalate(conversation.pk, reason=Reason.CUSTOMER, detail="ขอคุยกับคน")
    response = agent_client.get("/admin/")
    assert response.status_code == 200
    [row] = response.context["queue"]["waiting"]
    assert row["detail"] == "ขอคุยกับคน"


def test_every_page_answers(agent_client: Client, conversation: Conversation) -> None:
    for path in ("conversation/", f"conversation/{conversation.pk}/change/", "conversation/queue/", "customer/"):
        assert agent_client.get(f"/admin/conversations/{path}").status_code == 200, path
