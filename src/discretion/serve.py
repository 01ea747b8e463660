"""Serving: a uvicorn server on a socket that this process opens, its stop signals, and its event loop."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib
import signal
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

from discretion.background import Work
from discretion.edge.error_response import build_error_response
from discretion.edge.graphql.websocket import MAX_MESSAGE
from discretion.errors import Misconfigured, Unavailable

SHUTDOWN_GRACE_S = 10
"""How long running requests may take to end after a stop signal."""

KEEP_ALIVE_S = 65
"""How long a connection without requests stays open.

Longer than clients and proxies keep one (60 s for common load balancers, 5 s for httpx): whoever closes first
loses no request, and a client may not repeat a POST whose connection the server closed (RFC 9110, 9.2.2).
"""

CANCEL_GRACE_S = 5
"""How long requests that were cancelled after that may take to roll back and to be refused."""

GC_THRESHOLD = 50_000
"""New objects after which the garbage collector looks for cycles: about 25 pages of 100 customers."""


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to this module: uvicorn would raise them again, before the embedded MongoDB stops."""
        yield


def open_listening_socket(host: str, port: int) -> socket.socket:
    """Return a bound socket; port 0 picks a free port.

    Raises:
        Misconfigured: ``HOST_UNKNOWN``, ``PORT_TAKEN``.
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
async def serve_app(app: ASGIApp, listening: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    """Serve ``app`` for as long as the context lasts.

    The task that the context gives ends when the server ends by itself, with its error.
    """
    server = _Server(
        uvicorn.Config(
            _refuse_when_stopping(app),
            log_level="warning",
            access_log=False,
            lifespan="off",
            ws="websockets-sansio",
            ws_max_size=MAX_MESSAGE,
            proxy_headers=False,  # no decision depends on the caller's address, so no proxy has to be trusted
            timeout_keep_alive=KEEP_ALIVE_S,
            timeout_graceful_shutdown=SHUTDOWN_GRACE_S,
        )
    )
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        yield task
    finally:
        server.should_exit = True
        await task
        if unfinished := set(server.server_state.tasks):
            await asyncio.wait(unfinished, timeout=CANCEL_GRACE_S)


def _refuse_when_stopping(app: ASGIApp) -> ASGIApp:
    """Wrap ``app``: a request that is cancelled by stopping gets 503; uvicorn would answer 500."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
            await build_error_response(Unavailable("STOPPING", "The server stops."))(scope, receive, send)

    return serve


def install_stop_signals() -> asyncio.Event:
    """Return an event that Ctrl-C (SIGINT) and SIGTERM set."""
    stop_event = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # on Windows
            loop.add_signal_handler(signal_number, stop_event.set)
    return stop_event


async def wait_until_stopped(stop_event: asyncio.Event, server: asyncio.Task[None]) -> None:
    """Wait until ``stop_event`` is set or the server ends by itself."""
    # The objects of start-up live as long as the process: frozen, the garbage collector skips them. Responses
    # hold many objects and no cycles: with the default threshold each was walked several times.
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_THRESHOLD, 20, 20)
    server.add_done_callback(lambda _: stop_event.set())
    await stop_event.wait()


def run_on_fast_loop(main: Work) -> None:
    """Run a coroutine on uvloop where it is installed, else on the loop of asyncio."""
    try:
        loops: Any = importlib.import_module("uvloop")
    except ImportError:  # Windows has none
        loops = asyncio
    loops.run(main)
