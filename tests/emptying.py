"""Empties the tests' database after a test that committed: only the tables with rows in them, and those by DELETE.

Django empties all sixty by TRUNCATE and writes the content types and permissions again, which takes ten times as long.
"""

from functools import cache

from django.core.management import call_command
from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg.sql import SQL, Identifier

KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})
"""What migrations wrote, and what no test changes."""


def empty_the_database(_test: TransactionTestCase) -> None:
    """Stand in for Django's own way after a test. Waits, as TRUNCATE does, for transactions that are still open."""
    if not may_switch_triggers_off():
        call_command("flush", verbosity=0, interactive=False)
        return
    with transaction.atomic(), connection.cursor() as cursor:
        # No trigger: those on releases and the audit log let nobody delete.
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(SQL("LOCK TABLE {}").format(SQL(", ").join(map(Identifier, tables()))))
        looks = (SQL("SELECT {} WHERE EXISTS (SELECT FROM {})").format(name, Identifier(name)) for name in tables())
        cursor.execute(SQL(" UNION ALL ").join(looks))
        for (name,) in cursor.fetchall():
            cursor.execute(SQL("DELETE FROM {}").format(Identifier(name)))


@cache
def tables() -> tuple[str, ...]:
    """Return the names of the models' tables that tests fill."""
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return tuple(sorted(set(names) - KEPT))


@cache
def may_switch_triggers_off() -> bool:
    """Say whether the database's user may, as the one of a database of the tests' own may."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_parameter_privilege('session_replication_role', 'SET')")
        return bool(cursor.fetchone()[0])
