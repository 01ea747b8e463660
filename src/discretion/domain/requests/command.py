"""``discretion rights``: the operator's view of rights requests."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from discretion.background import RunCoroutine
from discretion.domain.requests import terminal
from discretion.domain.requests.deadline_monitor import WEEK_MS
from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.decisions import RequestDecisions
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.store.request_state import RequestState
from discretion.store.requests import RequestCriteria, RequestStore
from discretion.store.subject_request import SubjectRequest

LIST_LIMIT = 100
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The folder of the MongoDB data and the keys.")
]
RequestArgument = Annotated[
    str, typer.Argument(metavar="REQUEST", help="The id, as 'discretion rights list' shows it.")
]


@dataclass(frozen=True, slots=True)
class RequestCommandContext:
    """The services that the commands use."""

    requests: RequestStore
    deadline_clock: DeadlineClock
    decisions: RequestDecisions
    now_ms: Callable[[], int]


OpenContext = Callable[[Path | None], AbstractAsyncContextManager[RequestCommandContext]]


def build_commands(open_context: OpenContext, run: RunCoroutine) -> typer.Typer:
    """Return the commands ``list``, ``show``, ``clock`` (deadlines) and ``retry``.

    Args:
        open_context: Opens the services for a data folder, or for the configured one if it is None.
        run: Runs a coroutine to its end and prints errors.
    """
    rights = typer.Typer(
        help="Rights requests: when each is due, which are stuck and why.",
        no_args_is_help=True,
    )
    _add_list_command(rights, open_context, run)
    _add_request_commands(rights, open_context, run)
    return rights


def _add_list_command(rights: typer.Typer, open_context: OpenContext, run: RunCoroutine) -> None:
    @rights.command("list")
    def rights_list(
        state: Annotated[
            RequestState | None, typer.Option(help="Only requests in this state; default: open requests.")
        ] = None,
        right: Annotated[Right | None, typer.Option(help="Only requests for this right.")] = None,
        law: Annotated[str | None, typer.Option(help="Only requests under this law, such as us-ca.")] = None,
        nearing: Annotated[
            bool, typer.Option("--nearing", help="Only requests that are due within a week, or late.")
        ] = False,
        data_dir: DataDir = None,
    ) -> None:
        """List requests by due date. Late requests are red.

        The last column says what a request waits for: the person, the office,
        or a step. For a step it shows the number of failures and the last
        cause. A failed step is retried automatically, with growing delays of
        up to one hour; 'retry' retries it now.

        No personal data is shown. Use the GraphQL query
        { rightsRequests { nodes { id right customerId messages { text } } } }
        to see who asked; each such query is recorded as a disclosure.

        With the embedded MongoDB, stop the server first.
        """

        async def show_list() -> None:
            async with open_context(data_dir) as context:
                now = context.now_ms()
                criteria = RequestCriteria(
                    states=() if state is None else (state.value,),
                    right=None if right is None else right.value,
                    law=law,
                    due_before=now + WEEK_MS if nearing else None,
                    is_open=nearing or state is None,
                )
                requests = await context.requests.list_by_due(criteria, None, LIST_LIMIT)
                total = await context.requests.count(criteria)
                Console().print(terminal.render_queue(requests, now, total))

        run(show_list())


def _add_request_commands(rights: typer.Typer, open_context: OpenContext, run: RunCoroutine) -> None:
    @rights.command("show")
    def rights_show(request: RequestArgument, data_dir: DataDir = None) -> None:
        """Show one request: its requester, deadlines, steps and history.

        A failed step shows the number of failures and the last cause. No
        personal data is shown.
        """

        async def show_request() -> None:
            async with open_context(data_dir) as context:
                Console().print(
                    terminal.render_request(await _find_request(context, request), context.now_ms())
                )

        run(show_request())

    @rights.command("clock")
    def rights_clock(request: RequestArgument, data_dir: DataDir = None) -> None:
        """Show the deadlines of a request under the laws that protect the customer.

        The earliest date of all laws counts. A pause or an extension counts
        only if every law allows it. 'discretion law due' computes deadlines
        without a request.
        """

        async def show_deadlines() -> None:
            async with open_context(data_dir) as context:
                Console().print(
                    terminal.render_deadlines(context.deadline_clock, await _find_request(context, request))
                )

        run(show_deadlines())

    @rights.command("retry")
    def rights_retry(request: RequestArgument, data_dir: DataDir = None) -> None:
        """Retry a failed step now instead of at its scheduled time.

        A running server picks it up within a second; otherwise the next
        server that starts does.
        """

        async def retry_step() -> None:
            async with open_context(data_dir) as context:
                stuck_request = await _find_request(context, request)
                await context.decisions.apply_change(
                    stuck_request.id, lambda current: _schedule_retry(current, context.now_ms())
                )
                typer.echo("The failed step is tried again now.")

        run(retry_step())


async def _find_request(context: RequestCommandContext, text: str) -> SubjectRequest:
    try:
        key = bytes.fromhex(text)
    except ValueError:
        key = b""
    request = await context.requests.find(key)
    if request is None:
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.", "See 'discretion rights list'.")
    return request


def _schedule_retry(request: SubjectRequest, now: int) -> SubjectRequest:
    """Return a request whose next step is due now.

    Raises:
        Conflict: ``REQUEST_NOT_STUCK``; no step is scheduled.
    """
    if request.next_run is None:
        raise Conflict(
            "REQUEST_NOT_STUCK",
            "No step of this request is scheduled.",
            "See what the request waits for with 'discretion rights show'.",
        )
    # The lease is left as it is, so a step that is running is neither stopped nor started twice.
    return replace(request, next_run=now)
