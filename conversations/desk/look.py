"""django-unfold's classes with Django's types: unfold ships without type hints, so checkers see Django's originals."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.auth import admin as auth_admin

if TYPE_CHECKING:
    from django.contrib.admin import display
    from django.contrib.auth.forms import AdminPasswordChangeForm, AdminUserCreationForm, UserChangeForm

    ModelAdmin = admin.ModelAdmin[Any]
    UserModelAdmin = auth_admin.UserAdmin[Any]
    GroupModelAdmin = auth_admin.GroupAdmin
else:
    from unfold.admin import ModelAdmin
    from unfold.decorators import display
    from unfold.forms import AdminPasswordChangeForm, UserChangeForm
    from unfold.forms import UserCreationForm as AdminUserCreationForm

    class UserModelAdmin(auth_admin.UserAdmin, ModelAdmin):
        """Django's user pages in unfold's look."""

    class GroupModelAdmin(auth_admin.GroupAdmin, ModelAdmin):
        """Django's group pages in unfold's look."""


__all__ = [
    "AdminPasswordChangeForm",
    "AdminUserCreationForm",
    "GroupModelAdmin",
    "ModelAdmin",
    "UserChangeForm",
    "UserModelAdmin",
    "display",
]
