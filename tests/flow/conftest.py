"""A whole csbot, run as an operator runs it, with a model that the tests script."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.model import Call, Model, Script, envelope, streamed
from tests.ports import free_port
from tests.up.running import RunningUp


@dataclass
class Stack:
    """The running csbot and its model."""

    up: RunningUp
    model: Model

    @property
    def url(self) -> str:
        """Where the web process listens."""
        return self.up.url

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Return what the database says."""
        lines = (self.up.data / "environment").read_text().splitlines()
        url = next(line.partition("=")[2].strip("'") for line in lines if line.startswith("DATABASE_URL="))
        with psycopg.connect(url) as connection:
            return connection.execute(statement.encode(), values).fetchall()


def echo(call: Call) -> Script:
    """Answer with the customer's words."""
    return streamed(envelope(f"คำตอบ: {call.last_words}"), pause=0.02)


@pytest.fixture(scope="session")
def running_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One csbot for all tests of the flow."""
    with Model().running() as model:
        up = RunningUp(
            Path(tmp_path_factory.mktemp("flow")) / "data",
            port=free_port(),
            variables={
                "DEEPSEEK_API_KEY": "for-the-tests",
                "DEEPSEEK_BASE_URL": model.base_url,
                "CSBOT_RATE_LIMIT_SCALE": "100",
            },
        )
        try:
            yield Stack(up.wait_until_ready(), model)
        finally:
            up.stop()


@pytest.fixture
def stack(running_stack: Stack) -> Iterator[Stack]:
    """The running csbot with a model that has forgotten the test before."""
    model = running_stack.model
    model.calls.clear()
    model.scripts.clear()
    model.default = echo
    yield running_stack
    assert "Traceback" not in running_stack.up.text()
