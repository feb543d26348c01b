"""The widget's and the demo's own files, served from memory under an address that carries their version.

A version in the path, not in the query: the modules import each other by relative address, so they all inherit it and
a browser never mixes two releases. Never serves anything outside the two folders.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Final

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

FOLDERS: Final = ("widget", "demo")
TYPES: Final[Mapping[str, str]] = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
VERSION_CHARS: Final = 12
FOR_EVER: Final = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file, with its compressed form made once."""

    body: bytes
    content_type: str

    @cached_property
    def zipped(self) -> bytes:
        """The body under gzip."""
        return gzip.compress(self.body, compresslevel=9, mtime=0)

    @cached_property
    def etag(self) -> str:
        """A validator of the body."""
        return f'"{hashlib.sha256(self.body).hexdigest()[:VERSION_CHARS]}"'

    def response(self, request: HttpRequest, *, cache_control: str) -> HttpResponse:
        """Return the file as the browser can take it; 304 if the browser has it already."""
        headers = {"Cache-Control": cache_control, "ETag": self.etag, "Vary": "Accept-Encoding"}
        if self.etag in request.headers.get("If-None-Match", ""):
            return HttpResponse(status=304, headers=headers)
        if "gzip" in request.headers.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return HttpResponse(self.zipped, content_type=self.content_type, headers=headers)
        return HttpResponse(self.body, content_type=self.content_type, headers=headers)


@dataclass(frozen=True)
class Release:
    """All files of one version, by their path below `static/`."""

    version: str
    files: Mapping[str, Asset]


def without_comments(source: str) -> str:
    """Return a script or style sheet without the comments that begin a line: the reader's, not the browser's.

    Their lines stay, empty, so that a line number in the browser is the line number in the source.
    """
    is_inside = False
    kept = []
    for line in source.split("\n"):
        text = line.lstrip()
        if not is_inside and not text.startswith(("/*", "//")):
            kept.append(line)
            continue
        is_block = is_inside or text.startswith("/*")
        is_inside = is_block and "*/" not in text
        kept.append(text.partition("*/")[2].strip() if is_block else "")
    return "\n".join(kept)


def read_asset(path: Path) -> Asset:
    """Read one file as it will be served."""
    text = path.read_text(encoding="utf-8")
    return Asset((text if path.suffix == ".svg" else without_comments(text)).encode(), TYPES[path.suffix])


def read_release() -> Release:
    """Read the files from disk."""
    root = Path(settings.BASE_DIR) / "static"
    paths = sorted(path for folder in FOLDERS for path in (root / folder).rglob("*") if path.suffix in TYPES)
    files = {str(path.relative_to(root)): read_asset(path) for path in paths}
    digest = hashlib.sha256()
    for name, asset in files.items():
        digest.update(name.encode() + b"\0" + asset.body)
    return Release(digest.hexdigest()[:VERSION_CHARS], files)


@cache
def _kept_release() -> Release:
    return read_release()


def current_release() -> Release:
    """Return this process's files; read anew each time under DEBUG, so that an edit shows at once."""
    return read_release() if settings.DEBUG else _kept_release()


def asset_url(path: str) -> str:
    """Return the versioned address of a file, or of a folder's files where `path` ends in a slash."""
    return reverse("widget-asset", kwargs={"version": current_release().version, "path": path})


async def asset(request: HttpRequest, version: str, path: str) -> HttpResponse:
    """Serve one file; for ever if it is the version asked for, else (while a new release rolls out) just this once."""
    release = current_release()
    found = release.files.get(path)
    if found is None:
        return HttpResponse(status=404, content_type="text/plain")
    return found.response(request, cache_control=FOR_EVER if version == release.version else "no-store")
