"""A release is tried on a share of conversations: the canary's get it; promoted, it is live for all."""

import uuid
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.utils import timezone

from conversations.actions.customers import add_customer_message
from conversations.gateway.models import Arm, Assignment, Rollout, RolloutState
from conversations.gateway.rollout import Cause, promote, roll_back, start
from conversations.models import Conversation, Customer, Site
from conversations.playbook.models import Example, Publication, PublicationKind, Release
from conversations.playbook.reading import current_playbook
from conversations.playbook.releases import freeze, publish
from conversations.playbook.starter import load_starter_playbook
from conversations.replies.opening import Question, open_reply
from conversations.upkeep import publish_promoted_release
from tests.gateway.conftest import add_route

pytestmark = pytest.mark.django_db


@pytest.fixture
def tried(db: None) -> Release:
    """A release that is not live, in a shop with one model."""
    load_starter_playbook()
    add_route("only", "http://127.0.0.1:9/v1")
    Example.objects.filter(pk=Example.objects.on()[0].pk).update(response="แบบใหม่ค่ะ")
    return freeze(author=None)


@pytest.fixture
def rollout(tried: Release) -> Rollout:
    """A rollout of that release, running at half of all conversations."""
    rollout = Rollout.objects.create(name="14 days", release=tried)
    start(rollout.pk, Cause(by=User.objects.create_user("boss"), why="try it"))
    Rollout.objects.update(ratio=5_000)
    return rollout


def ask(site: Site, conversation: Conversation | None = None) -> tuple[Conversation, Question]:
    """Let a customer ask something, and return the question that the model would get."""
    conversation = conversation or Conversation.objects.create(site=site, customer=Customer.objects.create(site=site))
    add_customer_message(conversation.pk, client_id=uuid.uuid4(), text="คืนของได้กี่วันคะ")
    opened = open_reply(conversation.pk, worker="test")
    assert opened is not None
    return conversation, opened.question


def test_the_canarys_conversations_get_the_release_and_the_others_the_live_one(
    rollout: Rollout, tried: Release, site: Site
) -> None:
    versions = {Arm.CANARY: tried.version, Arm.STABLE: current_playbook().version}
    asked = [ask(site) for _ in range(24)]
    arms = dict(Assignment.objects.values_list("conversation_id", "arm"))
    assert set(arms.values()) == {"canary", "stable"}
    for conversation, question in asked:
        arm = Arm(arms[conversation.pk])
        assert question.origin.playbook_version == question.trace["playbook"] == versions[arm]
        assert question.origin.arm == arm


def test_rolled_back_the_canarys_conversations_get_the_live_one_again(
    rollout: Rollout, tried: Release, site: Site
) -> None:
    Rollout.objects.update(ratio=10_000)
    _, question = ask(site)
    assert question.origin.playbook_version == tried.version
    roll_back(rollout.pk, Cause(why="worse"))
    _, question = ask(site)
    assert question.origin.playbook_version == current_playbook().version


def test_a_promoted_release_is_published_in_the_name_of_who_promoted_it(rollout: Rollout, tried: Release) -> None:
    promote(rollout.pk, Cause(by=User.objects.get(), why="better"))
    publish_promoted_release()
    publish_promoted_release()
    last = Publication.objects.all()[0]
    assert (last.release, last.by_name, last.kind) == (tried, "boss", PublicationKind.OVERRIDE)
    assert Publication.objects.count() == 2
    assert current_playbook().number == tried.number


def test_what_somebody_published_meanwhile_stays(rollout: Rollout) -> None:
    Example.objects.filter(pk=Example.objects.on()[1].pk).update(response="ของฉันค่ะ")
    mine = freeze(author=None)
    publish(mine, by=None, reason="newer")
    promote(rollout.pk, Cause(why="better"))
    publish_promoted_release()
    assert current_playbook().number == mine.number


def test_a_rollout_tries_a_model_or_a_release(tried: Release) -> None:
    with pytest.raises(ValidationError, match="what shall be tried"):
        Rollout(name="nothing").full_clean()
    Rollout(name="a release", release=tried).full_clean()
    assert Rollout(name="a release", release=tried).tried == f"release {tried.number}"


def test_an_old_promotion_publishes_nothing_after_a_rollback(rollout: Rollout, tried: Release) -> None:
    promote(rollout.pk, Cause(why="better"))
    publish_promoted_release()
    first = Release.objects.get(number=1)
    publish(first, by=None, reason="back")
    publish_promoted_release()
    assert current_playbook().number == 1
    assert Rollout.objects.get().state == RolloutState.PROMOTED
    assert Rollout.objects.filter(ended_at__gte=timezone.now() - timedelta(minutes=1)).exists()
