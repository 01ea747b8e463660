"""A proxy in front of the platform that records requests and can drop responses."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from discretion.serve import open_listening_socket, serve_app

ProxiedRequest = tuple[str, dict[str, str]]
"""The path and the headers of a request."""


class RecordingProxy:
    """Proxy that records requests and forwards them.

    The first responses are dropped: the caller gets the statuses of ``lost_statuses`` instead.
    """

    def __init__(self, app: ASGIApp, lost_statuses: Iterable[int] = ()) -> None:
        self._app = app
        self._lost_statuses = iter(tuple(lost_statuses))
        self.requests: list[ProxiedRequest] = []
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record and forward one request, and drop its response while ``lost_statuses`` has a status left."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.requests.append((scope["path"], headers))
        status = next(self._lost_statuses, None)
        if status is None:
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _discard_message)
        await send({"type": "http.response.start", "status": status, "headers": [(b"retry-after", b"1")]})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def run_proxy(app: ASGIApp, lost_statuses: Iterable[int] = ()) -> AsyncIterator[RecordingProxy]:
    """Serve a proxy on a free port until the block ends."""
    proxy = RecordingProxy(app, lost_statuses)
    listening_socket = open_listening_socket("127.0.0.1", 0)
    proxy.url = f"http://127.0.0.1:{listening_socket.getsockname()[1]}"
    async with serve_app(proxy, listening_socket):
        yield proxy


async def _discard_message(_message: Message) -> None:
    """Ignore a message of a dropped response."""
