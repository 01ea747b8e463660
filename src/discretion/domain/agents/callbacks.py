"""Telling organisations how their requests stand: at the URLs they gave, until each has said 200.

What has changed since a URL was last told is found by comparing what would be said now. A URL that does not
take it is tried again later and later, for three days; what has changed by then is said instead.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from discretion.background import beside
from discretion.domain.agents.agent import Agent, Kind
from discretion.domain.agents.agent_register import Register
from discretion.domain.agents.agent_request import Standing, read
from discretion.domain.agents.delegated_requests import KEPT_MS, Desk
from discretion.domain.kit.egress import Outward
from discretion.errors import DiscretionError

OK = 200
TOGETHER = 50
LOOK_MS = 20_000
"""How often it is looked whether there is something new."""

IDLE_MS = 3600 * 1000
"""How often where nobody is to be told."""

HELD_MS = 60_000
FIRST_MS, LONGEST_MS = 30_000, 3 * 3600 * 1000
MAX_TRIES = 30
"""Three days, by ``pause``."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Message:
    """What a URL is sent."""

    body: bytes
    headers: Mapping[str, str]


Say = Callable[[Standing, str], Message]
"""Puts how a mandate stands in the words of a protocol, for a URL. The same standing gives the same body."""


@dataclass(frozen=True, slots=True)
class Tell:
    """Tells. ``say`` has the words of each kind of organisation."""

    desk: Desk
    register: Register
    outward: Outward
    say: Mapping[Kind, Say]
    now_ms: Callable[[], int]

    async def once(self) -> int:
        """Tell everybody who is due something; how many mandates were looked at."""
        now = self.now_ms()
        found = await self.desk.mandates.due(now, TOGETHER)
        until = now + HELD_MS
        claimed = [one for one in found if await self.desk.mandates.claim(one["_id"], one["due"], until)]
        await asyncio.gather(*(self._mandate(one) for one in claimed))
        return len(claimed)

    async def _mandate(self, document: Mapping[str, Any]) -> None:
        mandate = read(document)
        agent = await self.register.named(mandate.agent, mandate.kind)
        standing = await self.desk.stands(mandate)
        if agent is None or standing is None:
            await self.desk.mandates.close(mandate.id, self.now_ms() + KEPT_MS)
            return
        callbacks = [await self._told(agent, standing, one) for one in document["callbacks"]]
        if standing.final and all(self._over(standing, one) for one in callbacks):
            await self.desk.mandates.close(mandate.id, self.now_ms() + KEPT_MS)
            return
        due = min((one["due"] for one in callbacks), default=self.now_ms() + IDLE_MS)
        await self.desk.mandates.told(mandate.id, callbacks, due)

    async def _told(self, agent: Agent, standing: Standing, callback: Mapping[str, Any]) -> dict[str, Any]:
        """What is kept of a URL after it was told what it does not know yet."""
        now = self.now_ms()
        message = self.say[agent.kind](standing, callback["url"])
        digest = hashlib.sha256(message.body).digest()
        if callback["told"] == digest:
            return {**callback, "due": now + LOOK_MS}
        if callback["due"] > now:
            return dict(callback)
        if await self._sent(agent, callback["url"], message):
            return {**callback, "told": digest, "tries": 0, "due": now + LOOK_MS}
        tries = callback["tries"] + 1
        return {**callback, "tries": tries, "due": now + pause(tries)}

    async def _sent(self, agent: Agent, url: str, message: Message) -> bool:
        try:
            status = await self.outward.post(url, message.body, message.headers, hosts=agent.hosts)
        except DiscretionError as error:
            _log.info("an agent was not told: %s", error.code)
            return False
        return status == OK

    def _over(self, standing: Standing, callback: Mapping[str, Any]) -> bool:
        body = self.say[standing.mandate.kind](standing, callback["url"]).body
        told: bool = callback["told"] == hashlib.sha256(body).digest()
        return told or callback["tries"] >= MAX_TRIES

    async def work(self) -> None:
        """Tell, again and again."""
        while True:
            try:
                if await self.once() == TOGETHER:
                    continue
            except DiscretionError as error:
                _log.error("agents could not be told: %s", error.code)
            await asyncio.sleep(LOOK_MS / 1000)


@asynccontextmanager
async def informing(tell: Tell) -> AsyncIterator[None]:
    """Have organisations told for as long as the block lasts."""
    async with beside(tell.work()):
        yield


def pause(tries: int) -> int:
    """How long to wait after so many failures, in ms."""
    return int(min(FIRST_MS * 2 ** min(tries - 1, 30), LONGEST_MS))
