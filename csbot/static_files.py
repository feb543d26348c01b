"""Serves static files before Django sees the request, without blocking the loop.

WhiteNoise finds the files, and knows about caching, ranges and compressed variants; its own middleware is synchronous
and would put every request of the site on a thread. Never serves anything that WhiteNoise doesn't list.
"""

import asyncio
import warnings
from typing import IO, Protocol

from asgiref.typing import ASGI3Application, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope
from whitenoise.middleware import WhiteNoiseMiddleware

CHUNK_BYTES = 64 * 1024


class FileResponse(Protocol):
    """What WhiteNoise answers."""

    status: int
    headers: list[tuple[str, str]]
    file: IO[bytes] | None


class StaticFiles:
    """An ASGI application in front of another one."""

    def __init__(self, application: ASGI3Application) -> None:
        self.application = application
        with warnings.catch_warnings():
            # It warns where `collectstatic` has never run; then the finders know the files.
            warnings.simplefilter("ignore")
            self.whitenoise = WhiteNoiseMiddleware()

    async def __call__(self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """Answer the request for a static file, or pass it on."""
        if scope["type"] == "http" and scope["path"].startswith(self.whitenoise.static_prefix):
            response = await asyncio.to_thread(self._find, scope)
            if response is not None:
                await _send(response, send)
                return
        await self.application(scope, receive, send)

    def _find(self, scope: HTTPScope) -> FileResponse | None:
        path = scope["path"]
        is_fresh = self.whitenoise.autorefresh
        static_file = self.whitenoise.find_file(path) if is_fresh else self.whitenoise.files.get(path)
        if static_file is None:
            return None
        environ = {f"HTTP_{_cgi(name)}": value.decode("latin-1") for name, value in scope["headers"]}
        response: FileResponse = static_file.get_response(scope["method"], environ)
        return response


def _cgi(name: bytes) -> str:
    return name.decode("latin-1").upper().replace("-", "_")


async def _send(response: FileResponse, send: ASGISendCallable) -> None:
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": int(response.status), "headers": headers, "trailers": False})
    if response.file is not None:
        try:
            while chunk := await asyncio.to_thread(response.file.read, CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        finally:
            response.file.close()
    await send({"type": "http.response.body", "body": b"", "more_body": False})
