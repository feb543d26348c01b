"""One data folder's life, start after start. The tests of this file follow one another on the same folder."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from tests.up.running import ROOT, RunningUp, environment, free_port, left_running, slowness

CHILDREN = ("postgres", "redis", "simulator", "web", "worker", "scheduler")


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


def url_of(data: Path) -> str:
    """Return the DATABASE_URL of the running `up`."""
    return next(
        line.partition("=")[2].strip("'")
        for line in (data / "environment").read_text().splitlines()
        if "DATABASE" in line
    )


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


def test_the_password_is_in_no_file_and_works(up: RunningUp) -> None:
    password = up.text().split("password ")[1].split()[0]
    for path in up.data.rglob("*.log"):
        assert password not in path.read_text(errors="replace")
    program = (
        f"from django.contrib.auth import authenticate; print(authenticate(username='admin', password='{password}'))"
    )
    assert command(up.data, "shell", "-v0", "-c", program).stdout == "admin\n"


def test_other_commands_use_the_running_services(up: RunningUp) -> None:
    result = command(up.data, "migrate", "--check")
    assert (result.returncode, result.stderr) == (0, "")


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


def test_the_second_start_is_quick_and_finds_everything(data: Path) -> None:
    began = time.monotonic()
    up = RunningUp(data, "--no-demo", port=free_port())
    try:
        up.wait_until_ready()
        assert time.monotonic() - began < 10 * slowness()
        assert "password" not in up.text()
        with psycopg.connect(url_of(data)) as connection:
            assert connection.execute("SELECT name FROM conversations_site").fetchall() == [("ร้านที่แก้แล้ว",)]
        assert up.get("/")[0] == 404
    finally:
        assert up.stop(signal.SIGINT) == 0


def test_nothing_outlives_a_killed_up(data: Path) -> None:
    up = RunningUp(data, port=free_port())
    up.wait_until_ready()
    up.stop(signal.SIGKILL)
    assert left_running(data) == []
    again = RunningUp(data, port=up.port)
    try:
        again.wait_until_ready()
    finally:
        again.stop()


def test_a_process_left_behind_is_ended_and_a_stranger_with_its_number_is_not(data: Path) -> None:
    with sleeper() as ours, sleeper() as strangers:
        began = (Path("/proc") / str(ours.pid) / "stat").read_text().rpartition(")")[2].split()[19]
        (data / "processes" / "web").write_text(f"{ours.pid} {began}\n")
        (data / "processes" / "redis").write_text(f"{strangers.pid} 1\n")
        up = RunningUp(data, port=free_port())
        try:
            up.wait_for("Ended web, which a killed `manage.py up` had left running.")
            assert ours.wait(5) == -signal.SIGKILL
            assert strangers.poll() is None
            assert "Ended redis" not in up.text()
        finally:
            up.stop()
            strangers.kill()


def test_a_stop_in_the_middle_of_the_start_leaves_nothing(data: Path) -> None:
    for words in ("data folder", "preparing the database", "starting web"):
        up = RunningUp(data, port=free_port())
        up.wait_for(words)
        up.stop(signal.SIGTERM)


def test_a_given_account_is_used_and_its_password_not_printed(tmp_path: Path) -> None:
    account = {"CSBOT_ADMIN_USERNAME": "somchai", "CSBOT_ADMIN_PASSWORD": "kept-to-myself-7"}
    up = RunningUp(tmp_path / "data", port=free_port(), variables=account)
    try:
        up.wait_for("staff account somchai made")
        up.wait_for("starting web")
        assert account["CSBOT_ADMIN_PASSWORD"] not in up.text()
    finally:
        up.stop()


def test_services_of_ones_own_are_used(tmp_path: Path) -> None:
    services = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL")}
    up = RunningUp(tmp_path / "data", port=free_port(), variables=services | {"DEEPSEEK_API_KEY": "x"})
    try:
        up.wait_for("starting web")
        assert "using the PostgreSQL that DATABASE_URL names" in up.text()
        assert "using the Redis that REDIS_URL names" in up.text()
        assert not {"postgres", "redis", "simulator"} & set(up.children())
        assert not (tmp_path / "data" / "postgres").exists()
    finally:
        up.stop()


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
