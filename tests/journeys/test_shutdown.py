"""A server that stops waits for requests under way, and refuses those that take longer than it may."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from discretion import serve


async def test_a_request_that_outlasts_the_stop_is_refused_with_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its sender learns that it may ask again, once what it began is taken back; a quick one is served."""
    monkeypatch.setattr(serve, "GRACE_S", 0.5)
    took_back = asyncio.Event()

    async def endless(_request: Request) -> Response:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            took_back.set()
        raise AssertionError

    async def short(_request: Request) -> Response:
        await asyncio.sleep(0.2)
        return PlainTextResponse("done")

    listening = serve.listen("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base, timeout=10) as http:
        async with serve.serving(
            Starlette(routes=[Route("/long", endless), Route("/short", short)]), listening
        ):
            asked = [asyncio.create_task(http.get(path)) for path in ("/long", "/short")]
            await asyncio.sleep(0.1)
        assert took_back.is_set(), "the server ended before its requests had"
        refused, served = [await one for one in asked]
    assert (served.status_code, served.text) == (200, "done")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["code"] == "STOPPING"
