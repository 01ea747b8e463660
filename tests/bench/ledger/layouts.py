"""The ledger's layout, and the one it is compared with: canonical bytes with an index over all people."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from discretion.catalogue.load import load_catalogue
from discretion.ledger.append import LedgerBackend
from discretion.ledger.entry import LedgerEntry, parse_entry
from discretion.ledger.storage import LedgerStorage
from discretion.store.driver.database import Database

INDEXED = "bench_disclosures"
PURPOSES = ("essential.service.operations.support", "essential.service.notifications")


class IndexedLedger:
    """Canonical bytes beside a list of all people, which an index covers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def prepare(self) -> None:
        """Create the collection with its validator and its index."""
        members = {
            "_id": {"bsonType": "string"},
            "at": {"bsonType": ["int", "long"]},
            "client": {"bsonType": "string"},
            "subjects": {"bsonType": "array", "items": {"bsonType": "binData"}},
            "entry": {"bsonType": "binData"},
        }
        schema = {
            "bsonType": "object",
            "required": list(members),
            "additionalProperties": False,
            "properties": members,
        }
        await self._database.command({"create": INDEXED, "validator": {"$jsonSchema": schema}})
        index = {"name": "people", "key": {"subjects": 1, "at": -1, "_id": -1}}
        await self._database.command({"createIndexes": INDEXED, "indexes": [index]})

    async def insert(self, entries: Sequence[LedgerEntry]) -> None:
        """Store entries durably."""
        documents = [
            {
                "_id": entry.receipt,
                "at": entry.at,
                "client": entry.client,
                "subjects": sorted(entry.subjects),
                "entry": entry.canonical_bytes(),
            }
            for entry in entries
        ]
        await self._database.insert_many(INDEXED, documents, ordered=False)

    async def list_by_subject(self, subject: bytes, limit: int) -> list[LedgerEntry]:
        """List the newest entries about a person."""
        documents = await self._database.find(
            INDEXED, {"subjects": subject}, {"entry": 1}, sort=[("at", -1), ("_id", -1)], limit=limit
        )
        return [parse_entry(document["entry"]) for document in documents]


async def open_layouts(database: Database) -> Mapping[str, tuple[str, LedgerBackend]]:
    """Return the collection and the storage of each layout by its name."""
    indexed = IndexedLedger(database)
    await indexed.prepare()
    packed = LedgerStorage(database, load_catalogue().register, os.urandom)
    return {"indexed": (INDEXED, indexed), "packed": ("disclosures", packed)}


class EntryGenerator:
    """Builds disclosures of 13 attributes about people out of 100,000, whom most permit all of it."""

    def __init__(self, people: int = 100_000, attributes: int = 13) -> None:
        self._people = [os.urandom(16) for _ in range(people)]
        paths = sorted(load_catalogue().attributes)[:attributes]
        self._attributes = tuple((path, "clear") for path in paths)
        self._all_bits = (1 << attributes) - 1
        self._turn = 0

    def build_entry(self, people: int) -> LedgerEntry:
        """Return a disclosure about the next people."""
        first, self._turn = self._turn, (self._turn + people * 7919) % len(self._people)
        chosen = (self._people[(first + step * 7919) % len(self._people)] for step in range(people))
        at = time.time_ns() // 1_000_000
        return LedgerEntry(
            receipt=f"{at:012x}{os.urandom(10).hex()}",
            at=at,
            client="support-desk",
            actor="agent-7",
            operation="Customers",
            purposes=PURPOSES,
            attributes=self._attributes,
            extra=(),
            subjects={
                person: self._all_bits >> (3 if index % 4 == 0 else 0) for index, person in enumerate(chosen)
            },
        )
