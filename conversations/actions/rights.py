"""What a staff member may do with conversations, and who may ask models. Every door, page or socket, asks here."""

from typing import Final, TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

READ: Final = "conversations.view_conversation"
ANSWER: Final = "conversations.change_conversation"
TRY: Final = ("conversations.change_example", "conversations.publish_release", "conversations.operator")

Person: TypeAlias = AbstractBaseUser | AnonymousUser


def may_read(person: Person) -> bool:
    """Whether this person may read customers' conversations."""
    return _is_staff_with(person, permission=READ)


def may_answer(person: Person) -> bool:
    """Whether this person may take conversations and write to customers."""
    return may_read(person) and _is_staff_with(person, permission=ANSWER)


def may_try(person: Person) -> bool:
    """Whether this person may let models answer in the playground, which costs money."""
    return any(_is_staff_with(person, permission=permission) for permission in TRY)


def _is_staff_with(person: Person, *, permission: str) -> bool:
    is_staff = person.is_active and getattr(person, "is_staff", False)
    return is_staff and isinstance(person, PermissionsMixin) and person.has_perm(permission)
