"""Which addresses of a person are old enough to have a code sent to.

Keys that write are public, so anybody may add an address to a person they can name, or have a profile of
their own taken for theirs. An address therefore counts a day after it came to be known, or if the person came
to be known with it; and for a day after two profiles were found to be one, only what both of them name. Times
are those of our clock, never a sender's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.domain.identity.identity_events import MERGED
from discretion.store.driver.database import Database

MAIL = "email"
SETTLED_MS = 86_400_000
AT_FIRST_MS = 60_000
"""How long after a message was received what it names may come to be written down."""

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Addresses:
    """Reads them."""

    database: Database

    async def __call__(self, request: Document) -> dict[bytes, int]:
        """Addresses of whom a request is about that count for it, with the time each came to be known (ms).

        Of nobody there are none, and finding that out takes as long.
        """
        named = request.get("customer") or b""
        wanted = {"$or": [{"_id": named}, {"merged.id": named}]}
        found = await self.database.find_one("customers", wanted, {"created": 1})
        here: bytes = b"" if found is None else found["_id"]
        settled = request["received"] - SETTLED_MS
        records = await self.database.find("source_records", {"customer": here}, {"ids": 1})
        theirs = {one["_id"]: _named(one) for one in records}
        entries = sorted({entry for one in theirs.values() for entry in one})
        known = await self.database.find("identifiers", {"_id": {"$in": entries}, "customer": here}, {"t": 1})
        lately = {"customers": here, "kind": MERGED, "at": {"$gt": settled}}
        merges = await self.database.find("identity_events", lately, {"sides": 1})
        first = 0 if found is None else min(found["created"] + AT_FIRST_MS, request["received"])
        old = {one["_id"]: one["t"] for one in known if one["t"] <= max(settled, first)}
        return {entry: at for entry, at in old.items() if all(_shared(entry, one, theirs) for one in merges)}


def _named(record: Document) -> frozenset[bytes]:
    return frozenset(one["e"] for one in record["ids"] if one["k"] == MAIL)


def _shared(entry: bytes, merge: Document, theirs: Mapping[bytes, frozenset[bytes]]) -> bool:
    """Whether every side of a merge that names any address names this one."""
    sides: Sequence[Sequence[bytes]] = merge["sides"]
    named = [frozenset().union(*(theirs.get(one, frozenset()) for one in side)) for side in sides]
    return all(entry in one for one in named if one)
