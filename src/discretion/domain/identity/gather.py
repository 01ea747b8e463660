"""Everything that bears on who some records are about, read round by round until nobody else can be meant.

A customer comes with all their records. Where new evidence is on the table, so does everybody
whom an identifier of theirs leads to; an identifier that too many share leads nowhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import IdentifierType
from discretion.domain.identity.evidence import Mention, Ruling, Voice
from discretion.domain.identity.resolve import shared
from discretion.store.driver import Database, Session

Document = dict[str, Any]


@dataclass(slots=True)
class Known:
    """Documents by their ids.

    ``open`` are the records whose person is in question, ``ruled`` those a steward has just spoken about.
    """

    records: dict[bytes, Document] = field(default_factory=dict)
    customers: dict[bytes, Document] = field(default_factory=dict)
    identifiers: dict[bytes, Document] = field(default_factory=dict)
    rulings: dict[bytes, Document] = field(default_factory=dict)
    open: set[bytes] = field(default_factory=set)
    ruled: set[bytes] = field(default_factory=set)

    def of_customer(self, customer: bytes) -> list[bytes]:
        """A customer's records."""
        return [one for one, doc in self.records.items() if doc["customer"] == customer]

    def fresh(self, mention: Mention) -> bool:
        """Whether a record has not yet named this identifier so, or not so early."""
        record = self.records.get(mention.record)
        known = None if record is None else _named(record, mention)
        return known is None or mention.at < known


def mentions_of(record: Document) -> list[Mention]:
    """What a stored record names."""
    return [
        Mention(record["_id"], one["k"], one["e"], record["source"], one["t"], Voice(one["w"]))
        for one in record["ids"]
    ]


def rulings_of(docs: Iterable[Document]) -> list[Ruling]:
    """Stored rulings, the earlier first."""
    ordered = sorted(docs, key=lambda one: (one["at"], one["_id"]))
    return [Ruling(one["joined"], tuple(frozenset(side) for side in one["sides"])) for one in ordered]


class Gathering:
    """One transaction's reads."""

    def __init__(self, database: Database, session: Session, types: Mapping[str, IdentifierType]) -> None:
        self._database = database
        self._session = session
        self._types = types
        self.known = Known()

    async def records(self, wanted: Iterable[bytes]) -> None:
        """These records, their customers, and those customers' other records."""
        missing = [one for one in set(wanted) if one not in self.known.records]
        if missing:
            found = await self._find("source_records", {"_id": {"$in": missing}})
            await self.customers({one["customer"] for one in found})

    async def customers(self, wanted: Iterable[bytes]) -> None:
        """These customers with all their records."""
        missing = [one for one in set(wanted) if one not in self.known.customers]
        if not missing:
            return
        for one in await self._find("customers", {"_id": {"$in": missing}}):
            self.known.customers[one["_id"]] = one
        for one in await self._find("source_records", {"customer": {"$in": missing}}):
            self.known.records[one["_id"]] = one

    async def around(self, fresh: Sequence[Mention], records: Iterable[bytes] = ()) -> None:
        """Everybody on whom these mentions, or a new word about these records, may bear."""
        met = {*records, *(one.record for one in fresh)}
        frontier = {one.entry for one in fresh}
        while met or frontier:
            frontier |= self._widen(met)
            named = await self._named_by(frontier - self.known.identifiers.keys())
            await self.records(named)
            named |= await self._ruled()
            met = (named & self.known.records.keys()) - self.known.open
            frontier = set()

    def _widen(self, records: Iterable[bytes]) -> set[bytes]:
        """Open these records with the rest of their customers; the identifiers that all those name."""
        known = self.known
        customers = {known.records[one]["customer"] for one in records if one in known.records}
        opened = {one for one, doc in known.records.items() if doc["customer"] in customers} - known.open
        known.open |= opened
        return {named["e"] for one in opened for named in known.records[one]["ids"]}

    async def _named_by(self, entries: Iterable[bytes]) -> set[bytes]:
        wanted = list(entries)
        found = await self._find("identifiers", {"_id": {"$in": wanted}}) if wanted else []
        met: set[bytes] = set()
        for one in found:
            self.known.identifiers[one["_id"]] = one
            kind = self._types.get(one["type"])
            if kind is not None and not shared(len(one["records"]), kind):
                met.update(one["records"])
        return met

    async def _ruled(self) -> set[bytes]:
        """Records that stewards named together with those in question."""
        records = self.known.records
        told = (records[one].get("rulings", ()) for one in self.known.open & records.keys())
        named = {ruling for some in told for ruling in some}
        missing = list(named - self.known.rulings.keys())
        if not missing:
            return set()
        for one in await self._find("rulings", {"_id": {"$in": missing}}):
            self.known.rulings[one["_id"]] = one
        met = {record for one in missing for side in self.known.rulings[one]["sides"] for record in side}
        await self.records(met)
        return met

    async def _find(self, collection: str, wanted: Document) -> list[Document]:
        return await self._database.find(collection, wanted, session=self._session)


def _named(record: Document, mention: Mention) -> int | None:
    told = (one["t"] for one in record["ids"] if one["e"] == mention.entry and one["w"] == mention.voice)
    return next(told, None)
