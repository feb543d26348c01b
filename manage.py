#!/usr/bin/env python
"""Django's command line, with `up`, which runs before any settings are read."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured

from csbot.environment import current_environment
from csbot.up.command import up
from csbot.up.folder import DataFolder
from csbot.up.options import data_folder


def main() -> int:
    """Run the command named on the command line; return the exit code."""
    if sys.argv[1:2] == ["up"]:
        return up(sys.argv[2:])
    from django.core.management import execute_from_command_line

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "csbot.settings")
    use_running_services()
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


def use_running_services() -> None:
    """Let a command find the services of a running `manage.py up`, unless the environment names others."""
    env = current_environment()
    if not (env.text("DATABASE_URL") and env.text("REDIS_URL")):
        for name, value in DataFolder(data_folder(env)).read_environment().items():
            os.environ.setdefault(name, value)


if __name__ == "__main__":
    sys.exit(main())
