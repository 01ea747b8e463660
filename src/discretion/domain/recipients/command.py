"""``discretion recipient``: the webhooks of clients that received data, and who has to be told by a human."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from discretion.background import RunCoroutine
from discretion.domain.recipients.acknowledgement import AcknowledgementRecorder
from discretion.domain.recipients.delivery import compute_expiry
from discretion.domain.recipients.recipient_notifier import RecipientNotifier
from discretion.domain.recipients.recipient_register import RecipientRegister
from discretion.errors import BadRequest, NotFound
from discretion.settings import Settings, read_settings
from discretion.store.deliveries import Delivery, DeliveryState, Webhook

LIST_LIMIT = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipientCommandContext:
    """The services that the commands use."""

    register: RecipientRegister
    notifier: RecipientNotifier
    acknowledgements: AcknowledgementRecorder
    now_ms: Callable[[], int]


OpenRecipients = Callable[[Settings], AbstractAsyncContextManager[RecipientCommandContext]]
DataDir = Annotated[
    Path | None, typer.Option("--data-dir", help="The folder of the MongoDB data and the keys.")
]
_STEWARD_NAME = re.compile(r"[\w.-]{1,100}", re.ASCII)


def build_commands(open_recipients: OpenRecipients, run: RunCoroutine) -> typer.Typer:
    """Return the commands.

    Args:
        open_recipients: Opens the services for some settings.
        run: Runs a coroutine to its end and prints errors.
    """
    recipient = typer.Typer(
        help="Recipients that are notified when data is erased, corrected or restricted.",
        no_args_is_help=True,
    )
    _add_registration_command(recipient, open_recipients, run)
    _add_register_commands(recipient, open_recipients, run)
    _add_delivery_commands(recipient, open_recipients, run)
    return recipient


def _add_registration_command(
    recipient: typer.Typer, open_recipients: OpenRecipients, run: RunCoroutine
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

        Notifications are POSTed there as signed tokens
        (application/rights-notice+jwt). They are verified with the keys at
        /.well-known/jwks.json. A reply of the class 2xx acknowledges a
        notification. 202 announces a later acknowledgement: the client POSTs
        {"delivery": "..."} with its own token to /v1/recipients/acknowledgements. A
        notification that is not acknowledged is sent again for 14 days and then
        left to a steward, like the notifications of clients without a webhook.

        The URL must use https and a public address; DISCRETION_OUTWARD_LOOPBACK=1
        allows http to this machine for evaluation. With the embedded MongoDB, stop
        the server first.
        """

        async def add_to_register() -> None:
            async with open_recipients(_load_settings(data_dir)) as context:
                webhook, reopened_count = await context.register.add(client, url, kind)
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
    recipient: typer.Typer, open_recipients: OpenRecipients, run: RunCoroutine
) -> None:
    @recipient.command("list")
    def list_recipients(data_dir: DataDir = None) -> None:
        """List the webhooks.

        A steward informs the clients that are not listed.
        """

        async def show_recipients() -> None:
            async with open_recipients(_load_settings(data_dir)) as context:
                Console().print(_render_webhooks(await context.register.list_all()))

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
            async with open_recipients(_load_settings(data_dir)) as context:
                await context.register.remove(client)

        run(remove_from_register())


def _add_delivery_commands(
    recipient: typer.Typer, open_recipients: OpenRecipients, run: RunCoroutine
) -> None:
    @recipient.command("deliveries")
    def list_deliveries(data_dir: DataDir = None) -> None:
        """List who has to be told by a human: the recipient has no webhook, or it does not answer.

        The day is the last: then the ids of the person are deleted, and nobody can
        be told any more. What nobody told in time is red and stays until it is
        acknowledged.

        No ids of people are shown. The GraphQL query
        { recipientDeliveries { nodes { recipient subjects attributes } } }
        shows the ids by which the recipient knows them; each such query is recorded
        as a disclosure.

        With the embedded MongoDB, stop the server first.
        """

        async def show_deliveries() -> None:
            async with open_recipients(_load_settings(data_dir)) as context:
                deliveries = await context.notifier.list_manual(LIST_LIMIT)
                Console().print(_render_deliveries(deliveries, context.now_ms()))

        run(show_deliveries())

    @recipient.command("acknowledge")
    def acknowledge_delivery(
        delivery: Annotated[
            str,
            typer.Argument(metavar="DELIVERY", help="The id, as 'discretion recipient deliveries' shows it."),
        ],
        by: Annotated[str, typer.Option(help="Who told the recipient, such as privacy-office.")],
        reason: Annotated[
            str, typer.Option(help="How it was told and where the proof is; no personal data.")
        ],
        at: Annotated[
            datetime | None,
            typer.Option(
                help="When it was told (UTC); default: now.", formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M"]
            ),
        ] = None,
        data_dir: DataDir = None,
    ) -> None:
        """Record that a recipient was told by other means, as the proof of it.

        The result of the request and the certificate of an erasure say so from then
        on.
        """

        async def acknowledge() -> None:
            async with open_recipients(_load_settings(data_dir)) as context:
                informed_at = None if at is None else int(at.replace(tzinfo=UTC).timestamp() * 1000)
                acknowledged = await context.acknowledgements.record_by_steward(
                    _parse_delivery(delivery), _format_steward(by), reason, informed_at
                )
                Console().print(_render_deliveries([acknowledged], context.now_ms()))

        run(acknowledge())


def _parse_delivery(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise NotFound(
            "DELIVERY_NOT_FOUND", "There is no such delivery.", "See 'discretion recipient deliveries'."
        ) from None


def _format_steward(name: str) -> str:
    if not _STEWARD_NAME.fullmatch(name):
        raise BadRequest(
            "DELIVERY_STEWARD",
            "This is not the name of an office or a role.",
            "Use letters, digits, . and -.",
        )
    return f"steward:{name}"


def _render_deliveries(deliveries: Sequence[Delivery], now: int) -> Table:
    table = Table("delivery", "tell", "of", "attributes", "people", "why", "until", "acknowledged")
    for delivery in deliveries:
        is_late = delivery.state is DeliveryState.EXPIRED or now >= compute_expiry(delivery)
        by = "" if delivery.acknowledged is None else f"{delivery.acknowledged_by}: {delivery.reason}"
        table.add_row(
            delivery.id.hex(),
            delivery.client,
            f"{delivery.right} {delivery.request.hex()}",
            ", ".join(delivery.attributes),
            str(len(delivery.subjects) + len(delivery.merged)),
            delivery.failure or ("lapsed" if is_late else "no webhook"),
            _format_day(compute_expiry(delivery)),
            by,
            style="red" if is_late and delivery.acknowledged is None else None,
        )
    return table


def _format_day(at: int) -> str:
    return datetime.fromtimestamp(at / 1000, UTC).date().isoformat()


def _render_webhooks(webhooks: list[Webhook]) -> Table:
    table = Table("client", "is", "told at", "since")
    for webhook in webhooks:
        table.add_row(
            webhook.client,
            webhook.recipient_key or "unknown to the catalogue",
            webhook.url,
            _format_day(webhook.added_at),
        )
    return table


def _load_settings(data_dir: Path | None) -> Settings:
    settings = read_settings(os.environ)
    return settings if data_dir is None else replace(settings, data_dir=data_dir)
