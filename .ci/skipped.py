"""Fails where a browser test did not run: a green run without a browser would say nothing about the widget.

usage: skipped.py JUNIT_XML
"""

import sys
from pathlib import Path
from xml.etree import ElementTree as ET

BROWSER_WORDS = ("browser", "chromium", "playwright")


def main() -> int:
    """Print each skipped browser test and return how many there are."""
    cases = ET.fromstring(Path(sys.argv[1]).read_text()).iter("testcase")  # noqa: S314 - our own file
    skipped = [(case.get("classname", ""), case.get("name", ""), case.find("skipped")) for case in cases]
    found = [
        f"{classname}::{name}: {reason.get('message', '')}"
        for classname, name, reason in skipped
        if reason is not None and is_about_a_browser(classname, name, reason.get("message", ""))
    ]
    for line in found:
        sys.stdout.write(f"skipped: {line}\n")
    return min(len(found), 1)


def is_about_a_browser(*words: str) -> bool:
    """Say whether a skipped test is one of a browser, by its place, its name or its reason."""
    return any(browser in word.lower() for word in words for browser in BROWSER_WORDS)


if __name__ == "__main__":
    sys.exit(main())
