"""What a correction did for customers, a week after it was published."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation, Escalation, Message, Reason, Site
from conversations.playbook.corrections import approve
from conversations.playbook.corrections_effect import Effect, Week, changes, compared
from conversations.playbook.models import Correction, Publication, Release
from conversations.playbook.releases import freeze, publish, roll_back
from tests.corrections.test_corrections import QUEUE, corrected, decision, talk


def history(site: Site, intent: str, *, days_ago: float, escalated: bool) -> None:
    """Put a conversation into the past."""
    at = timezone.now() - timedelta(days=days_ago)
    message = talk(site, "คืนได้ไหม")
    Message.objects.filter(pk=message.pk).update(intent=intent, created_at=at)
    Conversation.objects.filter(pk=message.conversation_id).update(created_at=at, last_message_at=at)
    if escalated:
        Escalation.objects.create(
            conversation=message.conversation, reason=Reason.MODEL, opened_at=at + timedelta(minutes=1)
        )


def published_ago(days: float, *, by: User) -> Publication:
    """Publish the draft, and pretend that it was some days ago."""
    publication = publish(freeze(author=by), by=by, reason="test")
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE conversations_publication DISABLE TRIGGER USER")
        at = timezone.now() - timedelta(days=days)
        cursor.execute("UPDATE conversations_publication SET at = %s", [at - timedelta(days=30)])
        cursor.execute("UPDATE conversations_publication SET at = %s WHERE id = %s", [at, publication.pk])
        cursor.execute("ALTER TABLE conversations_publication ENABLE TRIGGER USER")
    return Publication.objects.get(pk=publication.pk)


def test_after_a_week_the_page_says_what_a_correction_did(
    agent: Client, editor: Client, ploy: User, site: Site
) -> None:
    correction = corrected(agent, talk(site, "ซื้อไปสิบวันแล้วคืนได้ไหมคะ"))
    approve([correction.pk], decision(), by=ploy)
    Correction.objects.update(
        decided_at=timezone.now() - timedelta(days=9), created_at=timezone.now() - timedelta(days=10)
    )
    assert changes() == [], "not published yet"
    published_ago(8, by=ploy)
    for number in range(20):
        history(site, "คืนสินค้า", days_ago=10, escalated=number < 16)
        history(site, "คืนสินค้า", days_ago=4, escalated=number < 2)
    history(site, "จัดส่ง", days_ago=4, escalated=True)
    (change,) = changes()
    assert change.before == Week(conversations=20, escalated=16, corrections=1)
    assert change.after == Week(conversations=20, escalated=2, corrections=0)
    assert (change.intent, change.corrections, change.effect, change.is_over) == ("คืนสินค้า", 1, Effect.LESS, True)
    page = editor.get(QUEUE).content.decode()
    assert "Fewer go to people." in page
    assert "80 %" in page


def test_a_young_change_and_one_taken_back_are_not_judged(
    agent: Client, editor: Client, ploy: User, site: Site
) -> None:
    correction = corrected(agent, talk(site, "ซื้อไปสิบวันแล้วคืนได้ไหมคะ"))
    approve([correction.pk], decision(), by=ploy)
    Correction.objects.update(decided_at=timezone.now() - timedelta(days=4))
    published_ago(3, by=ploy)
    (change,) = changes()
    assert (change.days, change.is_over, change.is_taken_back) == (3, False, False)
    assert "Only 3 days so far" in editor.get(QUEUE).content.decode()
    roll_back(to=Release.objects.get(number=1), by=ploy)
    (change,) = changes()
    assert change.is_taken_back
    assert "Taken back again." in editor.get(QUEUE).content.decode()


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        ((100, 40), (100, 15), Effect.LESS),
        ((100, 15), (100, 40), Effect.MORE),
        ((10, 4), (10, 2), Effect.UNCLEAR),
        ((100, 20), (100, 20), Effect.UNCLEAR),
        ((0, 0), (100, 20), Effect.UNCLEAR),
    ],
)
def test_a_difference_is_called_one_only_beyond_chance(
    before: tuple[int, int], after: tuple[int, int], effect: Effect
) -> None:
    assert compared(Week(*before, corrections=0), Week(*after, corrections=0)) == effect
