"""Sends notices until they are acknowledged: at least once, later and later, at last to a human.

A reply of the 2xx class acknowledges a notice. 202 says that they have it and have not acted yet: they say so
at ``ACKNOWLEDGE``, and are reminded until then. Whatever else comes back, or nothing, is a failure.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from discretion.background import beside
from discretion.domain.kit.egress import Outward
from discretion.domain.recipients.delivery import (
    DAY_MS,
    HUMAN,
    KEPT_MS,
    TRIED,
    TRIED_MS,
    Delivery,
    State,
    read,
    told,
    wait,
)
from discretion.domain.recipients.notification import HEADER, MEDIA_TYPE, Notices
from discretion.errors import DiscretionError
from discretion.store.deliveries import Deliveries

HELD_MS = 60_000
"""How long a delivery is one process's: longer than an exchange may take."""

TOGETHER = 20
LOOK_S = 2.0
WEBHOOK = "webhook"
"""Who acknowledged, where a recipient did so in its reply."""

_OK, _ACCEPTED, _MORE = 200, 202, 300
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Deliver:
    """See the module."""

    deliveries: Deliveries
    notices: Notices
    outward: Outward
    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)

    async def once(self) -> int:
        """Try everything that is due, at most ``TOGETHER``; how many that were."""
        now = self.now_ms()
        found = [read(one) for one in await self.deliveries.due(now, TOGETHER)]
        await asyncio.gather(*(self._try(one) for one in found))
        for old in await self.deliveries.before(HUMAN, now - KEPT_MS, TOGETHER):
            lapsed = {"state": State.LAPSED.value, "subjects": None}
            await self.deliveries.turn(old["_id"], HUMAN, lapsed)
        return len(found)

    async def _try(self, one: Delivery) -> None:
        if not await self.deliveries.take(one.id, one.attempts, self.now_ms() + HELD_MS):
            return
        webhooks = await self.deliveries.webhooks([one.client])
        if not webhooks:
            by_hand = {"state": State.BY_HAND.value, "next": None}
            await self.deliveries.turn(one.id, TRIED, by_hand, one.attempts + 1)
            return
        status, why = await self._send(one, webhooks[0]["url"])
        change = self._change(one, status, why)
        await self.deliveries.turn(one.id, TRIED, change, one.attempts + 1)

    async def _send(self, one: Delivery, url: str) -> tuple[int, str]:
        """The status of the reply, or 0 and what was in its way."""
        sent = self.notices.sign(one, self.now_ms()).encode()
        try:
            return await self.outward.post(url, sent, {"content-type": MEDIA_TYPE, HEADER: one.id.hex()}), ""
        except DiscretionError as error:
            return 0, error.code

    def _change(self, one: Delivery, status: int, why: str) -> dict[str, Any]:
        now = self.now_ms()
        if _OK <= status < _MORE and status != _ACCEPTED:
            return told(now, WEBHOOK)
        late = now - one.created >= TRIED_MS
        if status == _ACCEPTED:
            why = "NOT_ACKNOWLEDGED"
        elif not why:
            why = f"HTTP_{status}"
        if late:
            return {"state": State.STUCK.value, "next": None, "why": why}
        if status == _ACCEPTED:
            return {"state": State.RECEIVED.value, "next": now + DAY_MS, "why": why}
        pause = wait(one.attempts + 1, self.entropy(4))
        return {"next": min(now + pause, one.created + TRIED_MS), "why": why}

    async def work(self) -> None:
        """Try what is due, again and again."""
        while True:
            try:
                if await self.once() == TOGETHER:
                    continue
            except DiscretionError as error:
                _log.error("notices could not be sent: %s", error.code)
            await asyncio.sleep(LOOK_S)


@asynccontextmanager
async def delivering(deliver: Deliver) -> AsyncIterator[None]:
    """Have notices sent for as long as the block lasts; what is cut off then is sent again."""
    async with beside(deliver.work()):
        yield
