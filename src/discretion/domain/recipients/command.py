"""``discretion recipient``: where clients are told what became of data they were given."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from discretion.domain.recipients.recipient_register import Register, Webhook
from discretion.settings import Settings, read

Opened = Callable[[Settings], AbstractAsyncContextManager[Register]]
Run = Callable[[Coroutine[Any, Any, None]], None]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="Where MongoDB's data and the keys are kept.")
]


def commands(opened: Opened, run: Run) -> typer.Typer:
    """The commands; ``opened`` has the register while it lasts, ``run`` runs what waits."""
    recipient = typer.Typer(
        help="Who is told when data they were given are erased, corrected or restricted.",
        no_args_is_help=True,
    )

    @recipient.command("add")
    def add(
        client: Annotated[str, typer.Argument(help="The client_id of its tokens, such as ad-partner.")],
        url: Annotated[str, typer.Option(help="Where it is told, such as https://partner.example/privacy.")],
        kind: Annotated[
            str | None,
            typer.Option(help="What it is in schema/catalogue/recipients.yaml; else as it is named there."),
        ] = None,
        data_dir: DataDir = None,
    ) -> None:
        """Register where a client is told; it takes the place of what it had.

        Notices are POSTed there as signed tokens (application/rights-notice+jwt), verified with the keys at
        /.well-known/jwks.json. Any 2xx acknowledges one; 202 says 'later', and then the client
        POSTs {"delivery": "..."} with a token of its own to /v1/recipients/acknowledgements. What is not
        acknowledged is sent again for 14 days, and then left to a steward, like the notices of
        clients that are not registered.

        Only https to a public address; DISCRETION_OUTWARD_LOOPBACK=1 allows http to this machine, for trying
        it out. With MongoDB of our own it runs while the server is stopped.
        """

        async def work() -> None:
            async with opened(_settings(data_dir)) as register:
                made, sent = await register.add(client, url, kind)
                Console().print(_table([made]))
                if made.kind is None:
                    Console().print("The privacy notice names no such recipient; give its --kind if it does.")
                if sent:
                    Console().print(f"{sent} notices that were left to a human are sent there now.")

        run(work())

    @recipient.command("list")
    def show(data_dir: DataDir = None) -> None:
        """List who is told where. A client that is not listed is told by hand."""

        async def work() -> None:
            async with opened(_settings(data_dir)) as register:
                Console().print(_table(await register.all()))

        run(work())

    @recipient.command("remove")
    def remove(
        client: Annotated[str, typer.Argument(help="As in the list.")], data_dir: DataDir = None
    ) -> None:
        """Forget where a client is told. What it was not told yet is left to a steward."""

        async def work() -> None:
            async with opened(_settings(data_dir)) as register:
                await register.remove(client)

        run(work())

    return recipient


def _table(webhooks: list[Webhook]) -> Table:
    table = Table("client", "is", "told at", "since")
    for one in webhooks:
        since = datetime.fromtimestamp(one.added / 1000, UTC).date().isoformat()
        table.add_row(one.client, one.kind or "unknown to the catalogue", one.url, since)
    return table


def _settings(data_dir: Path | None) -> Settings:
    settings = read(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)
