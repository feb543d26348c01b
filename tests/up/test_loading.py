"""What each process loads before it can work: starting is mostly loading, and a machine may have two slow cores.

No timed tests: what costs much must not be loaded by those who don't need it.
"""

import os
import subprocess
import sys
from typing import Final

import pytest

from csbot.gate import WAITS
from tests.up.running import ROOT

SDK: Final = ("openai", "httpx2", "aiohttp")
LEARNING: Final = ("sklearn", "scipy", "onnxruntime", "tokenizers")
STAFF_PAGES: Final = ("conversations.desk.gateway", "conversations.desk.exchange", "openpyxl")
QUEUE: Final = ("celery", "kombu")
WEB_SERVER: Final = ("uvicorn", "csbot.urls")

WEB: Final = "import csbot.web; from django.urls import resolve; resolve('/')"
WORKER: Final = "import csbot.celery; csbot.celery.app.loader.init_worker(); csbot.celery.load_all()"
COMMAND: Final = "import django; django.setup(); import conversations.management.commands.{name}"
LAUNCHER: Final = "import manage"
PROBE: Final = "import csbot.probe"


def loaded_by(program: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after a program."""
    result = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys; print(*sys.modules, sep='\\n')"],
        cwd=ROOT,
        env=os.environ | {"DJANGO_SETTINGS_MODULE": "csbot.settings"},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(result.stdout.split())


@pytest.mark.parametrize(
    ("program", "needed", "unneeded"),
    [
        pytest.param(WEB, STAFF_PAGES[:2], (*SDK, *LEARNING, *QUEUE, "openpyxl"), id="web"),
        pytest.param(WORKER, ("openai", "conversations.tasks"), (*LEARNING, *STAFF_PAGES, *WEB_SERVER), id="worker"),
        pytest.param(
            COMMAND.format(name="scheduler"),
            ("conversations.upkeep",),
            (*SDK, *LEARNING, *STAFF_PAGES, *QUEUE, *WEB_SERVER),
            id="scheduler",
        ),
        pytest.param(
            COMMAND.format(name="prepare"),
            ("conversations.playbook.starter",),
            (*SDK, *LEARNING, *STAFF_PAGES, *QUEUE, *WEB_SERVER),
            id="prepare",
        ),
        pytest.param(
            LAUNCHER,
            ("csbot.up.command",),
            ("django.conf", "django.core.management", "django.db", "conversations.models", *QUEUE),
            id="launcher",
        ),
        pytest.param(PROBE, ("redis",), ("django.conf", "conversations.models", *QUEUE), id="health probe"),
    ],
)
def test_a_process_loads_what_it_needs_and_nothing_dear_beside_it(
    program: str, needed: tuple[str, ...], unneeded: tuple[str, ...]
) -> None:
    loaded = loaded_by(program)
    assert loaded.issuperset(needed)
    assert loaded.isdisjoint(unneeded)


def test_who_is_held_at_the_gate_goes_on_when_it_opens() -> None:
    program = "from csbot.gate import wait_at_gate; wait_at_gate(); print('through', flush=True)"
    way_through, bar = os.pipe()
    held = started(program, stdin=way_through, waits="1")
    os.close(way_through)
    with pytest.raises(subprocess.TimeoutExpired):
        held.wait(1)
    os.close(bar)
    assert held.communicate()[0] == "through\n"


def test_where_nobody_holds_a_gate_nobody_waits() -> None:
    program = "from csbot.gate import wait_at_gate; wait_at_gate(); print('through')"
    way_through, bar = os.pipe()
    free = started(program, stdin=way_through, waits="0")
    assert free.communicate()[0] == "through\n"
    os.close(way_through)
    os.close(bar)


def started(program: str, *, stdin: int, waits: str) -> subprocess.Popen[str]:
    """Return an interpreter at work on a program."""
    return subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        env=os.environ | {WAITS: waits},
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
    )
