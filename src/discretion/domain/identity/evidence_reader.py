"""Everything that bears on who some records are about, read round by round until nobody else can be meant.

A customer comes with all their records. Where new evidence is on the table, so does everybody
whom an identifier of theirs leads to; an identifier that too many share leads nowhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import IdentifierType
from discretion.domain.identity.clustering import shared
from discretion.domain.identity.evidence import Ruling
from discretion.domain.ingest.mention import Mention, Voice
from discretion.store.driver.database import Database, Session

Document = dict[str, Any]


@dataclass(slots=True)
class Known:
    """Documents by their ids.

    ``open`` are the records whose person is in question, ``ruled`` those a steward has just spoken about,
    with the rulings that name them now.
    """

    records: dict[bytes, Document] = field(default_factory=dict)
    customers: dict[bytes, Document] = field(default_factory=dict)
    identifiers: dict[bytes, Document] = field(default_factory=dict)
    rulings: dict[bytes, Document] = field(default_factory=dict)
    open: set[bytes] = field(default_factory=set)
    ruled: dict[bytes, list[bytes]] = field(default_factory=dict)
    _of: dict[bytes, list[bytes]] = field(default_factory=dict)

    def add(self, record: Document) -> None:
        """A record as it was read."""
        if record["_id"] not in self.records:
            self._of.setdefault(record["customer"], []).append(record["_id"])
        self.records[record["_id"]] = record

    def of_customer(self, customer: bytes) -> list[bytes]:
        """A customer's records."""
        return self._of.get(customer, [])

    def narrow(self, customer: bytes, keys: Collection[str]) -> None:
        """Forget of a customer what these attributes do not touch: it stays as it is."""
        self.customers[customer] = _only(self.customers[customer], _CUSTOMER[1], keys)
        for one in self.of_customer(customer):
            self.records[one] = _only(self.records[one], _RECORD[1], keys)

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
    """One transaction's reads.

    Of customers who are only spoken to, those attributes are read that may change, named by their key in a
    document; of those whose person is in question, everything.
    """

    def __init__(
        self,
        database: Database,
        session: Session,
        types: Mapping[str, IdentifierType],
    ) -> None:
        self._database = database
        self._session = session
        self._types = types
        self._whole: set[bytes] = set()
        self.known = Known()

    async def spoken_to(self, touched: Mapping[bytes, Collection[str]], light: Collection[str]) -> None:
        """Records with the attributes that may change in each, their customers, and their other records.

        Of customers of whom only ``light`` attributes may change, no others are read.
        """
        every = {key for keys in touched.values() for key in keys}
        theirs: dict[bytes, set[str]] = {}
        for one in await self._find(
            "source_records", {"_id": {"$in": list(touched)}}, _parts(_RECORD, every)
        ):
            self.known.add(one)
            theirs.setdefault(one["customer"], set()).update(touched[one["_id"]])
        few = every.intersection(light)
        await self._part([one for one, keys in theirs.items() if keys <= few], few)
        await self._part([one for one, keys in theirs.items() if not keys <= few], every)

    async def _part(self, customers: list[bytes], keys: Collection[str]) -> None:
        if not customers:
            return
        for one in await self._find("customers", {"_id": {"$in": customers}}, _parts(_CUSTOMER, keys)):
            self.known.customers[one["_id"]] = one
        others = {"customer": {"$in": customers}, "_id": {"$nin": list(self.known.records)}}
        for one in await self._find("source_records", others, _parts(_OTHER, keys)):
            self.known.add(one)

    async def records(self, wanted: Iterable[bytes]) -> None:
        """These records, their customers, and those customers' other records."""
        missing = [one for one in set(wanted) if one not in self.known.records]
        if missing:
            found = await self._find("source_records", {"_id": {"$in": missing}}, {"customer": 1})
            await self.customers({one["customer"] for one in found})

    async def customers(self, wanted: Iterable[bytes]) -> None:
        """These customers with all their records."""
        missing = [one for one in set(wanted) if one not in self._whole]
        if not missing:
            return
        for one in await self._find("customers", {"_id": {"$in": missing}}):
            self.known.customers[one["_id"]] = one
        for one in await self._find("source_records", {"customer": {"$in": missing}}):
            self.known.add(one)
        self._whole.update(missing)

    async def around(self, fresh: Sequence[Mention], records: Iterable[bytes] = ()) -> None:
        """Everybody on whom these mentions, or a new word about these records, may bear."""
        met = {*records, *(one.record for one in fresh)}
        frontier = {one.entry for one in fresh}
        while met or frontier:
            frontier |= await self._widen(met)
            named = await self._named_by(frontier - self.known.identifiers.keys())
            await self.records(named)
            named |= await self._ruled()
            met = (named & self.known.records.keys()) - self.known.open
            frontier = set()

    async def _widen(self, records: Iterable[bytes]) -> set[bytes]:
        """Open these records with the rest of their customers; the identifiers that all those name."""
        known = self.known
        customers = {known.records[one]["customer"] for one in records if one in known.records}
        await self.customers(customers)
        opened = {one for customer in customers for one in known.of_customer(customer)} - known.open
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

    async def _find(
        self, collection: str, wanted: Document, parts: Mapping[str, int] | None = None
    ) -> list[Document]:
        return await self._database.find(collection, wanted, parts, session=self._session)


_RECORD = (
    (
        *("source", "customer", "v", "ids", "first", "last", "born", "home", "of", "rulings"),
        *("restricted", "without"),
        *("choices", "words", "guards", "signals", "place"),
    ),
    ("cells", "folds", "contested"),
)
_OTHER = (tuple(one for one in _RECORD[0] if one != "ids"), _RECORD[1])
_CUSTOMER = (
    (
        *("v", "key", "allow", "until", "later", "rules", "kinds", "laws"),
        *("restricted", "created", "updated", "merged"),
    ),
    ("s", "o", "t", "p", "contested"),
)
"""Members of a document that are read whole, and those of which only some attributes are: of a record that is
spoken to, of the other records of the same customer, of the customer."""


def _only(doc: Document, members: Sequence[str], keys: Collection[str]) -> Document:
    held = {name: doc[name] for name in members if name in doc}
    return {**doc, **{name: {key: one[key] for key in keys if key in one} for name, one in held.items()}}


def _parts(members: tuple[Sequence[str], Sequence[str]], keys: Collection[str]) -> dict[str, int]:
    """A projection. Where none of the attributes is, an empty object is read."""
    whole, by_attribute = members
    return dict.fromkeys(whole, 1) | {
        f"{member}.{key}": 1 for member in by_attribute for key in keys or ("-",)
    }


def _named(record: Document, mention: Mention) -> int | None:
    told = (one["t"] for one in record["ids"] if one["e"] == mention.entry and one["w"] == mention.voice)
    return next(told, None)
