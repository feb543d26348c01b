"""django-unfold's classes with Django's types: unfold ships without type hints, so checkers see Django's originals."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from django.contrib import admin
from django.contrib.auth import admin as auth_admin
from unfold.decorators import display as unfold_display

if TYPE_CHECKING:
    from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm
    from django.utils.functional import _StrPromise

    ModelAdmin = admin.ModelAdmin[Any]
    UserModelAdmin = auth_admin.UserAdmin[Any]
    GroupModelAdmin = auth_admin.GroupAdmin
else:
    from unfold.admin import ModelAdmin
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm
    from unfold.forms import UserCreationForm as AdminUserCreationForm

    class UserModelAdmin(auth_admin.UserAdmin, ModelAdmin):
        """Django's user pages in unfold's look."""

    class GroupModelAdmin(auth_admin.GroupAdmin, ModelAdmin):
        """Django's group pages in unfold's look."""


F = TypeVar("F", bound=Callable[..., object])


def coloured(*, description: "_StrPromise", colours: Mapping[Any, str], ordering: str) -> Callable[[F], F]:
    """Show a list column as a coloured label; the method returns (key of `colours`, text)."""
    decorated: Callable[[F], F] = unfold_display(description=description, label=dict(colours), ordering=ordering)
    return decorated


__all__ = [
    "AdminPasswordChangeForm",
    "AdminUserCreationForm",
    "GroupModelAdmin",
    "ModelAdmin",
    "UserChangeForm",
    "UserModelAdmin",
    "coloured",
]
