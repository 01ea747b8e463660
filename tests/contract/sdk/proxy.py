"""A proxy before the house, as shops have one: it notes what passes, and may lose answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from discretion.serve import listen, serving

Asked = tuple[str, dict[str, str]]
"""A path and its headers."""


class Front:
    """Passes requests on. The answers to the first are lost: callers get the statuses of ``lost`` instead."""

    def __init__(self, app: ASGIApp, lost: Iterable[int] = ()) -> None:
        self._app = app
        self._lost = iter(tuple(lost))
        self.asked: list[Asked] = []
        self.url = ""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["path"], headers))
        status = next(self._lost, None)
        if status is None:
            await self._app(scope, receive, send)
            return
        await self._app(scope, receive, _nowhere)
        await send({"type": "http.response.start", "status": status, "headers": [(b"retry-after", b"1")]})
        await send({"type": "http.response.body", "body": b""})


@asynccontextmanager
async def fronted(app: ASGIApp, lost: Iterable[int] = ()) -> AsyncIterator[Front]:
    """A front on a socket of its own."""
    front = Front(app, lost)
    listening = listen("127.0.0.1", 0)
    front.url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with serving(front, listening):
        yield front


async def _nowhere(_message: Message) -> None:
    """Where lost answers go."""
