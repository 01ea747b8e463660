"""The ``source_records`` collection: its codec between typed records and stored documents, and its queries.

The stored names are explained in ``schema.profiles``. No other module knows them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from discretion.catalogue.assurance import Assurance
from discretion.store import statement_codec
from discretion.store.document import Document, MutableDocument, encode_purpose
from discretion.store.driver.database import Database, Session
from discretion.store.source_record import (
    Cell,
    DeviceCountry,
    ErasedPart,
    RecordIdentifier,
    SignalTimes,
    SourceRecord,
    StatedPeriod,
    Total,
)
from discretion.store.transactions import PendingWrite, plan_insert, plan_update

COLLECTION = "source_records"
SOURCE, CUSTOMER, VERSION, IDENTIFIERS, CELLS, TOTALS = "s", "c", "v", "i", "a", "f"
AMBIENT_CHOICES, EXPLICIT_CHOICES, GUARDIAN_CHOICES, SIGNALS = "d", "e", "g", "o"
FIRST, LAST, BORN, HOME, RULINGS, RESTRICTED = "t", "l", "b", "h", "r", "q"
OWN_CHOICES, OWN_GUARDIAN_CHOICES = "u", "y"
PLACE, ERASED_PARTS, CORRECTS, CONTESTED, NUMBER_ASSURANCE = "p", "w", "n", "x", "m"
"""Stored names; the legend is in ``schema.profiles``."""

_TIME_MEMBERS = {Assurance.PROVEN: "p", Assurance.PRESENTED: "h", Assurance.CLAIMED: "t"}
"""Where an identifier of a record has the earliest time of a mention, by assurance."""


class SourceRecordStore:
    """Reads and writes of source records."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, customer: bytes, session: Session | None = None) -> list[SourceRecord]:
        """List a customer's records, by id. The id must be the current one."""
        return await self.of_all((customer,), session)

    async def of_all(
        self, customers: Collection[bytes], session: Session | None = None
    ) -> list[SourceRecord]:
        """List the records of these customers, by id."""
        return await self._list({CUSTOMER: {"$in": list(customers)}}, session=session)

    async def list_by_ids(
        self, record_ids: Collection[bytes], session: Session | None = None
    ) -> list[SourceRecord]:
        """List the records with these ids that exist, by id."""
        return await self._list({"_id": {"$in": list(record_ids)}}, session=session)

    async def list_concerning(
        self,
        customers: Collection[bytes],
        record_ids: Collection[bytes],
        session: Session | None = None,
    ) -> list[SourceRecord]:
        """List the records of these customers and those with these ids, by id."""
        alternatives = [{CUSTOMER: {"$in": sorted(customers)}}, {"_id": {"$in": sorted(record_ids)}}]
        return await self._list({"$or": alternatives}, session=session)

    async def list_ids_by_home(self, customers: Collection[bytes]) -> list[bytes]:
        """List the ids of the records that first became these customers."""
        first_became = {HOME: {"$in": sorted(customers)}}
        return [row["_id"] for row in await self._database.find(COLLECTION, first_became, {"_id": 1})]

    async def is_named_elsewhere(
        self, entry: bytes, own_records: Collection[bytes], session: Session | None = None
    ) -> bool:
        """Return whether a record that is none of these names an identifier. It searches without an index."""
        query = {f"{IDENTIFIERS}.e": entry, "_id": {"$nin": sorted(own_records)}}
        return await self._database.find_one(COLLECTION, query, {"_id": 1}, session=session) is not None

    async def list_ids(self, customer: bytes, session: Session | None = None) -> list[bytes]:
        """List the ids of a customer's records, sorted."""
        documents = await self._database.find(
            COLLECTION, {CUSTOMER: customer}, {"_id": 1}, sort=[("_id", 1)], session=session
        )
        return [document["_id"] for document in documents]

    async def find_customers(
        self, record_ids: Iterable[bytes], session: Session | None = None
    ) -> dict[bytes, bytes]:
        """Return the customers of the records that exist, by record id."""
        documents = await self._database.find(
            COLLECTION, {"_id": {"$in": list(record_ids)}}, {CUSTOMER: 1}, session=session
        )
        return {document["_id"]: document[CUSTOMER] for document in documents}

    async def list_addressed(
        self, record_ids: Collection[bytes], attributes: Collection[str], session: Session
    ) -> list[SourceRecord]:
        """List records that messages address, with only these attributes."""
        projection = _build_projection(_WHOLE_MEMBERS, attributes)
        return await self._list({"_id": {"$in": list(record_ids)}}, projection, session)

    async def list_others(
        self,
        customers: Collection[bytes],
        excluded: Collection[bytes],
        attributes: Collection[str],
        session: Session,
    ) -> list[SourceRecord]:
        """List the customers' records except some, without identifiers and with only these attributes.

        A message adds no identifier to a record that it does not address.
        """
        query = {CUSTOMER: {"$in": list(customers)}, "_id": {"$nin": list(excluded)}}
        members = [member for member in _WHOLE_MEMBERS if member != IDENTIFIERS]
        return await self._list(query, _build_projection(members, attributes), session)

    async def list_explicit_choices(
        self, record_ids: Collection[bytes], session: Session
    ) -> list[SourceRecord]:
        """List records with their customers, explicit choices and own choices only."""
        projection = {CUSTOMER: 1, EXPLICIT_CHOICES: 1, OWN_CHOICES: 1}
        return await self._list({"_id": {"$in": sorted(record_ids)}}, projection, session)

    async def list_statements(
        self, customers: Collection[bytes], attributes: Collection[str], session: Session | None = None
    ) -> list[SourceRecord]:
        """List the records of customers with what permissions depend on: statements, and some attributes."""
        projection = dict.fromkeys(_STATEMENT_MEMBERS, 1) | {f"{CELLS}.{key}": 1 for key in attributes}
        return await self._list({CUSTOMER: {"$in": list(customers)}}, projection, session)

    async def list_identifiers(self, customer: bytes, types: Collection[str]) -> list[SourceRecord]:
        """List a customer's records with only their identifiers of these types, and what is contested."""
        # MongoDB filters the list, so identifiers of other types do not reach this process.
        is_wanted_type = {"$in": ["$$identifier.k", sorted(types)]}
        identifiers = {"$filter": {"input": f"${IDENTIFIERS}", "as": "identifier", "cond": is_wanted_type}}
        pipeline: list[Mapping[str, Any]] = [
            {"$match": {CUSTOMER: customer}},
            {"$sort": {"_id": 1}},
            {"$project": {SOURCE: 1, CONTESTED: 1, IDENTIFIERS: identifiers}},
        ]
        return [parse_record(document) for document in await self._database.aggregate(COLLECTION, pipeline)]

    async def list_naming(self, record_ids: Collection[bytes], entry: bytes) -> list[SourceRecord]:
        """List those of these records that name an identifier, with only their mention of it, by id."""
        named_by = {"_id": {"$in": sorted(record_ids)}, f"{IDENTIFIERS}.e": entry}
        return await self._list(named_by, {CUSTOMER: 1, BORN: 1, HOME: 1, f"{IDENTIFIERS}.$": 1})

    async def list_value_times(self, customers: Sequence[bytes]) -> list[SourceRecord]:
        """List the records of customers with the times of their values; values and ids are not read."""
        observed = {"k": "$$this.k", "v": {"t": "$$this.v.t", "b": "$$this.v.b"}}
        cells = {"$map": {"input": {"$objectToArray": f"${CELLS}"}, "in": observed}}
        documents = await self._database.aggregate(
            COLLECTION,
            [
                {"$match": {CUSTOMER: {"$in": list(customers)}}},
                {"$project": {CUSTOMER: 1, TOTALS: 1, CELLS: {"$arrayToObject": cells}}},
            ],
        )
        return [parse_record(document) for document in documents]

    def plan_save(self, before: SourceRecord | None, after: SourceRecord) -> PendingWrite | None:
        """Return the write that turns one state of a record into another; None if they are equal.

        Args:
            before: The record as it was read, whole or in part; None or version 0 if it is not stored.
            after: The record as it should be, read in the same part.
        """
        if before is None or before.version == 0:
            return plan_insert(COLLECTION, {**build_record_document(after), VERSION: 1})
        change = _build_change(before, after)
        if not change:
            return None
        return plan_update(COLLECTION, {"_id": after.id}, {**change, "$inc": {VERSION: 1}}, must_match=True)

    async def _list(
        self,
        query: MutableDocument,
        projection: Document | None = None,
        session: Session | None = None,
    ) -> list[SourceRecord]:
        documents = await self._database.find(COLLECTION, query, projection, session=session)
        return [parse_record(document) for document in sorted(documents, key=_read_id)]


