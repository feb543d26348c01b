"""A web process and a Chromium, as the desk's own tests use them, with intents of a playbook."""

from collections.abc import Iterator

import pytest
from django.contrib.auth.models import Group

from conversations.desk.groups import ensure_groups
from conversations.playbook.models import Correction, EvaluationSet, Example, Intent
from tests.desk.conftest import desk, fresh_redis, new_conversation, shop_site, transactional_db
from tests.desk.test_browser import open_page, orm_beside_playwright

__all__ = [
    "desk",
    "fresh_redis",
    "new_conversation",
    "open_page",
    "orm_beside_playwright",
    "shop_site",
    "transactional_db",
]


@pytest.fixture
def intents(transactional_db: None) -> Iterator[None]:
    """Two intents, for other processes too; everything that came of them is gone at the end."""
    ensure_groups()
    for key, name in (("จัดส่ง", "Delivery"), ("คืนสินค้า", "Returns")):
        Intent.objects.create(key=key, name_th=key, name_en=name, belongs="x")
    yield
    Correction.objects.all().delete()
    EvaluationSet.objects.all().delete()
    Example.objects.all().delete()
    Intent.objects.all().delete()
    Group.objects.all().delete()
