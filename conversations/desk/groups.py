"""The kinds of staff that every shop starts with. `prepare` makes them; what an admin changes there stays.

Agents answer customers, editors keep the draft of the playbook, publishers let customers meet it, operators run the
model providers, viewers see everything but the providers and change nothing.
"""

from collections.abc import Iterable
from typing import Final

from django.apps import apps
from django.contrib.auth.models import Group, Permission

AGENTS: Final = "Agents"
EDITORS: Final = "Editors"
PUBLISHERS: Final = "Publishers"
OPERATORS: Final = "Operators"
VIEWERS: Final = "Viewers"
SEE_CONVERSATIONS: Final = ("view_conversation", "view_customer")
AGENT_RIGHTS: Final = (*SEE_CONVERSATIONS, "change_conversation", "add_correction")
EDITOR_RIGHTS: Final = ("view_conversation", "view_trainedstudent", "add_trainedstudent")
PUBLISHER_RIGHTS: Final = (
    "view_conversation",
    "publish_release",
    "add_evaluationrun",
    "view_trainedstudent",
    "promote_trainedstudent",
)
OPERATOR_RIGHTS: Final = ("operator",)
PLAYBOOK: Final = "conversations.playbook"
# An installation that has no publishers yet is older than releases: its groups get what came with them, once.
OLD_RIGHTS: Final = ("_conversation", "_customer", "_instruction", "_intent", "_fact", "_example")


def ensure_groups() -> None:
    """Create the groups that are missing, with their rights; an existing group is left as it is."""
    is_older = not Group.objects.filter(name=PUBLISHERS).exists()
    seeing = playbook_rights(only=("view",))
    kinds = (
        (AGENTS, AGENT_RIGHTS),
        (EDITORS, (*EDITOR_RIGHTS, *playbook_rights())),
        (PUBLISHERS, (*PUBLISHER_RIGHTS, *seeing)),
        (OPERATORS, OPERATOR_RIGHTS),
        (VIEWERS, (*SEE_CONVERSATIONS, "view_trainedstudent", *seeing)),
    )
    for name, rights in kinds:
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(_permissions(rights))
        elif is_older:
            group.permissions.add(*_permissions(right for right in rights if not right.endswith(OLD_RIGHTS)))


def playbook_rights(*, only: Iterable[str] = ("add", "change", "delete", "view")) -> list[str]:
    """Return the rights to everything that the bot knows; what is only ever kept can be seen and no more."""
    models = apps.get_app_config("conversations").get_models()
    own = [model._meta for model in models if model.__module__.startswith(PLAYBOOK)]
    return [f"{verb}_{meta.model_name}" for meta in own for verb in meta.default_permissions if verb in only]


def _permissions(codenames: Iterable[str]) -> Iterable[Permission]:
    return Permission.objects.filter(content_type__app_label="conversations", codename__in=list(codenames))
