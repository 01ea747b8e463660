"""The ``held`` collection: data of erased people that another law or a legal hold keeps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from discretion.store.document import Document, MutableDocument
from discretion.store.driver.database import Database, Session, build_insert, build_update

COLLECTION = "held"


class RetainedKind(StrEnum):
    """What kind of data is retained."""

    EVENT = "event"
    RECORD = "record"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedPart:
    """One event or source record that is retained.

    Attributes:
        id: Random, so that it does not lead back to the customer.
        kind: An event or a source record.
        type: Key of the event's type, or ``record``.
        source: Key of the source.
        at: When it happened, or the time of the record's latest fact (ms).
        properties: The sealed properties of an event, if any.
        cells: The sealed values of a record by attribute key.
        identifiers: The sealed identifiers of a record, by type and number.
    """

    id: bytes
    kind: RetainedKind
    type: str
    source: str
    at: int
    properties: bytes | None = field(default=None, repr=False)
    cells: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    identifiers: Mapping[str, bytes] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RetainedData:
    """Data that one order retains, under an id and a key of their own.

    Attributes:
        id: Random, so that it does not lead back to the customer.
        law: The law that orders it, or what a hold names.
        provision: The provision, or the reason of the hold.
        request: The erasure.
        wrapped_key: The data key, wrapped.
        parts: What is retained.
        until: When it is deleted (ms); None as long as a hold retains it.
        hold: The legal hold, if one retains it.
    """

    id: bytes
    law: str
    provision: str
    request: bytes
    wrapped_key: bytes = field(repr=False)
    parts: tuple[RetainedPart, ...]
    until: int | None = None
    hold: bytes | None = None


class RetainedDataStore:
    """Reads and writes of retained data."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, retained: Sequence[RetainedData], session: Session) -> None:
        """Add retained data in a transaction."""
        writes = [build_insert(build_retained_document(data)) for data in retained]
        await self._database.bulk_write(COLLECTION, writes, session=session)

    async def list_by_request(self, request: bytes, limit: int) -> list[RetainedData]:
        """List what is retained from an erasure, without what is being deleted."""
        query = {"request": request, "key": {"$exists": True}}  # without a key: its deletion has begun
        documents = await self._database.find(COLLECTION, query, sort=[("_id", 1)], limit=limit)
        return [parse_retained_data(document) for document in documents]

    async def end_hold(self, hold: bytes, session: Session) -> None:
        """Let everything that a hold retains expire, in a transaction."""
        retained = await self._database.find(COLLECTION, {"hold": hold}, {"_id": 1}, session=session)
        # An expiry time in the past: the daily run deletes them with their keys.
        writes = [build_update({"_id": document["_id"]}, {"$set": {"until": 0}}) for document in retained]
        await self._database.bulk_write(COLLECTION, writes, session=session)

    async def list_expired(self, now: int, limit: int) -> list[bytes]:
        """List the ids of what expired until now (ms), the earliest first."""
        documents = await self._database.find(
            COLLECTION, {"until": {"$lte": now}}, {"_id": 1}, sort=[("until", 1)], limit=limit
        )
        return [document["_id"] for document in documents]

    async def remove_keys(self, ids: Sequence[bytes]) -> None:
        """Remove the wrapped data keys, so that a rotation does not rewrap them."""
        writes = [build_update({"_id": document_id}, {"$unset": {"key": ""}}) for document_id in ids]
        await self._database.bulk_write(COLLECTION, writes)

    async def delete(self, ids: Sequence[bytes]) -> None:
        """Delete retained data by their ids."""
        await self._database.delete_many(COLLECTION, {"_id": {"$in": list(ids)}})


def parse_retained_data(document: Document) -> RetainedData:
    """Parse stored data that have not lost their key."""
    return RetainedData(
        id=document["_id"],
        law=document["law"],
        provision=document["why"],
        request=document["request"],
        wrapped_key=document["key"],
        parts=tuple(_parse_part(part) for part in document["items"]),
        until=document.get("until"),
        hold=document.get("hold"),
    )


def build_retained_document(retained: RetainedData) -> MutableDocument:
    """Build the stored document of retained data."""
    return {
        "_id": retained.id,
        "law": retained.law,
        "why": retained.provision,
        "request": retained.request,
        "key": retained.wrapped_key,
        "items": [_build_part(part) for part in retained.parts],
        **({} if retained.until is None else {"until": retained.until}),
        **({} if retained.hold is None else {"hold": retained.hold}),
    }


def _parse_part(document: Document) -> RetainedPart:
    return RetainedPart(
        id=document["id"],
        kind=RetainedKind(document["kind"]),
        type=document["type"],
        source=document["source"],
        at=document["at"],
        properties=document.get("props"),
        cells=document.get("cells", {}),
        identifiers=document.get("names", {}),
    )


def _build_part(part: RetainedPart) -> MutableDocument:
    return {
        "id": part.id,
        "kind": part.kind.value,
        "type": part.type,
        "source": part.source,
        "at": part.at,
        **({} if part.properties is None else {"props": part.properties}),
        **({"cells": dict(part.cells)} if part.cells else {}),
        **({"names": dict(part.identifiers)} if part.identifiers else {}),
    }
