"""The admin's sign-in form."""

from unfold.forms import AuthenticationForm


class LoginForm(AuthenticationForm):
    """Name and password."""
