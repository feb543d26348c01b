"""The admin's sign-in form: throttled, and with one answer to everything that is wrong.

unfold imports it while the admin's site is being made, so this module must never import a ModelAdmin.
"""

from typing import TYPE_CHECKING, Any

from django.utils.translation import gettext_lazy as _
from typing_extensions import override

from conversations.desk.throttle import forgive, may_try

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
else:
    from unfold.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """Name and password. Wrong name, wrong password, no staff, too many attempts: all sound the same."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": _(
            "That name and password do not open this door, or there were too many attempts. "
            "Check both, and try again in a few minutes."
        ),
    }

    @override
    def clean(self) -> dict[str, Any]:
        """Check the attempt before the password: a throttled one must not cost a password hash."""
        username = str(self.cleaned_data.get("username") or "")
        if self.request is None or not may_try(self.request, username=username):
            raise self.get_invalid_login_error()
        cleaned = super().clean()
        forgive(self.request, username=username)
        return cleaned
