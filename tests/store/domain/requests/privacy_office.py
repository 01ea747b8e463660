"""Requests filed and decided on a real MongoDB at a set time."""

from __future__ import annotations

from typing import Any

from discretion.domain.requests.deadlines import Clock as Dates
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.model import Asked, Asker, Assurance, Kind
from discretion.domain.requests.submission import File
from discretion.law.load import load
from discretion.store.driver.database import Database
from discretion.store.requests import Requests
from discretion.store.schema.apply import prepare
from tests.fixtures.clock import Clock
from tests.unit.law.small_law import CATALOGUE

BOOK = load(None, CATALOGUE)
STEWARD = "steward:privacy-office"


class Office:
    """Files for people of a law, and decides."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.clock = clock
        self.requests = Requests(database)
        dates = Dates(BOOK)
        self.file = File(database, self.requests, dates, {}, self._entropy, clock, self._kick)
        self.decide = Decide(self.requests, dates, self.file, clock, self._kick)
        self._many = 0

    @classmethod
    async def on(cls, database: Database, clock: Clock) -> Office:
        """An office on an empty database."""
        await prepare(database, [])
        return cls(database, clock)

    async def filed(self, law: str, asked: Asked, *, proven: bool = True) -> bytes:
        """The id of a request that was filed now."""
        assurance = Assurance.FRESH if proven else Assurance.SESSION
        asker = Asker(Kind.PERSON, "self:app", "app", f"s{self._many}", assurance)
        document = self.file.document(self._entropy(16), [law], asked, asker)
        await self.requests.add(document)
        request: bytes = document["_id"]
        return request

    async def kept(self, request: bytes) -> dict[str, Any]:
        """A request as it is kept."""
        found = await self.requests.get(request)
        assert found is not None
        return found

    def _entropy(self, size: int) -> bytes:
        self._many += 1
        return self._many.to_bytes(size)

    def _kick(self) -> None:
        return None
