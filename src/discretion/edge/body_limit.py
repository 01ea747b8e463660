"""A limit for all request bodies, and the reading of refused ones, so that their senders see the response.

A server that answers 413 and closes the connection while the client still sends makes the client's system
report a reset connection instead of the answer (RFC 9112, section 9.6), and SDKs repeat what was reset.
"""

from __future__ import annotations

import asyncio
import contextlib

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from discretion.errors import TooLarge

MAX_DRAINED = 8 * 1024 * 1024
"""The most bytes of a refused body that are read and discarded; SDKs send batches of up to 4 MB."""

MAX_DRAIN_S = 5.0
"""The longest time that this takes."""


class BodyLimit:
    """ASGI middleware: limits request bodies to ``max_bytes``, and drains one before status 413 is sent."""

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Run the application on a measured body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = _MeasuredBody(scope, receive, self._max_bytes)

        async def send_drained(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] == TooLarge.status:
                await body.drain()
            await send(message)

        await self._app(scope, body.receive, send_drained)


class _MeasuredBody:
    def __init__(self, scope: Scope, receive: Receive, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
        self._size = 0
        self._is_complete = False
        # Such a client sends nothing before it is asked to (RFC 9110, section 10.1.1); reading would ask it.
        self._awaits_permission = any(name == b"expect" for name, _ in scope["headers"])

    async def receive(self) -> Message:
        """Receive the next part.

        Raises:
            TooLarge: ``BODY_TOO_LARGE``.
        """
        message = await self._receive_part()
        if self._size > self._max_bytes:
            raise TooLarge("BODY_TOO_LARGE", f"The body has more than {self._max_bytes} bytes.")
        return message

    async def drain(self) -> None:
        """Read and discard the rest, within limits of size and time."""
        if self._awaits_permission and self._size == 0:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(MAX_DRAIN_S):
                while not self._is_complete and self._size <= MAX_DRAINED:
                    await self._receive_part()

    async def _receive_part(self) -> Message:
        message = await self._receive()
        self._size += len(message.get("body", b""))
        self._is_complete = not message.get("more_body", False)
        return message
