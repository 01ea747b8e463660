"""Reading of all evidence that decides which persons some source records belong to.

A customer is read with all their source records. If there is new evidence, every customer who is reachable
through a common identifier or a ruling is read as well, round by round until no new one appears. Identifiers
that too many records share are not followed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.clustering import is_shared
from discretion.domain.identity.ruling import Ruling
from discretion.domain.ingest.mention import Mention, MentionStrength
from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session


@dataclass(slots=True)
class IdentityEvidence:
    """Stored documents by their ids, as read in one transaction.

    Attributes:
        records: ``source_records``.
        customers: ``customers``.
        identifiers: ``identifiers``, by blind index.
        rulings: ``rulings`` of stewards.
        open_records: Ids of the records that are clustered again. Their customers are read and written
            completely. A caller that changes stored records but nobody's identity opens them only after
            ``resolve_persons``: then ``UnitOfWork.write_person`` writes all attributes.
        changed_rulings: For each record that a ruling of this transaction changes, its ruling ids from now
            on.
    """

    records: dict[bytes, MutableDocument] = field(default_factory=dict)
    customers: dict[bytes, MutableDocument] = field(default_factory=dict)
    identifiers: dict[bytes, MutableDocument] = field(default_factory=dict)
    rulings: dict[bytes, MutableDocument] = field(default_factory=dict)
    open_records: set[bytes] = field(default_factory=set)
    changed_rulings: dict[bytes, list[bytes]] = field(default_factory=dict)
    _records_by_customer: dict[bytes, list[bytes]] = field(default_factory=dict)

    def add_record(self, record: MutableDocument) -> None:
        """Add a record document as it was read, or replace it."""
        if record["_id"] not in self.records:
            self._records_by_customer.setdefault(record["customer"], []).append(record["_id"])
        self.records[record["_id"]] = record

    def records_of_customer(self, customer: bytes) -> list[bytes]:
        """Return the ids of a customer's records that were read."""
        return self._records_by_customer.get(customer, [])

    def narrow_customer(self, customer: bytes, keys: Collection[str]) -> None:
        """Drop all attributes but ``keys`` from a customer and their records.

        The others cannot change, and what was not read is not compared and not written.
        """
        self.customers[customer] = _keep_attributes(self.customers[customer], _CUSTOMER_MEMBERS[1], keys)
        for record_id in self.records_of_customer(customer):
            self.records[record_id] = _keep_attributes(self.records[record_id], _RECORD_MEMBERS[1], keys)

    def is_new_mention(self, mention: Mention) -> bool:
        """Return whether a record has not named this identifier with this strength yet, or only later."""
        record = self.records.get(mention.record)
        named_at = None if record is None else _first_named_at(record, mention)
        return named_at is None or mention.at < named_at


def parse_mentions(record: MutableDocument) -> list[Mention]:
    """Parse the mentions in a source record's ``ids``.

    Each is ``{k, e, t, w, c}``: identifier type, entry (blind index), earliest time in ms, strength, sealed
    value.
    """
    return [
        Mention(
            record["_id"],
            identifier["k"],
            identifier["e"],
            record["source"],
            identifier["t"],
            MentionStrength(identifier["w"]),
        )
        for identifier in record["ids"]
    ]


def parse_rulings(documents: Iterable[MutableDocument]) -> list[Ruling]:
    """Parse stored rulings, the earliest first."""
    ordered = sorted(documents, key=lambda document: (document["at"], document["_id"]))
    return [
        Ruling(document["joined"], tuple(frozenset(side) for side in document["sides"]))
        for document in ordered
    ]


