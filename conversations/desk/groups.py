"""The three kinds of staff that every shop starts with. `prepare` makes them; what an admin changes there stays."""

from collections.abc import Iterable
from typing import Final

from django.apps import apps
from django.contrib.auth.models import Group, Permission

AGENTS: Final = "Agents"
EDITORS: Final = "Editors"
OPERATORS: Final = "Operators"
AGENT_RIGHTS: Final = ("view_conversation", "change_conversation", "view_customer")
EDITOR_VERBS: Final = ("add", "change", "delete", "view")
EDITOR_RIGHTS: Final = ("view_conversation",)
OPERATOR_RIGHTS: Final = ("operator",)
PLAYBOOK: Final = "conversations.playbook"


def ensure_groups() -> None:
    """Create the groups that are missing, with their rights; an existing group is left as it is."""
    kinds = (
        (AGENTS, AGENT_RIGHTS),
        (EDITORS, (*EDITOR_RIGHTS, *playbook_rights())),
        (OPERATORS, OPERATOR_RIGHTS),
    )
    for name, rights in kinds:
        group, is_new = Group.objects.get_or_create(name=name)
        if is_new:
            group.permissions.set(_permissions(rights))


def playbook_rights() -> list[str]:
    """Return the rights to everything that the bot knows."""
    models = apps.get_app_config("conversations").get_models()
    names = [model._meta.model_name for model in models if model.__module__.startswith(PLAYBOOK)]
    return [f"{verb}_{name}" for name in names for verb in EDITOR_VERBS]


def _permissions(codenames: Iterable[str]) -> Iterable[Permission]:
    return Permission.objects.filter(content_type__app_label="conversations", codename__in=codenames)
