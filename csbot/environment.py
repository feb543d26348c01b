"""Reads the process environment, once, into typed values.

Every variable that csbot understands is read here (docs/operations.md lists them); a missing or malformed one stops
the start with its name. Never logs a value.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"0", "false", "no", "off", ""})


@dataclass(frozen=True)
class Environment:
    """Typed access to the variables of one environment."""

    variables: Mapping[str, str]

    def text(self, name: str, *, default: str = "") -> str:
        """Return the variable, stripped; `default` where it is missing or blank."""
        return self.variables.get(name, "").strip() or default

    def required(self, name: str, *, hint: str) -> str:
        """Return the variable or stop the start with its name."""
        value = self.text(name)
        if not value:
            raise ImproperlyConfigured(f"{name} is not set. {hint}")
        return value

    def words(self, name: str) -> list[str]:
        """Return a comma-separated variable as a list without blanks."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()]

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return a yes/no variable, `default` where it is missing; anything else stops the start."""
        value = self.text(name, default="1" if default else "0").lower()
        if value in TRUE_WORDS:
            return True
        if value in FALSE_WORDS:
            return False
        raise ImproperlyConfigured(f"{name} must be 1 or 0, not {value!r}.")

    def number(self, name: str, *, default: float) -> float:
        """Return a number of at least 0; anything else stops the start."""
        value = self.text(name)
        try:
            number = float(value) if value else default
        except ValueError:
            number = -1.0
        if not number >= 0:
            raise ImproperlyConfigured(f"{name} must be a number of at least 0, not {value!r}.")
        return number


def current_environment() -> Environment:
    """Return the environment of this process."""
    return Environment(os.environ)
