"""What a server does with connections while it is idle, and with requests while it stops."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from discretion import serve
from tests.fixtures.waiting import WAIT_S


async def test_a_request_that_outlasts_the_stop_is_refused_with_503(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 503 with ``retry-after`` follows the cancelled handler; a short request is still served."""
    monkeypatch.setattr(serve, "SHUTDOWN_GRACE_S", 2)
    started, was_rolled_back = asyncio.Semaphore(0), asyncio.Event()

    async def never_answer(_request: Request) -> Response:
        started.release()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.05)
            was_rolled_back.set()
        raise AssertionError

    async def answer_soon(_request: Request) -> Response:
        started.release()
        await asyncio.sleep(0.2)
        return PlainTextResponse("done")

    listening = serve.open_listening_socket("127.0.0.1", 0)
    base = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=base, timeout=WAIT_S) as http:
        async with serve.serve_app(
            Starlette(routes=[Route("/long", never_answer), Route("/short", answer_soon)]), listening
        ):
            requests = [asyncio.create_task(http.get(path)) for path in ("/long", "/short")]
            for _ in requests:
                await started.acquire()
        assert was_rolled_back.is_set(), "the server stopped before the handler was cancelled"
        refused, served = [await task for task in requests]
    assert (served.status_code, served.text) == (200, "done")
    assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
    assert refused.json()["error"]["code"] == "STOPPING"


async def test_a_client_closes_an_idle_connection_before_the_server_does() -> None:
    """httpx keeps one for 5 s. A request on a connection that the server is closing would be lost."""

    async def answer(_request: Request) -> Response:
        return PlainTextResponse("done")

    listening = serve.open_listening_socket("127.0.0.1", 0)
    async with serve.serve_app(Starlette(routes=[Route("/", answer)]), listening):
        reader, writer = await asyncio.open_connection(*listening.getsockname())
        for pause_s in (0, 0.5 + (httpx.Limits().keepalive_expiry or 0)):
            await asyncio.sleep(pause_s)
            writer.write(b"GET / HTTP/1.1\r\nhost: shop.example\r\n\r\n")
            assert (await asyncio.wait_for(reader.readuntil(b"done"), WAIT_S)).startswith(b"HTTP/1.1 200")
        writer.close()
        await writer.wait_closed()
