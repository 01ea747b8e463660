"""The collections ``ingest_outcomes`` and ``ingest_watches``: what became of messages, and who looks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discretion.store.document import Document, MutableDocument, build_date
from discretion.store.driver.database import Database

OUTCOMES = "ingest_outcomes"
WATCHES = "ingest_watches"
EVERY_SOURCE = "*"
"""The watch of all sources."""


@dataclass(frozen=True, slots=True)
class ObservedOutcome:
    """What became of one message: no value, no id, and no name that the sender chose.

    Attributes:
        id: Orders the outcomes of all processes by time.
        at: When the message came (ms since 1970).
        type: Its type; empty if that is none of the tracking API.
        event: Its event, if the catalogue declares it or the name of an undeclared one may be shown.
        undeclared: Keyed digest of the name of an undeclared event, which names nothing; None for another
            event, and for a name that must never be shown.
        status: ``accepted``, ``duplicate`` or ``refused``.
        codes: Why it was refused, or what was left out of it.
        places: Where in the message.
        dropped: How many values the catalogue does not declare.
    """

    id: str
    at: int
    source: str
    type: str
    event: str
    status: str
    codes: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    dropped: int = 0
    undeclared: bytes | None = None


class IngestOutcomeStore:
    """Outcomes and watches of all processes."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def watch(self, source: str, until: int) -> None:
        """Let every process write the outcomes of a source until a time (ms)."""
        change = {"$max": {"until": build_date(until)}}
        await self._database.update_one(WATCHES, {"_id": source}, change, upsert=True)

    async def list_watched(self, now: int) -> frozenset[str]:
        """Return the sources that somebody watches now."""
        watches = await self._database.find(WATCHES, {"until": {"$gt": build_date(now)}}, {"_id": 1})
        return frozenset(watch["_id"] for watch in watches)

    async def add(self, outcomes: Sequence[ObservedOutcome], expires: int) -> None:
        """Add outcomes; MongoDB deletes them when they expire (ms)."""
        documents = [build_outcome_document(outcome, expires) for outcome in outcomes]
        await self._database.insert_many(OUTCOMES, documents)

    async def list_between(
        self, source: str | None, after: str, before: str, limit: int
    ) -> list[ObservedOutcome]:
        """List the outcomes with ids between two, of one source if one is named, by id."""
        query: MutableDocument = {"_id": {"$gt": after, "$lt": before}}
        if source is not None:
            query["source"] = source
        documents = await self._database.find(OUTCOMES, query, sort=[("_id", 1)], limit=limit)
        return [parse_outcome(document) for document in documents]


def parse_outcome(document: Document) -> ObservedOutcome:
    """Parse a stored outcome."""
    return ObservedOutcome(
        id=document["_id"],
        at=document["at"],
        source=document["source"],
        type=document["type"],
        event=document["event"],
        status=document["status"],
        codes=tuple(document["codes"]),
        places=tuple(document["places"]),
        dropped=document["dropped"],
        undeclared=document.get("undeclared"),
    )


def build_outcome_document(outcome: ObservedOutcome, expires: int) -> MutableDocument:
    """Build the stored document of an outcome."""
    return {
        "_id": outcome.id,
        "at": outcome.at,
        "source": outcome.source,
        "type": outcome.type,
        "event": outcome.event,
        "status": outcome.status,
        "codes": list(outcome.codes),
        "places": list(outcome.places),
        "dropped": outcome.dropped,
        "expires": build_date(expires),
        **({} if outcome.undeclared is None else {"undeclared": outcome.undeclared}),
    }
