"""What a staff member may do with conversations. Every door to them, page or socket, asks here."""

from typing import Final, TypeAlias

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, PermissionsMixin

READ: Final = "conversations.view_conversation"
ANSWER: Final = "conversations.change_conversation"

Person: TypeAlias = AbstractBaseUser | AnonymousUser


def may_read(person: Person) -> bool:
    """Whether this person may read customers' conversations."""
    return _is_staff_with(person, permission=READ)


def may_answer(person: Person) -> bool:
    """Whether this person may take conversations and write to customers."""
    return may_read(person) and _is_staff_with(person, permission=ANSWER)


def _is_staff_with(person: Person, *, permission: str) -> bool:
    is_staff = person.is_active and getattr(person, "is_staff", False)
    return is_staff and isinstance(person, PermissionsMixin) and person.has_perm(permission)
