"""``discretion rights``: an operator's view of people's requests."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from discretion.domain.requests import terminal as show
from discretion.domain.requests.deadline_monitor import WEEK_MS
from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.model import Request, State, read
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.store.requests import Requests

LISTED = 100
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where MongoDB's data and the keys are kept.")
]
Id = Annotated[str, typer.Argument(metavar="REQUEST", help="As 'discretion rights list' shows it.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work with."""

    requests: Requests
    clock: Clock
    decide: Decide
    now_ms: Callable[[], int]


Opening = Callable[[Path | None], AbstractAsyncContextManager[Desk]]
Run = Callable[[Coroutine[Any, Any, None]], None]


def commands(opening: Opening, run: Run) -> typer.Typer:
    """The commands, at a desk that ``opening`` opens."""
    rights = typer.Typer(
        help="What people asked of their data: what is due when, what is stuck and why.",
        no_args_is_help=True,
    )
    _listing(rights, opening, run)
    _looking(rights, opening, run)
    return rights


def _listing(rights: typer.Typer, opening: Opening, run: Run) -> None:
    @rights.command("list")
    def rights_list(
        state: Annotated[State | None, typer.Option(help="Only those in this state; else open ones.")] = None,
        right: Annotated[Right | None, typer.Option(help="Only those for this right.")] = None,
        law: Annotated[str | None, typer.Option(help="Only those under this law, such as us-ca.")] = None,
        nearing: Annotated[
            bool, typer.Option("--nearing", help="Only those due within a week, or late.")
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """List requests, what is due first coming first; what is late is red.

        The last column says what a request waits for: the person, the office,
        or a step, with how often it failed and of what. A failed step is tried
        again by itself, later and later, up to every hour; 'retry' tries now.

        Nothing personal is shown: who asked is read in GraphQL, with
        { rightsRequests { nodes { id right customerId messages { text } } } },
        where every look is on record. With MongoDB of our own this runs while
        the server is stopped.
        """

        async def look() -> None:
            async with opening(data_dir) as desk:
                now = desk.now_ms()
                wanted: dict[str, Any] = {"ended": {"$exists": False}}
                if state is not None:
                    wanted = {"state": state.value}
                if right is not None:
                    wanted["right"] = right.value
                if law is not None:
                    wanted["laws"] = law
                if nearing:
                    wanted |= {"ended": {"$exists": False}, "due": {"$lte": now + WEEK_MS}}
                found = await desk.requests.find(wanted, [("due", 1), ("_id", 1)], LISTED)
                many = await desk.requests.count(wanted)
                Console().print(show.queue([read(one) for one in found], now, many))

        run(look())


def _looking(rights: typer.Typer, opening: Opening, run: Run) -> None:
    @rights.command("show")
    def rights_show(request: Id, data_dir: DataDir = None) -> None:
        """Show one request: who asked, its days, each step, and what happened when.

        A step that failed says how often and of what. Nothing personal is shown.
        """

        async def look() -> None:
            async with opening(data_dir) as desk:
                Console().print(show.whole(await _found(desk, request), desk.now_ms()))

        run(look())

    @rights.command("clock")
    def rights_clock(request: Id, data_dir: DataDir = None) -> None:
        """Show by when each step of a request is due, by the laws that protect whom it is about.

        The earliest day of any law counts, a pause or an extension only where
        every one of them allows it. 'discretion law due' counts without a request.
        """

        async def look() -> None:
            async with opening(data_dir) as desk:
                Console().print(show.days(desk.clock, await _found(desk, request)))

        run(look())

    @rights.command("retry")
    def rights_retry(request: Id, data_dir: DataDir = None) -> None:
        """Have a step that failed tried again now, rather than when its time comes.

        A server that runs takes it up within a second, or when one starts.
        """

        async def again() -> None:
            async with opening(data_dir) as desk:
                found = await _found(desk, request)
                await desk.decide.change(found.id, lambda document: _now(document, desk.now_ms()))
                typer.echo("It is tried again.")

        run(again())


async def _found(desk: Desk, text: str) -> Request:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    document = await desk.requests.get(key)
    if document is None:
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.", "See 'discretion rights list'.")
    return read(document)


def _now(document: Any, now: int) -> dict[str, Any]:
    if "next" not in document:
        raise Conflict(
            "REQUEST_NOT_STUCK",
            "No step of this request is to be carried out.",
            "See what it waits for with 'discretion rights show'.",
        )
    return {"next": now}