class EvidenceReader:
    """The identity reads of one transaction.

    Customers whose person cannot change are read partially: only the attributes that may change, by their
    keys in documents. Customers whose records are clustered again are read completely.
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
        self._complete_customers: set[bytes] = set()
        self.evidence = IdentityEvidence()

    async def read_addressed(
        self, touched_attributes: Mapping[bytes, Collection[str]], light_attributes: Collection[str]
    ) -> None:
        """Read the records that messages address, their customers and those customers' other records.

        Args:
            touched_attributes: For each record, the keys of the attributes that may change.
            light_attributes: Keys that a message with only an event may change. If no other attribute of a
                customer may change, only these are read, which keeps page views cheap.
        """
        all_keys = {key for keys in touched_attributes.values() for key in keys}
        keys_by_customer: dict[bytes, set[str]] = {}
        for record in await self._find(
            "source_records",
            {"_id": {"$in": list(touched_attributes)}},
            _build_projection(_RECORD_MEMBERS, all_keys),
        ):
            self.evidence.add_record(record)
            keys_by_customer.setdefault(record["customer"], set()).update(touched_attributes[record["_id"]])
        # One query for both groups would read every attribute that any message of the batch may change.
        light_keys = all_keys.intersection(light_attributes)
        await self._read_partially(
            [customer for customer, keys in keys_by_customer.items() if keys <= light_keys], light_keys
        )
        await self._read_partially(
            [customer for customer, keys in keys_by_customer.items() if not keys <= light_keys], all_keys
        )

    async def _read_partially(self, customers: list[bytes], keys: Collection[str]) -> None:
        if not customers:
            return
        for document in await self._find(
            "customers", {"_id": {"$in": customers}}, _build_projection(_CUSTOMER_MEMBERS, keys)
        ):
            self.evidence.customers[document["_id"]] = document
        other_records = {"customer": {"$in": customers}, "_id": {"$nin": list(self.evidence.records)}}
        for document in await self._find(
            "source_records", other_records, _build_projection(_OTHER_RECORD_MEMBERS, keys)
        ):
            self.evidence.add_record(document)

    async def read_records(self, record_ids: Iterable[bytes]) -> None:
        """Read these records with their customers and those customers' other records, unless already read."""
        missing_ids = [record_id for record_id in set(record_ids) if record_id not in self.evidence.records]
        if missing_ids:
            found_records = await self._find("source_records", {"_id": {"$in": missing_ids}}, {"customer": 1})
            await self.read_customers({record["customer"] for record in found_records})

    async def read_customers(self, customer_ids: Iterable[bytes]) -> None:
        """Read these customers completely, with all their records, unless already done."""
        # Customers in `evidence` may have been read partially only, and clustering needs them complete.
        missing_ids = [
            customer_id for customer_id in set(customer_ids) if customer_id not in self._complete_customers
        ]
        if not missing_ids:
            return
        for document in await self._find("customers", {"_id": {"$in": missing_ids}}):
            self.evidence.customers[document["_id"]] = document
        for document in await self._find("source_records", {"customer": {"$in": missing_ids}}):
            self.evidence.add_record(document)
        self._complete_customers.update(missing_ids)

    async def read_connected(self, new_mentions: Sequence[Mention], records: Iterable[bytes] = ()) -> None:
        """Read everything that new mentions, or a new ruling about ``records``, may change.

        A breadth-first search over records, identifiers and rulings. The records it reaches become open.
        """
        reached_records = {*records, *(mention.record for mention in new_mentions)}
        frontier = {mention.entry for mention in new_mentions}
        while reached_records or frontier:
            frontier |= await self._open_customers(reached_records)
            naming_records = await self._read_identifiers(frontier - self.evidence.identifiers.keys())
            await self.read_records(naming_records)
            naming_records |= await self._read_rulings()
            reached_records = (naming_records & self.evidence.records.keys()) - self.evidence.open_records
            frontier = set()

    async def _open_customers(self, records: Iterable[bytes]) -> set[bytes]:
        """Open all records of the customers of ``records``; return the entries that the opened records name.

        A customer is opened as a whole, because new evidence may also split off their other records.
        """
        evidence = self.evidence
        customers = {
            evidence.records[record_id]["customer"] for record_id in records if record_id in evidence.records
        }
        await self.read_customers(customers)
        opened_records = {
            record_id for customer_id in customers for record_id in evidence.records_of_customer(customer_id)
        } - evidence.open_records
        evidence.open_records |= opened_records
        return {
            identifier["e"]
            for record_id in opened_records
            for identifier in evidence.records[record_id]["ids"]
        }

    async def _read_identifiers(self, entries: Iterable[bytes]) -> set[bytes]:
        entry_ids = list(entries)
        documents = await self._find("identifiers", {"_id": {"$in": entry_ids}}) if entry_ids else []
        naming_records: set[bytes] = set()
        for document in documents:
            self.evidence.identifiers[document["_id"]] = document
            identifier_type = self._types.get(document["type"])
            if identifier_type is not None and not is_shared(len(document["records"]), identifier_type):
                naming_records.update(document["records"])
        return naming_records

    async def _read_rulings(self) -> set[bytes]:
        """Read the rulings about open records; return the records that those rulings name."""
        records = self.evidence.records
        ruling_lists = (
            records[record_id].get("rulings", ()) for record_id in self.evidence.open_records & records.keys()
        )
        named_rulings = {ruling for ruling_list in ruling_lists for ruling in ruling_list}
        missing_ids = list(named_rulings - self.evidence.rulings.keys())
        if not missing_ids:
            return set()
        for ruling in await self._find("rulings", {"_id": {"$in": missing_ids}}):
            self.evidence.rulings[ruling["_id"]] = ruling
        ruled_records = {
            record
            for ruling_id in missing_ids
            for side in self.evidence.rulings[ruling_id]["sides"]
            for record in side
        }
        await self.read_records(ruled_records)
        return ruled_records

    async def _find(
        self, collection: str, query: MutableDocument, projection: Mapping[str, int] | None = None
    ) -> list[MutableDocument]:
        return await self._database.find(collection, query, projection, session=self._session)


