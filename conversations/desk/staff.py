"""Users and groups in the admin's look."""

from django.contrib import admin
from django.contrib.auth.models import Group, User

from conversations.desk.look import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    GroupModelAdmin,
    UserChangeForm,
    UserModelAdmin,
)

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(UserModelAdmin):
    """Staff accounts. A person in the group "Agents" answers customers, one in "Editors" keeps the playbook."""

    form = UserChangeForm
    add_form = AdminUserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")


@admin.register(Group)
class GroupAdmin(GroupModelAdmin):
    """What a kind of staff may do."""
