"""The register of webhooks of clients that received personal data."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from discretion.catalogue.model import Catalogue
from discretion.catalogue.nearest_name import suggest_name
from discretion.domain.kit.egress import EgressClient
from discretion.domain.recipients.delivery import MANUAL_STATES
from discretion.domain.recipients.disclosed_attributes import find_catalogue_recipient
from discretion.errors import BadRequest, NotFound
from discretion.store.deliveries import DeliveryState, DeliveryStore, Webhook

_CLIENT_PATTERN = re.compile(r"[\w.@:/-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RecipientRegister:
    """The webhooks; each client has at most one."""

    catalogue: Catalogue
    deliveries: DeliveryStore
    egress: EgressClient
    now_ms: Callable[[], int]

    async def add(self, client: str, url: str, kind: str | None = None) -> tuple[Webhook, int]:
        """Register the webhook of a client, or replace it.

        Returns:
            The webhook, and the number of deliveries that were left to a steward and are sent there now.

        Raises:
            BadRequest: ``RECIPIENT_CLIENT``, ``RECIPIENT_KIND``, ``OUTWARD_URL``.
        """
        if not _CLIENT_PATTERN.fullmatch(client):
            raise BadRequest(
                "RECIPIENT_CLIENT", "This is not a client id.", "Give the client_id of its tokens."
            )
        if kind is not None and kind not in self.catalogue.recipients:
            advice = suggest_name(kind, self.catalogue.recipients)
            raise BadRequest("RECIPIENT_KIND", f"The catalogue has no recipient {kind!r}.", advice)
        # Only the form of the URL: the addresses of the host are checked for each delivery.
        self.egress.check_target(url)
        now = self.now_ms()
        recipient = find_catalogue_recipient(self.catalogue, client, kind)
        webhook = Webhook(client, None if recipient is None else recipient.key, url, now)
        await self.deliveries.save_webhook(webhook)
        # Reopened after the webhook is stored: without one, the worker leaves the
        # deliveries to a steward again.
        return webhook, await self._reopen(client, now)

    async def list_all(self) -> list[Webhook]:
        """Return every webhook, sorted by client."""
        return await self.deliveries.list_webhooks()

    async def remove(self, client: str) -> None:
        """Remove the webhook of a client. A steward has to inform it about deliveries that are still open.

        Raises:
            NotFound: ``RECIPIENT_UNKNOWN``.
        """
        if not await self.deliveries.delete_webhook(client):
            raise NotFound(
                "RECIPIENT_UNKNOWN",
                f"{client} has no webhook.",
                "See who has one with: discretion recipient list",
            )

    async def _reopen(self, client: str, now: int) -> int:
        """Schedule the deliveries of a client that were left to a steward, and return their number."""
        reopened_count = 0
        for delivery in await self.deliveries.list_by_client(client, MANUAL_STATES):
            reopened = replace(delivery, state=DeliveryState.OPEN, attempts=0, next_attempt=now, failure=None)
            reopened_count += await self.deliveries.overrule(delivery, reopened)
        return reopened_count
