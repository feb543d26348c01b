"""Puts in what a new shop needs: a site, the starter playbook, the staff groups, the first staff account.

Safe to run at every start and by several machines at once: one works while the others wait, then find nothing to do.
Never changes what somebody has edited.
"""

import os
import secrets
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.db.migrations.executor import MigrationExecutor

from conversations.answers.board import policy_row
from conversations.desk.groups import ensure_groups
from conversations.gateway.environment import follow_environment
from conversations.models import Site
from conversations.playbook.evaluation.starter import load_starter_cases
from conversations.playbook.releases import publish_first
from conversations.playbook.starter import load_starter_playbook

# Any number that no other program uses as an advisory lock in this database.
LOCK_NUMBER: Final = 7_203_511_846
POLL_SECONDS: Final = 0.1
SHOP_NAME: Final = "ร้านมะลิ"
USERNAME_VARIABLE: Final = "CSBOT_ADMIN_USERNAME"
PASSWORD_VARIABLE: Final = "CSBOT_ADMIN_PASSWORD"  # noqa: S105 - a variable's name


class Command(BaseCommand):
    """Fill what is empty, and say only what is new."""

    help = "Make what a new shop needs: site, starter playbook, staff groups, first staff account."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add --migrate."""
        parser.add_argument("--migrate", action="store_true", help="migrate the database first where it is needed")

    def handle(self, *, migrate: bool, **_options: object) -> None:
        """Do what is not done yet."""
        try:
            connection.ensure_connection()
        except OperationalError as error:
            raise CommandError(f"the database cannot be reached: {str(error).splitlines()[0]}") from error
        with one_at_a_time():
            if migrate and has_migrations_to_run():
                call_command("migrate", interactive=False, verbosity=0)
                self.stdout.write("database migrated")
            if not Site.objects.exists():
                Site.objects.create(name=SHOP_NAME)
            if load_starter_playbook():
                self.stdout.write("starter playbook loaded")
            elif publish_first():
                self.stdout.write("release 1 published: what the playbook said")
            if load_starter_cases():
                self.stdout.write("starter cases loaded")
            ensure_groups()
            policy_row()
            for line in (*follow_environment(), *ensure_staff_account()):
                self.stdout.write(line)


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait until no other process is in here.

    Asks again and again instead of waiting in the database: a waiting statement would hold up a migration that builds
    an index without locking its table.
    """
    with connection.cursor() as cursor:
        while not is_locked(f"SELECT pg_try_advisory_lock({LOCK_NUMBER})"):
            time.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            cursor.execute(f"SELECT pg_advisory_unlock({LOCK_NUMBER})")


def is_locked(statement: str) -> bool:
    """Return the one yes or no that a statement yields."""
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return bool(row and row[0])


def has_migrations_to_run() -> bool:
    """Say whether the database is behind the code."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def ensure_staff_account() -> list[str]:
    """Create the first staff account where there is none; return what to tell the operator, once."""
    users = get_user_model().objects
    if users.filter(is_staff=True).exists():
        return []
    username = os.environ.get(USERNAME_VARIABLE, "").strip() or "admin"
    given = os.environ.get(PASSWORD_VARIABLE, "")
    password = given or secrets.token_urlsafe(12)
    users.create_superuser(username, password=password)
    if given:
        return [f"staff account {username} made, with the password in {PASSWORD_VARIABLE}"]
    return [f"staff account: username {username}, password {password} (shown only this once)"]
