"""Serving: one uvicorn server on a socket of ours, stopped by Ctrl-C or SIGTERM; and the loop it runs on."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
import socket
from collections.abc import AsyncIterator, Coroutine, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from discretion.edge.error_response import problem
from discretion.edge.graphql.websocket import MAX_MESSAGE
from discretion.errors import Misconfigured, Unavailable

GRACE_S = 10
"""How long requests under way may take to end."""

TAKEN_BACK_S = 5
"""How long those that do not may take to undo what they had begun, and to be refused."""

GARBAGE = 50_000
"""New objects after which the collector looks for cycles; some 25 pages of 100 customers."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Signals are ours: uvicorn would raise them again and end the process before MongoDB stops."""
        yield


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 picks a free one.

    Raises:
        Misconfigured: ``PORT_TAKEN``.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except socket.gaierror:
        listening.close()
        raise Misconfigured(
            "HOST_UNKNOWN",
            f"There is no host {host!r}.",
            "Give an address of this machine, such as 127.0.0.1.",
        ) from None
    except OSError as error:
        listening.close()
        raise Misconfigured(
            "PORT_TAKEN", f"{host}:{port} cannot be listened on: {error.strerror}.", "Give another --port."
        ) from None
    return listening


@contextlib.asynccontextmanager
async def serving(app: ASGIApp, listening: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Serve ``app`` for as long as the context lasts; the task ends if the server does."""
    server = _Server(
        uvicorn.Config(
            _refusing(app),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE,
            proxy_headers=False,  # nothing is decided by who calls, so nobody is asked to say
            timeout_graceful_shutdown=GRACE_S,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn tells no other way
            await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await task
        if left := set(server.server_state.tasks):
            await asyncio.wait(left, timeout=TAKEN_BACK_S)


def _refusing(app: ASGIApp) -> ASGIApp:
    """``app``, but a request that stopping cuts short is refused; uvicorn would answer 500."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            await problem(Unavailable("STOPPING", "The server stops."))(scope, receive, send)

    return answer


def stop_asked() -> asyncio.Event:
    """An event that Ctrl-C and SIGTERM set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    return stop


async def until(stop: asyncio.Event, server: asyncio.Task[None]) -> None:
    """Wait until stopping is asked for, or the server ends by itself."""
    # What start-up made stays: frozen, it is not walked again whenever the collector looks for garbage.
    # Answers hold many objects and no cycles: by the default threshold they were walked several times each.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE, 20, 20)
    server.add_done_callback(lambda _: stop.set())
    await stop.wait()


def run(work: Coroutine[Any, Any, None]) -> None:
    """Run what waits, on the quickest loop there is."""
    try:
        loops: Any = importlib.import_module("uvloop")
    except ImportError:  # Windows has none
        loops = asyncio
    loops.run(work)
