"""The browser that the tests drive: the machine's own Chromium, without any talk to the outside.

Best its headless shell: the same engine without windows, which take a second of a core for each page that opens.
"""

import shutil
from typing import Final

from playwright.sync_api import Browser, Playwright

PATIENCE_MS: Final = 30_000
"""How long tests wait for what a page should show."""
NAMES: Final = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def chromium_path() -> str | None:
    """Return a Chromium on PATH, or None."""
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def launch(playwright: Playwright) -> Browser:
    """Start it."""
    return playwright.chromium.launch(executable_path=chromium_path(), args=list(ARGUMENTS))
