"""Where a client wants to be told what became of data that it was given."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.catalogue.nearest_name import nearest
from discretion.domain.kit.egress import Outward
from discretion.domain.recipients.delivery import HUMAN, State
from discretion.domain.recipients.disclosed_attributes import known_as
from discretion.errors import BadRequest, NotFound
from discretion.store.deliveries import Deliveries

_CLIENT = re.compile(r"[\w.@:/-]{1,200}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Webhook:
    """A client, what the catalogue knows it as, where it is told, since when (ms)."""

    client: str
    kind: str | None
    url: str
    added: int


@dataclass(frozen=True, slots=True)
class Register:
    """Adds, lists and removes webhooks."""

    catalogue: Catalogue
    deliveries: Deliveries
    outward: Outward
    now_ms: Callable[[], int]

    async def add(self, client: str, url: str, kind: str | None = None) -> tuple[Webhook, int]:
        """Register a webhook in the place of the one the client had.

        Returns:
            It, and how many notices that were left to a human are sent there now.

        Raises:
            BadRequest: ``RECIPIENT_CLIENT``, ``RECIPIENT_KIND``, or ``OUTWARD_URL``.
        """
        if not _CLIENT.fullmatch(client):
            raise BadRequest(
                "RECIPIENT_CLIENT", "That is no client's id.", "Give the client_id of its tokens."
            )
        if kind is not None and kind not in self.catalogue.recipients:
            advice = nearest(kind, self.catalogue.recipients)
            raise BadRequest("RECIPIENT_KIND", f"The catalogue has no recipient {kind!r}.", advice)
        self.outward.target(url)
        now = self.now_ms()
        found = known_as(self.catalogue, client, kind)
        told = {} if found is None else {"kind": found.key}
        await self.deliveries.register(client, {"url": url, "added": now, **told})
        return Webhook(client, told.get("kind"), url, now), await self._reopen(client, now)

    async def all(self) -> list[Webhook]:
        """Every webhook, by client."""
        return [
            Webhook(one["_id"], one.get("kind"), one["url"], one["added"])
            for one in await self.deliveries.webhooks()
        ]

    async def remove(self, client: str) -> None:
        """Forget a webhook; what it was not told is a steward's to tell.

        Raises:
            NotFound: ``RECIPIENT_UNKNOWN``.
        """
        if not await self.deliveries.unregister(client):
            raise NotFound(
                "RECIPIENT_UNKNOWN",
                f"{client} has no webhook.",
                "See who has one with: discretion recipient list",
            )

    async def _reopen(self, client: str, now: int) -> int:
        """Whoever could not be told before is told now."""
        change = {"state": State.OPEN.value, "attempts": 0, "next": now, "why": None}
        count = 0
        for one in await self.deliveries.of_client(client, HUMAN):
            count += await self.deliveries.turn(one["_id"], HUMAN, change)
        return count
