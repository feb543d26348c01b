"""Dates as the reader writes them: the Buddhist year in Thai, the common one in English; either may be entered."""

from datetime import UTC, date, datetime

import pytest
from django.contrib.auth.models import User
from django.template import Context, Template
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import override

from conversations.desk.dates import common_era
from conversations.playbook.models import AuditEntry, Verb

MOMENT = datetime(2026, 11, 24, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("language", "form", "shown"),
    [
        ("th", "SHORT_DATETIME_FORMAT", "24 พ.ย. 2569, 17:30"),
        ("th", "DATE_FORMAT", "24 พฤศจิกายน 2569"),
        ("en", "SHORT_DATETIME_FORMAT", "24 Nov 2026, 17:30"),
        ("en", "DATE_FORMAT", "24 November 2026"),
        ("th", "c", "2026-11-24T17:30:00+07:00"),
    ],
)
def test_a_page_writes_the_year_that_its_reader_counts(language: str, form: str, shown: str) -> None:
    with override(language):
        assert Template("{{ at|date:form }}").render(Context({"at": MOMENT, "form": form})) == shown


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (date(2569, 12, 1), date(2026, 12, 1)),
        (date(2026, 12, 1), date(2026, 12, 1)),
        (datetime(2570, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_year_may_be_entered_in_either_era(given: date, meant: date) -> None:
    assert common_era(given) == meant


@pytest.mark.django_db
@pytest.mark.parametrize("language", ["th", "en"])
def test_a_list_is_filtered_by_days_of_either_era(client: Client, language: str) -> None:
    client.force_login(User.objects.create_superuser("mali"))
    AuditEntry.objects.create(actor_name="somchai", verb=Verb.CHANGE, object_type="fact", object_name="x")
    today = timezone.localtime().date()
    buddhist = today.strftime(f"%d/%m/{today.year + 543}") if language == "th" else today.replace(year=today.year + 543)
    address, header = reverse("admin:conversations_auditentry_changelist"), {"accept-language": language}
    for day in (today.strftime("%d/%m/%Y") if language == "th" else today, buddhist):
        days = {"at_from": str(day), "at_to": str(day)}
        assert "somchai" in client.get(address, days, headers=header).content.decode()
    assert "somchai" not in client.get(address, {"at_to": "2000-01-01"}, headers=header).content.decode()
