"""What a person says themselves, told to all their records at once, and in force when this returns.

Told to each record, a word stays with it whatever becomes of the person: joined with others it is one
word of several, of which the most restrictive counts, and parted again it is still theirs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import CORRECTIONS
from discretion.domain.identity.evidence_reader import Gathering
from discretion.domain.identity.resolution import settlement
from discretion.domain.identity.unit_of_work import Word, Workshop
from discretion.domain.ingest.message import Fact, Said
from discretion.domain.ingest.message_index import Marks
from discretion.domain.profiles.person_state import state_of
from discretion.errors import NotFound
from discretion.purpose.permissions import PersonState
from discretion.store.driver.database import Database, Operation, Session

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Utterance:
    """Words about purposes, and signals (such as ``gpc``), said under a name of its own."""

    message: str
    words: Mapping[str, Said] = field(default_factory=dict)
    signals: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Before:
    """What stood when something was said: the customer, ids of their records, and their state.

    ``at`` is the moment (ms) from which the word is in force.
    """

    customer: bytes
    records: tuple[bytes, ...]
    state: PersonState
    at: int


Also = Callable[[Before], Sequence[tuple[str, Operation]]]
"""Writes that belong to the same change, each with its collection. It may be asked more than once."""


@dataclass(frozen=True, slots=True)
class Speak:
    """Tells a customer's records what they say."""

    database: Database
    workshop: Callable[[], Workshop]

    async def say(self, customer: bytes, said: Utterance, also: Also = lambda _: ()) -> Before:
        """Put words in force; the next read in any process obeys them.

        Args:
            customer: Their id, or an older one of theirs.
            said: What they say.
            also: What is written with it.

        Returns:
            What stood before.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """

        async def work(session: Session) -> Before:
            return await self._together(session, customer, said, also)

        return await self.database.transaction(work)

    async def _together(self, session: Session, customer: bytes, said: Utterance, also: Also) -> Before:
        shop = self.workshop()
        here = await self._now(session, customer)
        gathering = Gathering(self.database, session, shop.catalogue.identifiers)
        await gathering.customers([here])
        known = gathering.known
        records = sorted(known.of_customer(here))
        state = state_of(shop.catalogue, shop.jurisdiction, [known.records[one] for one in records])
        before = Before(here, tuple(records), state, shop.now)
        words = [_word(record, said, shop.now) for record in records]
        await settlement(
            self.database, session, shop, known, CORRECTIONS.key, words=words, also=list(also(before))
        )
        return before

    async def _now(self, session: Session, customer: bytes) -> bytes:
        """The customer behind an id, which may be an older one."""
        wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
        found = await self.database.find_one("customers", wanted, {"_id": 1}, session=session)
        if found is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        here: bytes = found["_id"]
        return here


def _word(record: bytes, said: Utterance, now: int) -> Word:
    fact = Fact(CORRECTIONS, said.message, now, now, (), words=said.words, signals=said.signals)
    mark = hashlib.sha256(record + said.message.encode()).digest()[:16]
    return Word(fact, Marks(record, (), mark, {}))