# Each of these is a pair: the members of a document that are read whole, and those that are objects by
# attribute key, of which only the wanted keys are read.
_RECORD_MEMBERS = (
    (
        *("source", "customer", "v", "ids", "first", "last", "born", "home", "of", "rulings"),
        *("restricted", "without"),
        *("choices", "words", "guards", "signals", "place"),
    ),
    ("cells", "folds", "contested"),
)
"""Of a source record that a message addresses."""

_OTHER_RECORD_MEMBERS = (
    tuple(member for member in _RECORD_MEMBERS[0] if member != "ids"),
    _RECORD_MEMBERS[1],
)
"""Of the customer's other records: a message adds no identifier to them, so their ``ids`` are not needed."""

_CUSTOMER_MEMBERS = (
    (
        *("v", "key", "allow", "until", "later", "rules", "kinds", "laws"),
        *("restricted", "created", "updated", "merged"),
    ),
    ("s", "o", "t", "p", "contested"),
)
"""Of a customer. By attribute key: ``s`` sealed cells, ``o`` open values, ``t`` times in ms of the open
values, ``p`` provenance as ``[source, message id]``, ``contested`` values that the customer denies."""


def _keep_attributes(
    document: MutableDocument, members: Sequence[str], keys: Collection[str]
) -> MutableDocument:
    values_by_member = {name: document[name] for name in members if name in document}
    return {
        **document,
        **{
            name: {key: values[key] for key in keys if key in values}
            for name, values in values_by_member.items()
        },
    }


def _build_projection(members: tuple[Sequence[str], Sequence[str]], keys: Collection[str]) -> dict[str, int]:
    """Build a MongoDB projection.

    With no keys, a key that does not exist (``-``) is named, so that the member is read as an empty object
    and not left out.
    """
    whole_members, attribute_members = members
    return dict.fromkeys(whole_members, 1) | {
        f"{member}.{key}": 1 for member in attribute_members for key in keys or ("-",)
    }


def _first_named_at(record: MutableDocument, mention: Mention) -> int | None:
    times = (
        identifier["t"]
        for identifier in record["ids"]
        if identifier["e"] == mention.entry and identifier["w"] == mention.strength
    )
    return next(times, None)
