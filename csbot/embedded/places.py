"""Where sockets and programs lie.

A unix socket's path may have about 100 characters, and services of an unprivileged user must be able to reach what
they run and where they listen, even where the checkout or the data folder lies in somebody's home.
"""

import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from csbot.embedded.account import Account
from csbot.embedded.problems import EmbeddedError

LONGEST_SOCKET_FOLDER: Final = 75
PROGRAM_CACHES: Final = (Path("/var/cache"), Path("/var/tmp"), Path("/tmp"))  # noqa: S108 - ownership is checked
WRITABLE_BY_OTHERS: Final = stat.S_IWGRP | stat.S_IWOTH


def wheel_folder(package: str) -> Path | None:
    """Return where a package of the `embedded` group is installed, None where it isn't; never imports it."""
    spec = find_spec(package)
    return Path(spec.origin).parent if spec and spec.origin else None


def socket_folder(wish: Path) -> Path:
    """Return (and make) a folder for sockets: `wish`, or where that can't be, a short one that stands for it.

    The same wish always gets the same folder. Raises EmbeddedError.
    """
    for folder in socket_folder_candidates(wish):
        if len(str(folder)) <= LONGEST_SOCKET_FOLDER and is_made_ours(folder):
            return folder
    raise EmbeddedError(f"No folder for the sockets of PostgreSQL and Redis could be made in place of {wish}.")


def socket_folder_candidates(wish: Path) -> Iterator[Path]:
    """Yield the folders to try, best first."""
    name = f"csbot-{os.geteuid()}-{hashlib.sha256(str(wish).encode()).hexdigest()[:12]}"
    if os.geteuid() == 0:
        # The services' own user may not be able to enter the folder that `wish` lies in.
        yield Path("/run") / name
    else:
        yield wish
        if runtime := os.environ.get("XDG_RUNTIME_DIR"):
            yield Path(runtime) / name
    yield Path(tempfile.gettempdir()) / name


def is_made_ours(folder: Path) -> bool:
    """Make a folder that others may at most pass through; say whether it is truly ours (not planted by another)."""
    try:
        folder.mkdir(mode=0o711, exist_ok=True)
    except OSError:
        return False
    return is_ours(folder)


def is_ours(folder: Path) -> bool:
    """Say whether a folder is a real one that belongs to this user and that nobody else can write to."""
    status = folder.lstat()
    return stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid() and not status.st_mode & WRITABLE_BY_OTHERS


def private_folder(folder: Path, account: Account | None) -> Path:
    """Return (and make) a folder that only the services' user may enter."""
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(folder, account.uid, account.gid)
    return folder


def reachable_programs(package: Path, parts: tuple[str, ...], *, is_runnable: Callable[[Path], bool]) -> Path:
    """Return a folder from which the services' user can run the `parts` of an installed package.

    That is the package's own folder's parent where the user can reach it, else a copy of the parts, kept by root for
    the next start. Raises EmbeddedError.
    """
    if is_runnable(package.parent):
        return package.parent
    version = hashlib.sha256(f"{package} {package.stat().st_mtime_ns}".encode()).hexdigest()[:12]
    for cache in PROGRAM_CACHES:
        folder = cache / f"csbot-{package.name}-{version}"
        if is_copied(package.parent, folder, parts=parts) and is_runnable(folder):
            return folder
    raise EmbeddedError(
        f"The programs below {package} cannot be reached by the unprivileged user that PostgreSQL needs, and no copy "
        "could be made in /var/cache, /var/tmp or /tmp: start csbot as a normal user, or move it out of this folder."
    )


def is_copied(source: Path, folder: Path, *, parts: tuple[str, ...]) -> bool:
    """Copy `parts` of `source` into `folder`, whole or not at all; say whether it is there and ours."""
    if folder.exists():
        return is_ours(folder)
    try:
        draft = Path(tempfile.mkdtemp(prefix=f"{folder.name}-", dir=folder.parent))
    except OSError:
        return False
    try:
        copy_parts(source, draft, parts=parts)
        draft.rename(folder)
    except OSError:
        shutil.rmtree(draft, ignore_errors=True)
    return folder.exists() and is_ours(folder)


def copy_parts(source: Path, folder: Path, *, parts: tuple[str, ...]) -> None:
    """Copy files and folders to the same places below `folder`, which everybody may then read."""
    folder.chmod(0o755)
    for part in parts:
        target = folder / part
        target.parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, target)
        else:
            shutil.copy2(source / part, target)