def parse_record(document: Document) -> SourceRecord:
    """Parse a stored record, which may have been read in part: what is missing is empty."""
    place, get = document.get(PLACE), document.get
    return SourceRecord(
        id=get("_id", b""),
        source=get(SOURCE, ""),
        customer=get(CUSTOMER, b""),
        version=get(VERSION, 0),
        first=get(FIRST, 0),
        last=get(LAST, 0),
        born=get(BORN, 0),
        identifiers=tuple(_parse_record_identifier(identifier) for identifier in get(IDENTIFIERS, ())),
        cells={
            key: Cell(cell["t"], cell.get("m", ""), cell.get("c"), cell.get("v"), cell.get("b"))
            for key, cell in get(CELLS, {}).items()
        },
        totals={key: Total(total["t"], total["n"], total.get("e")) for key, total in get(TOTALS, {}).items()},
        ambient_choices=statement_codec.parse_ambient_choices(get(AMBIENT_CHOICES, {})),
        explicit_choices=statement_codec.parse_choices(get(EXPLICIT_CHOICES, {})),
        guardian_choices=statement_codec.parse_choices(get(GUARDIAN_CHOICES, {})),
        own_choices=statement_codec.parse_choices(get(OWN_CHOICES, {})),
        own_guardian_choices=statement_codec.parse_choices(get(OWN_GUARDIAN_CHOICES, {})),
        signals={key: SignalTimes(signal["f"], signal["t"]) for key, signal in get(SIGNALS, {}).items()},
        home=get(HOME),
        rulings=tuple(get(RULINGS, ())),
        restricted=get(RESTRICTED, False),
        place=None if place is None else DeviceCountry(place["c"], place["t"], place["m"]),
        erased_parts=tuple(ErasedPart(part["s"], part["t"]) for part in get(ERASED_PARTS, ())),
        corrects=get(CORRECTS),
        contested={key: tuple(requests) for key, requests in get(CONTESTED, {}).items()},
        number_assurance=None if NUMBER_ASSURANCE not in document else Assurance(document[NUMBER_ASSURANCE]),
    )


