"""Reads the forms of a page as a browser would send them back."""

from html.parser import HTMLParser

from typing_extensions import override


class FormReader(HTMLParser):
    """Collects the values of all fields of a page by name."""

    def __init__(self) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area: str | None = None
        self._select = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        match tag:
            case "input" if found.get("type") in {"checkbox", "radio"}:
                if "checked" in found:
                    self.values[found["name"]] = found.get("value", "on")
            case "input" if "name" in found and found.get("type") != "submit":
                self.values[found["name"]] = found.get("value", "")
            case "textarea":
                self._area = found.get("name", "")
                self.values[self._area] = ""
            case "select":
                self._select = found.get("name", "")
            case "option" if self._select and "selected" in found:
                self.values[self._select] = found.get("value", "")

    @override
    def handle_data(self, data: str) -> None:
        if self._area is not None:
            self.values[self._area] += data

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area is not None:
            # Browsers drop the first line break of a textarea.
            self.values[self._area] = self.values[self._area].removeprefix("\r").removeprefix("\n")
            self._area = None
        if tag == "select":
            self._select = ""


def values_on(html: str) -> dict[str, str]:
    """Return what the page's fields hold."""
    reader = FormReader()
    reader.feed(html)
    return reader.values
