"""A body beyond the limit gets its answer although the client is still sending."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from discretion.edge.body_limit import MAX_DRAINED, BodyLimit
from discretion.edge.error_response import build_error_response
from discretion.edge.request_body import read_body
from discretion.errors import DiscretionError
from discretion.serve import open_listening_socket, serve_app

ENDPOINT_LIMIT = 1_000
APPLICATION_LIMIT = 100_000
CHUNK = b"x" * 65_536


async def accept_small(request: Request) -> Response:
    """Answer 200 to a body within the endpoint's limit."""
    try:
        body = await read_body(request, ENDPOINT_LIMIT)
    except DiscretionError as error:
        return build_error_response(error, {"connection": "close"})
    return Response(str(len(body)))


async def accept_any(request: Request) -> Response:
    """Answer 200 to any body: only the application's limit refuses one."""
    try:
        body = await read_body(request, 2**40)
    except DiscretionError as error:
        return build_error_response(error, {"connection": "close"})
    return Response(str(len(body)))


@asynccontextmanager
async def serve() -> AsyncIterator[int]:
    """Serve both endpoints, and give the port."""
    app = Starlette(
        routes=[Route("/small", accept_small, methods=["POST"]), Route("/any", accept_any, methods=["POST"])],
        middleware=[Middleware(BodyLimit, max_bytes=APPLICATION_LIMIT)],
    )
    listening = open_listening_socket("127.0.0.1", 0)
    async with serve_app(app, listening):
        yield listening.getsockname()[1]


@pytest.fixture
def port() -> Iterator[int]:
    """Serve in a thread with a loop of its own, so that a test may use blocking sockets."""
    started, ports = threading.Event(), []
    stop: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def run() -> None:
        async with serve() as served_port:
            stop.append((asyncio.get_running_loop(), asyncio.Event()))
            ports.append(served_port)
            started.set()
            await stop[0][1].wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert started.wait(30)
    yield ports[0]
    loop, event = stop[0]
    loop.call_soon_threadsafe(event.set)
    thread.join(30)


def send_all_then_read(port: int, path: str, size: int, *, chunked: bool = False) -> tuple[int, bytes]:
    """Send a whole body before a byte of the answer is read, as Python's ``urllib`` does."""
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{length}\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=30) as connection:
        connection.sendall(head)
        for start in range(0, size, len(CHUNK)):
            part = CHUNK[: size - start]
            connection.sendall(b"%x\r\n%b\r\n" % (len(part), part) if chunked else part)
        if chunked:
            connection.sendall(b"0\r\n\r\n")
        answer = b""
        while received := connection.recv(65_536):
            answer += received
    status_line, _, rest = answer.partition(b"\r\n")
    return int(status_line.split()[1]), rest.partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("path", ["/small", "/any"])
@pytest.mark.parametrize("size", [300_000, 1_500_000, 3_600_000, 7_900_000])
def test_a_client_that_sends_everything_first_sees_413(
    port: int, path: str, size: int, chunked: bool
) -> None:
    for _ in range(3):
        status, body = send_all_then_read(port, path, size, chunked=chunked)
        assert (status, json.loads(body)["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_client_that_waits_for_permission_is_not_asked_for_its_body() -> None:
    """It has sent nothing yet, and reading would ask it to (RFC 9110, section 10.1.1)."""

    async def receive_nothing() -> Message:
        raise AssertionError("the body was asked for")

    sent = await run_limited(refuse_unread, receive_nothing, {"expect": "100-continue"})
    assert sent == [413]


async def test_draining_ends_at_its_limit() -> None:
    """An endless body does not occupy the server for ever."""
    received = 0

    async def receive_endlessly() -> Message:
        nonlocal received
        received += len(CHUNK)
        return {"type": "http.request", "body": CHUNK, "more_body": True}

    assert await run_limited(refuse_unread, receive_endlessly) == [413]
    assert MAX_DRAINED < received <= MAX_DRAINED + 2 * len(CHUNK)


async def test_draining_ends_when_the_client_hangs_up() -> None:
    async def receive_disconnect() -> Message:
        return {"type": "http.disconnect"}

    assert await run_limited(refuse_unread, receive_disconnect) == [413]


async def refuse_unread(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Answer 413 by the declared length alone."""
    await send({"type": "http.response.start", "status": 413, "headers": []})
    await send({"type": "http.response.body", "body": b""})


async def run_limited(
    app: ASGIApp, receive: Receive, headers: Mapping[str, str] = MappingProxyType({})
) -> list[int]:
    """Run an application behind the limit and return the statuses that it sent."""
    statuses: list[int] = []

    async def record(message: Message) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    encoded = [(name.encode(), value.encode()) for name, value in headers.items()]
    await BodyLimit(app, APPLICATION_LIMIT)({"type": "http", "headers": encoded}, receive, record)
    return statuses
