"""One data folder's life, start after start. The tests of this file follow one another on the same folder."""

import json
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.ports import free_port
from tests.up.running import ROOT, RunningUp, environment, left_running, slowness

CHILDREN = ("postgres", "redis", "simulator", "web", "worker", "scheduler")
ACCOUNT = {"CSBOT_ADMIN_USERNAME": "somchai", "CSBOT_ADMIN_PASSWORD": "kept-to-myself-7"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of this file's tests, not yet made."""
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture(scope="module")
def up(data: Path) -> Iterator[RunningUp]:
    """A csbot that was started on the empty folder and runs through the first tests."""
    running = RunningUp(data, port=free_port())
    try:
        yield running.wait_until_ready()
    finally:
        running.stop()


def named(data: Path, *names: str) -> dict[str, str]:
    """Return what the running `up` tells other commands."""
    lines = (line.partition("=") for line in (data / "environment").read_text().splitlines())
    return {name: value.strip("'") for name, _, value in lines if name in names}


def url_of(data: Path) -> str:
    """Return the DATABASE_URL of the running `up`."""
    return named(data, "DATABASE_URL")["DATABASE_URL"]


def test_ready_means_that_a_message_can_be_answered(up: RunningUp) -> None:
    status, body = up.get("/readyz")
    assert (status, json.loads(body)) == (
        200,
        {"database": "ok", "redis": "ok", "worker": "ok", "provider": "ok"},
    )
    assert up.get("/healthz")[0] == 200
    assert up.get("/")[0] == 200
    assert up.get("/admin/login/")[0] == 200


def test_the_first_start_says_what_it_did(up: RunningUp) -> None:
    text = up.text()
    for words in ("making the database", "starter playbook loaded", "staff account: username admin, password "):
        assert text.count(words) == 1
    assert "the bundled simulator answers" in text
    assert "Traceback" not in text


def test_the_password_is_in_no_file_and_works_in_a_command_that_finds_the_migrated_database(up: RunningUp) -> None:
    password = password_of(up)
    for path in up.data.rglob("*.log"):
        assert password not in path.read_text(errors="replace")
    program = (
        "from django.contrib.auth import authenticate; from django.core.management import call_command; "
        "call_command('migrate', check_unapplied=True, verbosity=0); "
        f"print(authenticate(username='admin', password='{password}'))"
    )
    result = command(up.data, "shell", "-v0", "-c", program)
    assert (result.returncode, result.stdout, result.stderr) == (0, "admin\n", "")


def password_of(up: RunningUp) -> str:
    """Return the first staff account's password, as it was printed."""
    return up.text().split("password ")[1].split()[0]


def test_secrets_are_readable_by_their_owner_alone(up: RunningUp) -> None:
    assert stat.S_IMODE(up.data.stat().st_mode) == 0o700
    for name in ("secret_key", "environment"):
        assert stat.S_IMODE((up.data / name).stat().st_mode) == 0o600


def test_the_processes_may_open_many_files(up: RunningUp) -> None:
    web = up.children()["web"]
    assert web.rlimit(psutil.RLIMIT_NOFILE)[0] >= min(65536, web.rlimit(psutil.RLIMIT_NOFILE)[1])


@pytest.mark.parametrize("name", CHILDREN)
def test_a_killed_process_comes_back_and_is_spoken_of(up: RunningUp, name: str) -> None:
    url = url_of(up.data)
    killed = up.children()[name]
    killed.kill()
    up.wait_for(f"{name} ended: killed by SIGKILL. Starting it again")
    up.wait_for_another(name, than=killed.pid)
    up.wait_until_answering()
    assert url_of(up.data) == url


def test_two_killed_at_once_come_back(up: RunningUp) -> None:
    children = up.children()
    for name in ("postgres", "redis", "worker"):
        children[name].kill()
    up.wait_for("killed by SIGKILL", times=len(CHILDREN) + 3)
    up.wait_until_answering()


def test_services_of_ones_own_are_used(up: RunningUp, tmp_path: Path) -> None:
    services = named(up.data, "DATABASE_URL", "REDIS_URL")
    other = RunningUp(tmp_path / "data", port=free_port(), variables=services | {"DEEPSEEK_API_KEY": "x"})
    try:
        other.wait_for("starting web")
        assert "using the PostgreSQL that DATABASE_URL names" in other.text()
        assert "using the Redis that REDIS_URL names" in other.text()
        assert not {"postgres", "redis", "simulator"} & set(other.children())
        assert not (tmp_path / "data" / "postgres").exists()
    finally:
        other.stop()


def test_sigterm_stops_everything_within_ten_seconds(up: RunningUp) -> None:
    with psycopg.connect(url_of(up.data)) as connection:
        connection.execute("UPDATE conversations_site SET name = 'ร้านที่แก้แล้ว'")
    began = time.monotonic()
    assert up.stop(signal.SIGTERM) == 0
    assert time.monotonic() - began < 10
    assert left_running(up.data) == []
    if slowness() < 2:
        assert "is killed" not in up.text()
    assert list((up.data / "processes").iterdir()) == []
    assert not (up.data / "environment").exists()


@pytest.fixture(scope="module")
def second(data: Path) -> Iterator[RunningUp]:
    """The second start on the folder, under way."""
    running = RunningUp(data, "--no-demo", port=free_port())
    yield running
    running.stop()


def test_the_second_start_is_quick_and_finds_everything(second: RunningUp) -> None:
    second.wait_until_ready()
    assert time.monotonic() - second.began < 10 * slowness()
    assert "password" not in second.text()
    with psycopg.connect(url_of(second.data)) as connection:
        assert connection.execute("SELECT name FROM conversations_site").fetchall() == [("ร้านที่แก้แล้ว",)]
    assert second.get("/")[0] == 404


def test_processes_load_while_the_database_is_prepared(second: RunningUp) -> None:
    assert second.text().index("starting web") < second.text().index("preparing the database")


def test_nothing_outlives_a_killed_up(second: RunningUp) -> None:
    with psycopg.connect(url_of(second.data)) as connection:
        connection.execute("UPDATE auth_user SET is_staff = FALSE")
    second.stop(signal.SIGKILL)
    assert left_running(second.data) == []


@dataclass
class Third:
    """The start after a kill, with a given account, and two processes on record: one of ours and a stranger."""

    up: RunningUp
    ours: subprocess.Popen[bytes]
    strangers: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def third(data: Path, second: RunningUp) -> Iterator[Third]:
    """The start after a kill, under way, where the killed one listened."""
    with sleeper() as ours, sleeper() as strangers:
        began = (Path("/proc") / str(ours.pid) / "stat").read_text().rpartition(")")[2].split()[19]
        (data / "processes" / "web").write_text(f"{ours.pid} {began}\n")
        (data / "processes" / "redis").write_text(f"{strangers.pid} 1\n")
        running = RunningUp(data, port=second.port, variables=ACCOUNT)
        try:
            yield Third(running, ours, strangers)
        finally:
            running.stop()
            ours.kill()
            strangers.kill()


def test_a_process_left_behind_is_ended_and_a_stranger_with_its_number_is_not(third: Third) -> None:
    third.up.wait_for("Ended web, which a killed `manage.py up` had left running.")
    assert third.ours.wait(5) == -signal.SIGKILL
    assert third.strangers.poll() is None
    assert "Ended redis" not in third.up.text()


def test_a_given_account_is_used_and_its_password_not_printed(third: Third) -> None:
    third.up.wait_for("staff account somchai made")
    third.up.wait_until_ready()
    assert ACCOUNT["CSBOT_ADMIN_PASSWORD"] not in third.up.text()


def test_ctrl_c_stops_everything(third: Third) -> None:
    assert third.up.stop(signal.SIGINT) == 0
    assert left_running(third.up.data) == []


@pytest.mark.parametrize("words", ["data folder", "starting web", "preparing the database"])
def test_a_stop_in_the_middle_of_the_start_leaves_nothing(data: Path, words: str) -> None:
    up = RunningUp(data, port=free_port())
    up.wait_for(words)
    up.stop(signal.SIGTERM)
    assert left_running(data) == []


def sleeper() -> subprocess.Popen[bytes]:
    """Return a process that does nothing for a while."""
    return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])


def command(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run another management command beside the running `up`."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment({"CSBOT_DATA_DIR": str(data)}, data=data),
        capture_output=True,
        text=True,
        check=False,
    )
