"""Sites, users and groups in the admin."""

from datetime import time

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from conversations.desk.groups import ensure_groups
from conversations.models import Site
from tests.desk.conftest import client_of

FORM = {
    "name": "ร้านใหม่",
    "default_locale": "th",
    "accent_colour": "#0f766e",
    "greeting_th": "สวัสดีค่ะ",
    "greeting_en": "Hello",
    "timezone": "Asia/Bangkok",
    "duty_days": ["0", "6"],
    "duty_from": "08:30",
    "duty_until": "20:00",
}


@pytest.fixture
def admin_of_the_shop(db: None) -> Client:
    """The browser of a superuser."""
    return client_of(User.objects.create_superuser("boss", password="x"))


def test_a_sites_settings_are_entered_as_people_write_them(admin_of_the_shop: Client, site: Site) -> None:
    origins = " HTTPS://Shop.Example/ \n\nhttps://shop.example:443\nhttp://localhost:3000"
    url = f"/admin/conversations/site/{site.pk}/change/"
    response = admin_of_the_shop.post(url, {**FORM, "allowed_origins": origins})
    assert response.status_code == 302, response.context["errors"]
    site.refresh_from_db()
    assert site.allowed_origins == ["https://shop.example", "http://localhost:3000"]
    assert (site.duty_days, site.duty_from, site.duty_until) == ([0, 6], time(8, 30), time(20))


@pytest.mark.parametrize(
    "origin", ["shop.example", "https://shop.example/path", "javascript:alert(1)", "https://*", "https://a:b@c", "null"]
)
def test_what_is_no_origin_is_refused(admin_of_the_shop: Client, site: Site, origin: str) -> None:
    url = f"/admin/conversations/site/{site.pk}/change/"
    response = admin_of_the_shop.post(url, {**FORM, "allowed_origins": origin})
    assert "allowed_origins" in response.context["adminform"].form.errors


def test_duty_ends_after_it_begins(admin_of_the_shop: Client, site: Site) -> None:
    url = f"/admin/conversations/site/{site.pk}/change/"
    response = admin_of_the_shop.post(url, {**FORM, "duty_from": "20:00", "duty_until": "08:00"})
    assert list(response.context["adminform"].form.errors) == ["duty_until"]


def test_the_snippet_is_ready_and_the_secret_comes_only_when_asked_for(admin_of_the_shop: Client, site: Site) -> None:
    html = admin_of_the_shop.get(f"/admin/conversations/site/{site.pk}/change/").content.decode()
    assert f"src=&quot;http://testserver/widget.js&quot; data-site=&quot;{site.public_key}&quot; async" in html
    assert site.identity_secret not in html
    url = f"/admin/conversations/site/{site.pk}/secret/"
    assert admin_of_the_shop.get(url).status_code == 405
    response = admin_of_the_shop.post(url)
    assert response.json() == {"secret": site.identity_secret}
    assert "no-store" in response.headers["Cache-Control"]


def test_agents_get_no_secret(agent_client: Client, site: Site) -> None:
    assert agent_client.post(f"/admin/conversations/site/{site.pk}/secret/").status_code == 403


def test_groups_are_made_once_and_what_an_admin_changed_stays(db: None) -> None:
    ensure_groups()
    agents = Group.objects.get(name="Agents")
    assert {right.codename for right in agents.permissions.all()} == {
        "view_conversation",
        "change_conversation",
        "view_customer",
        "add_correction",
    }
    agents.permissions.clear()
    ensure_groups()
    assert not agents.permissions.exists()
    editors = {right.codename for right in Group.objects.get(name="Editors").permissions.all()}
    assert {"change_intent", "add_example", "view_conversation"} <= editors
    assert "change_conversation" not in editors


def test_users_and_groups_open_and_are_saved(admin_of_the_shop: Client, nok: User) -> None:
    for path in ("user/", "user/add/", f"user/{nok.pk}/change/", "group/", f"group/{nok.groups.get().pk}/change/"):
        assert admin_of_the_shop.get(f"/admin/auth/{path}").status_code == 200, path
    editors = Group.objects.get(name="Editors")
    form = {"username": "nok", "first_name": "นก", "is_active": "on", "is_staff": "on", "groups": [str(editors.pk)]}
    response = admin_of_the_shop.post(f"/admin/auth/user/{nok.pk}/change/", form)
    assert response.status_code == 302
    assert [group.name for group in nok.groups.all()] == ["Editors"]
    rights = [str(right.pk) for right in editors.permissions.all()]
    form = {"name": "Editors", "permissions": rights[:2]}
    assert admin_of_the_shop.post(f"/admin/auth/group/{editors.pk}/change/", form).status_code == 302
    assert editors.permissions.count() == 2
