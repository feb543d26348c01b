"""Users and groups in the admin's look. What a person may do comes from their groups."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Case, ManyToManyField, When
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from typing_extensions import override
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from conversations.desk.look import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    GroupModelAdmin,
    UserChangeForm,
    UserModelAdmin,
)

if TYPE_CHECKING:
    PermissionsField = ModelMultipleChoiceField[Permission]
else:
    PermissionsField = ModelMultipleChoiceField

admin.site.unregister(User)
admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(UserModelAdmin):
    """Staff accounts. A person in the group "Agents" answers customers, one in "Editors" keeps the playbook."""

    form = UserChangeForm
    add_form = AdminUserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "first_name", "last_name", "is_staff", "is_active", "last_login")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password")}),
        (_("Person"), {"fields": (("first_name", "last_name"), "email")}),
        (_("Rights"), {"fields": ("is_active", "is_staff", "is_superuser", "groups")}),
    )

    @override
    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        """Show the few groups as boxes to tick."""
        return super().formfield_for_manytomany(
            db_field, request, widget=UnfoldAdminCheckboxSelectMultipleWidget(), **kwargs
        )


VERBS: Final = {"view": _("see"), "add": _("add"), "change": _("change"), "delete": _("delete")}


class RightsField(PermissionsField):
    """Rights to tick, in words."""

    @override
    def label_from_instance(self, obj: Permission) -> str:
        """Return what the right is to, and what it allows."""
        verb, _underscore, model_name = obj.codename.partition("_")
        model = obj.content_type.model_class()
        if verb not in VERBS or model is None or model._meta.model_name != model_name:
            return gettext(obj.name)
        return f"{model._meta.verbose_name}: {VERBS[verb]}"


@admin.register(Group)
class GroupAdmin(GroupModelAdmin):
    """What a kind of staff may do."""

    filter_horizontal = ()

    @override
    def formfield_for_manytomany(
        self, db_field: "ManyToManyField[Any, Any]", request: HttpRequest | None = None, **kwargs: Any
    ) -> "ModelMultipleChoiceField[Any] | None":
        """Show the rights as boxes to tick, csbot's own first."""
        is_ours = Case(When(content_type__app_label="conversations", then=0), default=1)
        rights = Permission.objects.select_related("content_type").order_by(is_ours, "content_type__model", "codename")
        field = RightsField(rights, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget())
        field.label = _("Rights")
        return field