def build_record_document(record: SourceRecord) -> MutableDocument:
    """Build the stored document of a record."""
    document: MutableDocument = {"_id": record.id, VERSION: record.version}
    for member in _SIMPLE_MEMBERS:
        value = getattr(record, member.attribute)
        if member.required or not member.is_absent(value):
            document[member.stored] = member.encode(value)
    for member in _MAP_MEMBERS:
        items = getattr(record, member.attribute)
        if member.required or items:
            document[member.stored] = {
                member.encode_key(key): member.encode(item) for key, item in items.items()
            }
    return document


def _build_change(before: SourceRecord, after: SourceRecord) -> MutableDocument:
    """Return the ``$set`` and ``$unset`` operators; only changed members and changed keys are written."""
    set_members: MutableDocument = {}
    unset_members: MutableDocument = {}
    for member in _SIMPLE_MEMBERS:
        value, value_before = getattr(after, member.attribute), getattr(before, member.attribute)
        if value is value_before or value == value_before:
            continue
        if member.required or not member.is_absent(value):
            set_members[member.stored] = member.encode(value)
        else:
            unset_members[member.stored] = ""
    for member in _MAP_MEMBERS:
        items_before, items = getattr(before, member.attribute), getattr(after, member.attribute)
        if items == items_before:
            continue
        for key, item in items.items():
            item_before = items_before.get(key)
            if item is not item_before and item != item_before:
                set_members[f"{member.stored}.{member.encode_key(key)}"] = member.encode(item)
        for key in items_before.keys() - items.keys():
            unset_members[f"{member.stored}.{member.encode_key(key)}"] = ""
    operators = (("$set", set_members), ("$unset", unset_members))
    return {operator: members for operator, members in operators if members}


class _Member(NamedTuple):
    """A member of the document: its stored name, its name in code, and how its values are encoded.

    A value that ``is_absent`` is not stored, unless the member is required.
    """

    stored: str
    attribute: str
    encode: Callable[[Any], Any] = lambda value: value
    required: bool = True
    encode_key: Callable[[str], str] = lambda key: key
    is_absent: Callable[[Any], bool] = operator.not_


def _encode_cell(cell: Cell) -> MutableDocument:
    document: MutableDocument = {"t": cell.at, "m": cell.message}
    if cell.sealed is not None:
        document["c"] = cell.sealed
    if cell.value is not None:
        document["v"] = cell.value
    if cell.born is not None:
        document["b"] = cell.born
    return document


