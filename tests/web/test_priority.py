"""Who matters to the shop, as its own server signs it into the identity."""

import pytest

from conversations.models import Conversation, Priority, Site
from conversations.playbook.models import AuditEntry
from tests.web.server import WebProcess
from tests.web.test_sessions import identity, open_as


def test_the_shops_server_signs_who_matters(web: WebProcess, shop: Site) -> None:
    opened = open_as(web, identity(shop, priority="high"))
    conversation = Conversation.objects.get(public_id=opened.json["conversation"])
    assert conversation.priority == Priority.HIGH
    [entry] = AuditEntry.objects.filter(object_type="conversation", object_id=str(conversation.pk))
    assert (entry.actor, entry.reason) == (None, "signed identity")
    open_as(web, identity(shop))
    conversation.refresh_from_db()
    assert conversation.priority == Priority.HIGH, "what isn't said changes nothing"
    open_as(web, identity(shop, priority="normal"))
    conversation.refresh_from_db()
    assert conversation.priority == Priority.NORMAL


@pytest.mark.parametrize("claim", ["urgent", 1, ["high"], {"high": True}, True, "HIGH", "\x00"])
def test_a_priority_that_is_none_is_refused(web: WebProcess, shop: Site, claim: object) -> None:
    answer = open_as(web, identity(shop, priority=claim))
    assert (answer.status, answer.json["error"]["code"]) == (401, "identity_invalid")


def test_nobody_gives_priority_to_themselves(web: WebProcess, shop: Site) -> None:
    answer = web.http("POST", "/api/widget/sessions", body={"priority": "high"})
    assert answer.status == 201
    assert Conversation.objects.get(public_id=answer.json["conversation"]).priority == Priority.NORMAL
