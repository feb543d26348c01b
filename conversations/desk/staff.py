"""Users and groups in the admin's look. What a person may do comes from their groups."""

from typing import TYPE_CHECKING, Any, Final

from django.contrib import admin
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Case, ManyToManyField, Model, QuerySet, When
from django.forms import ModelMultipleChoiceField
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from typing_extensions import override
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from conversations.desk.audited import stored
from conversations.desk.look import (
    AdminPasswordChangeForm,
    AdminUserCreationForm,
    GroupModelAdmin,
    UserChangeForm,
    UserModelAdmin,
)
from conversations.playbook.audit import differences, record
from conversations.playbook.models import Verb

if TYPE_CHECKING:
    PermissionsField = ModelMultipleChoiceField[Permission]
    Base = admin.ModelAdmin[Any]
else:
    PermissionsField = ModelMultipleChoiceField
    Base = object

STANDING: Final = ("username", "is_active", "is_staff", "is_superuser")

admin.site.unregister(User)
admin.site.unregister(Group)


class RightsAudited(Base):
    """Writes down who may do what from now on: an account's groups and standing, a group's rights."""

    @override
    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Remember what was so far, and save."""
        form.rights_before = rights_of(stored(obj)) if change else {}
        super().save_model(request, obj, form, change)

    @override
    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """Save the groups or rights too, and write down what differs."""
        super().save_related(request, form, formsets, change)
        changes = differences(form.rights_before, rights_of(form.instance))
        if changes:
            record(request.user, Verb.CHANGE if change else Verb.ADD, form.instance, changes=changes)

    @override
    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete, and write down what it was."""
        record(request.user, Verb.DELETE, obj, changes=differences(rights_of(obj), {}))
        super().delete_model(request, obj)

    @override
    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        """Delete many, and write down what each was."""
        for row in queryset:
            record(request.user, Verb.DELETE, row, changes=differences(rights_of(row), {}))
        super().delete_queryset(request, queryset)


def rights_of(row: Model | None) -> dict[str, Any]:
    """Return what an account or a group may do, as the audit log keeps it. Nothing else of a person gets there."""
    match row:
        case User():
            standing = {name: getattr(row, name) for name in STANDING}
            return {**standing, "groups": sorted(row.groups.values_list("name", flat=True))}
        case Group():
            return {"name": row.name, "permissions": sorted(row.permissions.values_list("codename", flat=True))}
        case _:
            return {}


@admin.register(User)
class UserAdmin(RightsAudited, UserModelAdmin):
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
class GroupAdmin(RightsAudited, GroupModelAdmin):
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