def _encode_total(total: Total) -> MutableDocument:
    earliest = {} if total.earliest is None else {"e": total.earliest}
    return {"t": total.at, "n": total.value, **earliest}


def _encode_identifiers(identifiers: Sequence[RecordIdentifier]) -> list[MutableDocument]:
    return [_build_identifier_document(identifier) for identifier in identifiers]


def _build_identifier_document(identifier: RecordIdentifier) -> MutableDocument:
    document: MutableDocument = {"e": identifier.entry, "k": identifier.type, "c": identifier.cell}
    document |= {_TIME_MEMBERS[assurance]: at for assurance, at in identifier.times.items()}
    if identifier.is_own:
        document["o"] = True
    if identifier.stated is not None:
        document |= {"f": identifier.stated.first, "l": identifier.stated.last}
    return document


def _parse_record_identifier(document: Document) -> RecordIdentifier:
    return RecordIdentifier(
        document["e"],
        document["k"],
        {assurance: document[member] for assurance, member in _TIME_MEMBERS.items() if member in document},
        document["c"],
        document.get("o", False),
        StatedPeriod(document["f"], document["l"]) if "f" in document else None,
    )


_SIMPLE_MEMBERS = (
    _Member(SOURCE, "source"),
    _Member(CUSTOMER, "customer"),
    _Member(IDENTIFIERS, "identifiers", _encode_identifiers),
    _Member(FIRST, "first"),
    _Member(LAST, "last"),
    _Member(BORN, "born"),
    _Member(HOME, "home", required=False),
    _Member(RULINGS, "rulings", list, required=False),
    _Member(RESTRICTED, "restricted", required=False),
    _Member(
        PLACE,
        "place",
        lambda place: {"c": place.country, "t": place.at, "m": place.message},
        required=False,
    ),
    _Member(
        ERASED_PARTS,
        "erased_parts",
        lambda parts: [{"s": part.scope, "t": part.at} for part in parts],
        required=False,
    ),
    _Member(CORRECTS, "corrects", required=False),
    _Member(
        NUMBER_ASSURANCE,
        "number_assurance",
        int,
        required=False,
        # The strongest assurance is 0.
        is_absent=lambda assurance: assurance is None,
    ),
)
_MAP_MEMBERS = (
    _Member(CELLS, "cells", _encode_cell),
    _Member(TOTALS, "totals", _encode_total),
    _Member(
        AMBIENT_CHOICES, "ambient_choices", statement_codec.encode_ambient_choice, encode_key=encode_purpose
    ),
    *(
        _Member(stored, attribute, statement_codec.encode_choice, required, encode_purpose)
        for stored, attribute, required in (
            (EXPLICIT_CHOICES, "explicit_choices", True),
            (GUARDIAN_CHOICES, "guardian_choices", True),
            (OWN_CHOICES, "own_choices", False),
            (OWN_GUARDIAN_CHOICES, "own_guardian_choices", False),
        )
    ),
    _Member(SIGNALS, "signals", lambda signal: {"f": signal.first, "t": signal.last}),
    _Member(CONTESTED, "contested", list, required=False),
)

_ATTRIBUTE_MEMBERS = (CELLS, TOTALS)
"""Members that are objects by attribute key, of which a partial read has only the wanted keys."""

_WHOLE_MEMBERS = (
    VERSION,
    *(
        member.stored
        for member in (*_SIMPLE_MEMBERS, *_MAP_MEMBERS)
        if member.stored not in _ATTRIBUTE_MEMBERS
    ),
)
"""Members that are read whole."""

_STATEMENT_MEMBERS = (
    *(SOURCE, CUSTOMER, PLACE, RESTRICTED, NUMBER_ASSURANCE),
    *(AMBIENT_CHOICES, EXPLICIT_CHOICES, GUARDIAN_CHOICES, SIGNALS, OWN_CHOICES, OWN_GUARDIAN_CHOICES),
)


def _build_projection(members: Iterable[str], attributes: Collection[str]) -> dict[str, int]:
    # With no attributes, a key that does not exist (``-``) is named, so that not all are read.
    return dict.fromkeys(members, 1) | {
        f"{member}.{key}": 1 for member in _ATTRIBUTE_MEMBERS for key in attributes or ("-",)
    }


def _read_id(document: Document) -> bytes:
    record_id: bytes = document["_id"]
    return record_id
