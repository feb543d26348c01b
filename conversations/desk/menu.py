"""The admin's sidebar: what a person may open, in the order in which people need it."""

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.actions.rights import TRY

BADGE: Final = "conversations.desk.queue.waiting_badge"
CORRECTIONS_BADGE: Final = "conversations.desk.corrections.open_badge"


@dataclass(frozen=True)
class Entry:
    """A line of the sidebar: the list of a model, or (`view`) another page, for those with the right to it.

    `or_permissions`: one of these will do as well.
    """

    title: str | Promise
    icon: str
    permission: str
    view: str
    badge: str = ""
    or_permissions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Section:
    """Some lines under a title."""

    title: str | Promise
    entries: tuple[Entry, ...]


def listing(title: str | Promise, *, icon: str, app: str, model: str) -> Entry:
    """Return the line that leads to a model's list."""
    return Entry(title, icon, permission=f"{app}.view_{model}", view=f"admin:{app}_{model}_changelist")


def operators(title: str | Promise, *, icon: str, model: str) -> Entry:
    """Return the line that leads to a model's list, for those who operate providers."""
    return Entry(title, icon, permission="conversations.operator", view=f"admin:conversations_{model}_changelist")


QUEUE: Final = Entry(
    _("Queue"), "support_agent", permission="conversations.view_conversation", view="admin:index", badge=BADGE
)
MENU: Final = (
    Section(
        "",
        (
            QUEUE,
            listing(_("Conversations"), icon="forum", app="conversations", model="conversation"),
            listing(_("Customers"), icon="group", app="conversations", model="customer"),
        ),
    ),
    Section(
        _("Playbook"),
        (
            listing(_("Intents"), icon="category", app="conversations", model="intent"),
            listing(_("Examples"), icon="chat_bubble", app="conversations", model="example"),
            Entry(
                _("Corrections"),
                "rate_review",
                permission="conversations.view_correction",
                view="admin:conversations_correction_changelist",
                badge=CORRECTIONS_BADGE,
            ),
            listing(_("Shop facts"), icon="storefront", app="conversations", model="fact"),
            listing(_("Instruction"), icon="edit_note", app="conversations", model="instruction"),
            listing(_("Sampling profiles"), icon="tune", app="conversations", model="profile"),
            Entry(_("Playground"), "science", permission=TRY[0], view="admin:playground", or_permissions=TRY[1:]),
            Entry(
                _("The exact prompt"),
                "data_object",
                permission="conversations.view_release",
                view="admin:playbook-prompt",
            ),
            Entry(
                _("Draft: what would change"),
                "difference",
                permission="conversations.view_release",
                view="admin:playbook-draft",
            ),
            listing(_("Releases"), icon="inventory_2", app="conversations", model="release"),
            listing(_("Cases"), icon="quiz", app="conversations", model="evaluationcase"),
            listing(_("Case sets"), icon="rule_folder", app="conversations", model="evaluationset"),
            listing(_("Evaluations"), icon="fact_check", app="conversations", model="evaluationrun"),
            listing(_("Known answers"), icon="bolt", app="conversations", model="knownanswer"),
            listing(_("Students"), icon="school", app="conversations", model="trainedstudent"),
            listing(_("Exports for distillation"), icon="output", app="conversations", model="distillationexport"),
        ),
    ),
    Section(
        _("Model providers"),
        (
            operators(_("Providers"), icon="hub", model="provider"),
            operators(_("Accounts and keys"), icon="key", model="account"),
            operators(_("Models and prices"), icon="sell", model="languagemodel"),
            operators(_("Routes"), icon="alt_route", model="route"),
            operators(_("Rollouts"), icon="rocket_launch", model="rollout"),
            operators(_("Budgets"), icon="savings", model="budget"),
        ),
    ),
    Section(
        _("Settings"),
        (
            listing(_("Sites"), icon="language", app="conversations", model="site"),
            listing(_("Users"), icon="person", app="auth", model="user"),
            listing(_("Groups"), icon="groups", app="auth", model="group"),
            listing(_("Audit log"), icon="history", app="conversations", model="auditentry"),
        ),
    ),
)


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the sidebar for this person (UNFOLD["SIDEBAR"]["navigation"])."""
    return [
        {"title": section.title, "items": [_item(entry, request) for entry in section.entries if _is_there(entry)]}
        for section in MENU
    ]


def _item(entry: Entry, request: HttpRequest) -> dict[str, Any]:
    item: dict[str, Any] = {
        "title": entry.title,
        "icon": entry.icon,
        "link": reverse(entry.view),
        "permission": lambda _request: any(map(request.user.has_perm, (entry.permission, *entry.or_permissions))),
    }
    if _has_line_of_its_own(request.path, under=item["link"]):
        item["active"] = False
    return item | {"badge": entry.badge} if entry.badge else item


def _has_line_of_its_own(path: str, *, under: str) -> bool:
    """Whether the page has a line beside the one that its address lies under, so that only its own is marked."""
    links = (reverse(entry.view) for section in MENU for entry in section.entries if _is_there(entry))
    return any(link != under and link.startswith(under) and path.startswith(link) for link in links)


def _is_there(entry: Entry) -> bool:
    """Whether the page exists: a capability that is not installed has no line."""
    registered = {
        f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist" for model in admin.site._registry
    }
    return not entry.view.endswith("_changelist") or entry.view in registered
