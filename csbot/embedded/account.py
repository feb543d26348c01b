"""Who the embedded services run as.

PostgreSQL refuses to run as root, and Redis has no need to: where csbot itself was started by root, both run as an
unprivileged system user that owns nothing but their folders. Everybody else's services run as themselves.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from csbot.embedded.problems import EmbeddedError

OWN_NAME: Final = "csbot"
# Where no user can be added (a minimal container), one of these is at hand.
OTHER_NAMES: Final = ("postgres", "nobody")
NO_LOGIN: Final = "/usr/sbin/nologin"


@dataclass(frozen=True)
class Account:
    """An unprivileged system user."""

    name: str
    uid: int
    gid: int

    def own(self, folder: Path) -> None:
        """Give a folder, and what already lies in it, to this user and nobody else."""
        for path in (folder, *folder.rglob("*")):
            os.chown(path, self.uid, self.gid, follow_symlinks=False)


def service_account(owned: Path) -> Account | None:
    """Return the user for services started by root, None where the current user will do.

    Whoever owns the data in `owned` already keeps it. Raises EmbeddedError where no user can be had.
    """
    if os.geteuid() != 0:
        return None
    return owner_account(owned) or named_account(OWN_NAME) or added_account() or borrowed_account()


def owner_account(owned: Path) -> Account | None:
    """Return the owner of a folder, None where that is root, unknown, or the folder does not exist."""
    if not owned.exists() or owned.stat().st_uid == 0:
        return None
    try:
        entry = pwd.getpwuid(owned.stat().st_uid)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def named_account(name: str) -> Account | None:
    """Return the user of this name, None where there is none."""
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def added_account() -> Account | None:
    """Add the system user `csbot` and return it, None where this machine doesn't let us."""
    useradd = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if useradd is None:
        return None
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", NO_LOGIN]
    subprocess.run([useradd, *options, OWN_NAME], check=False, capture_output=True)  # noqa: S603 - fixed words
    return named_account(OWN_NAME)


def borrowed_account() -> Account:
    """Return another unprivileged user of this machine. Raises EmbeddedError."""
    for account in map(named_account, OTHER_NAMES):
        if account is not None:
            return account
    raise EmbeddedError(
        "PostgreSQL refuses to run as root and no unprivileged user could be added: "
        "start csbot as a normal user, or add one with `useradd --system csbot`."
    )
