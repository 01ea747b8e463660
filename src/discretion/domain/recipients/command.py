"""``discretion recipient``: the webhooks of clients that received personal data."""

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

from discretion.domain.recipients.recipient_register import RecipientRegister, Webhook
from discretion.settings import Settings, read_settings

OpenRecipientRegister = Callable[[Settings], AbstractAsyncContextManager[RecipientRegister]]
RunCoroutine = Callable[[Coroutine[Any, Any, None]], None]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The folder of the MongoDB data and the keys.")
]


def build_commands(open_register: OpenRecipientRegister, run: RunCoroutine) -> typer.Typer:
    """Return the commands.

    Args:
        open_register: Opens the register for some settings.
        run: Runs a coroutine to its end and prints errors.
    """
    recipient = typer.Typer(
        help="Recipients that are notified when data is erased, corrected or restricted.",
        no_args_is_help=True,
    )
    _add_registration_command(recipient, open_register, run)
    _add_register_commands(recipient, open_register, run)
    return recipient


def _add_registration_command(
    recipient: typer.Typer, open_register: OpenRecipientRegister, run: RunCoroutine
) -> None:
    @recipient.command("add")
    def add_recipient(
        client: Annotated[str, typer.Argument(help="The client_id of its tokens, such as ad-partner.")],
        url: Annotated[
            str, typer.Option(help="The URL of its webhook, such as https://partner.example/privacy.")
        ],
        kind: Annotated[
            str | None,
            typer.Option(
                help="Its key in schema/catalogue/recipients.yaml; default: the entry that names the client."
            ),
        ] = None,
        data_dir: DataDir = None,
    ) -> None:
        """Register the webhook of a client, or replace it.

        Notifications are POSTed there as signed tokens (application/rights-notice+jwt). They are verified
        with the keys at /.well-known/jwks.json. A reply of the class 2xx acknowledges a notification. 202
        announces a later acknowledgement: the client POSTs {"delivery": "..."} with its own token to
        /v1/recipients/acknowledgements. A notification that is not acknowledged is sent again for 14 days
        and then left to a steward, like the notifications of clients without a webhook.

        The URL must use https and a public address; DISCRETION_OUTWARD_LOOPBACK=1 allows http to this
        machine for evaluation. With the embedded MongoDB, stop the server first.
        """

        async def add_to_register() -> None:
            async with open_register(_load_settings(data_dir)) as register:
                webhook, reopened_count = await register.add(client, url, kind)
                Console().print(_render_webhooks([webhook]))
                if webhook.recipient_key is None:
                    Console().print(
                        "The privacy notice names no such recipient. If it does, give its key with --kind."
                    )
                if reopened_count:
                    Console().print(
                        f"{reopened_count} notices that were left to a steward are sent there now."
                    )

        run(add_to_register())


def _add_register_commands(
    recipient: typer.Typer, open_register: OpenRecipientRegister, run: RunCoroutine
) -> None:
    @recipient.command("list")
    def list_recipients(data_dir: DataDir = None) -> None:
        """List the webhooks.

        A steward informs the clients that are not listed.
        """

        async def show_recipients() -> None:
            async with open_register(_load_settings(data_dir)) as register:
                Console().print(_render_webhooks(await register.list_all()))

        run(show_recipients())

    @recipient.command("remove")
    def remove_recipient(
        client: Annotated[
            str, typer.Argument(help="The client_id, as 'discretion recipient list' shows it.")
        ],
        data_dir: DataDir = None,
    ) -> None:
        """Remove the webhook of a client.

        Notifications that it has not acknowledged are left to a steward.
        """

        async def remove_from_register() -> None:
            async with open_register(_load_settings(data_dir)) as register:
                await register.remove(client)

        run(remove_from_register())


def _render_webhooks(webhooks: list[Webhook]) -> Table:
    table = Table("client", "is", "told at", "since")
    for webhook in webhooks:
        added_on = datetime.fromtimestamp(webhook.added_at / 1000, UTC).date().isoformat()
        table.add_row(
            webhook.client, webhook.recipient_key or "unknown to the catalogue", webhook.url, added_on
        )
    return table


def _load_settings(data_dir: Path | None) -> Settings:
    settings = read_settings(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)
