"""What customers and colleagues see of a staff member."""

from django.contrib.auth.models import AbstractBaseUser, AbstractUser


def display_name(agent: AbstractBaseUser) -> str:
    """Return the person's name, or the username where none was entered."""
    full_name = agent.get_full_name() if isinstance(agent, AbstractUser) else ""
    return full_name or agent.get_username()
