"""Each thing that keeps `up` from starting is one sentence, a bad exit code, and no process left."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.up.running import ROOT, RunningUp, environment, failed_up, left_running


@pytest.fixture(autouse=True)
def nothing_left_running(tmp_path: Path) -> Iterator[None]:
    """After each refusal no process of it is left."""
    yield
    assert left_running(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of its own with 100 MiB."""
    mount = ["mount", "-t", "tmpfs", "-o", "size=100m", "csbot-small", str(tmp_path)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a small disk, and not in every container")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        sentence = failed_up(tmp_path / "data", port=port)
    assert sentence == f"Port {port} on 127.0.0.1 is already in use: choose another with --port."


def test_an_address_of_another_machine_is_refused(tmp_path: Path) -> None:
    assert "Nothing can listen on 192.0.2.7" in failed_up(tmp_path / "data", "--host", "192.0.2.7")


def test_a_data_folder_in_a_missing_folder_is_refused(tmp_path: Path) -> None:
    assert f"there is no folder {tmp_path / 'missing'}" in failed_up(tmp_path / "missing" / "data")


def test_a_data_folder_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    assert "cannot be made: File exists" in failed_up(tmp_path / "data")


def test_a_data_folder_that_cannot_be_made_is_refused() -> None:
    assert "The data folder /proc/csbot cannot be made" in failed_up(Path("/proc/csbot"))


def test_a_data_folder_that_cannot_be_written_to_is_refused() -> None:
    # Even root can't write here.
    assert "cannot be written to" in failed_up(Path("/proc/self/fdinfo"))


def test_a_full_disk_is_named(small_disk: Path) -> None:
    assert "is almost full: 99 MiB are free" in failed_up(small_disk / "data")


def test_data_of_another_postgresql_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "data" / "postgres"
    database.mkdir(parents=True)
    (database / "PG_VERSION").write_text("16\n")
    sentence = failed_up(tmp_path / "data")
    assert "was made by PostgreSQL 16, but this csbot brings PostgreSQL 18" in sentence
    assert [path.name for path in database.iterdir()] == ["PG_VERSION"]


def test_a_folder_with_something_else_in_the_databases_place_is_left_alone(tmp_path: Path) -> None:
    database = tmp_path / "data" / "postgres"
    database.mkdir(parents=True)
    (database / "photo.jpg").write_text("a photo")
    assert "holds no PostgreSQL data" in failed_up(tmp_path / "data")
    assert (database / "photo.jpg").exists()


def test_a_second_up_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    first = RunningUp(tmp_path / "data", port=free_port())
    try:
        first.wait_for("preparing the database")
        assert f"(process {first.process.pid}) is running on the data folder" in failed_up(tmp_path / "data")
    finally:
        first.stop()


def test_a_malformed_variable_is_named(tmp_path: Path) -> None:
    assert "CSBOT_WORKERS" in failed_up(tmp_path / "data", variables={"CSBOT_WORKERS": "many"})


def test_a_database_that_cannot_be_reached_is_named(tmp_path: Path) -> None:
    nowhere = {"DATABASE_URL": f"postgresql://csbot@127.0.0.1:{free_port()}/csbot"}
    assert "the database cannot be reached" in failed_up(tmp_path / "data", variables=nowhere)


def test_other_commands_say_what_they_lack(tmp_path: Path) -> None:
    sentence = failed_command(tmp_path)
    assert sentence == "error: DATABASE_URL is not set. `manage.py up` starts a PostgreSQL of its own and sets it."


def failed_command(tmp_path: Path) -> str:
    """Return what `manage.py migrate` prints without any services."""
    variables = {"CSBOT_DATA_DIR": str(tmp_path / "none"), "SECRET_KEY": "x"}
    result = subprocess.run(
        [sys.executable, "manage.py", "migrate"],
        cwd=ROOT,
        env=environment(variables, data=tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 1
    return result.stderr.strip()
