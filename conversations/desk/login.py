"""The admin's sign-in form.

unfold imports it while the admin's site is being made, so this module must never import a ModelAdmin.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.contrib.admin.forms import AdminAuthenticationForm as AuthenticationForm
else:
    from unfold.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """Name and password."""
