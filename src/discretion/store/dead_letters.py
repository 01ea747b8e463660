"""The ``dead_letters`` collection: refused messages, saved by id, counted by reason, and listed by id."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.store.document import Document, MutableDocument, build_date, read_ms
from discretion.store.driver.database import Database, Session, WriteOperation, build_update
from discretion.store.tombstones import Tombstone, TombstoneStore

COLLECTION = "dead_letters"
BATCH_SIZE = 500
"""Letters that one transaction saves. MongoDB advises against more than a thousand changed documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A refused message. Times are in ms since 1970.

    Attributes:
        id: Digest of the source and the message id.
        source: Key of the source.
        code: Why the message was refused.
        place: The path at fault.
        received: When it was received.
        expires: When MongoDB may delete the letter.
        dropped: How many undeclared values it lacks.
        marks: Blind indexes of the identifiers in the message.
        sealed: The message under the key of its day, bound to the id, the source and the time. Empty in a
            letter that was read without its content.
    """

    id: bytes
    source: str
    code: str
    place: str
    received: int
    expires: int
    dropped: int = 0
    marks: tuple[bytes, ...] = field(default=(), repr=False)
    sealed: bytes = field(default=b"", repr=False)

    @property
    def tombstone_marks(self) -> tuple[bytes, ...]:
        """What an erasure leaves tombstones for: the letter itself, and the identifiers that it names."""
        return (self.id, *self.marks)


@dataclass(frozen=True, slots=True)
class DeadLetterCount:
    """The number of letters of one source with one reason; times in ms since 1970."""

    code: str
    place: str
    source: str
    count: int
    oldest: int
    newest: int


@dataclass(frozen=True, slots=True)
class DeadLetterFilter:
    """Selects letters by reason, by source, and by ``since`` (received at or after, ms).

    None does not filter.
    """

    code: str | None = None
    source: str | None = None
    since: int | None = None

    def build_query(self) -> MutableDocument:
        """Return the MongoDB query of this filter."""
        query: MutableDocument = {
            name: value for name, value in (("code", self.code), ("source", self.source)) if value is not None
        }
        return query if self.since is None else {**query, "received": {"$gte": self.since}}


class DeadLetterStore:
    """The ``dead_letters`` collection. It never stores a letter that names an erased person."""

    def __init__(self, database: Database, tombstones: TombstoneStore) -> None:
        self._database = database
        self._tombstones = tombstones

    async def save(self, dead_letters: Sequence[DeadLetter]) -> None:
        """Save letters, each replacing an earlier one with the same id; durable when this returns.

        A letter that names an erased person, or that was itself erased, is not stored.
        """
        for start in range(0, len(dead_letters), BATCH_SIZE):
            await self._save_batch(dead_letters[start : start + BATCH_SIZE])

    async def _save_batch(self, dead_letters: Sequence[DeadLetter]) -> None:
        marks = {mark for dead_letter in dead_letters for mark in dead_letter.tombstone_marks}
        tombstone_ids = {mark: self._tombstones.id_of(mark) for mark in marks}

        async def work(session: Session) -> None:
            tombstones = await self._tombstones.find_by_mark(tombstone_ids, session)
            storable = [
                dead_letter for dead_letter in dead_letters if not _is_erased(dead_letter, tombstones)
            ]
            if not storable:
                return
            # An erasure that commits meanwhile changes the same gates, so one of the two transactions runs
            # again. Without that, both could commit and the letter would survive the erasure (write skew, see
            # ``tombstones``).
            gates = self._tombstones.build_gate_updates(
                mark for dead_letter in storable for mark in dead_letter.marks
            )
            await self._tombstones.write(gates, session)
            await self._database.bulk_write(COLLECTION, _build_upserts(storable), session=session)

        await self._database.run_transaction(work)

    async def count_by_reason(self) -> list[DeadLetterCount]:
        """Count the letters of each reason and source, sorted by these."""
        reason = {name: f"${name}" for name in ("code", "place", "source")}
        groups = await self._database.aggregate(
            COLLECTION,
            [
                {
                    "$group": {
                        "_id": reason,
                        "count": {"$sum": 1},
                        "oldest": {"$min": "$received"},
                        "newest": {"$max": "$received"},
                    }
                },
                {"$sort": {"_id": 1}},
            ],
        )
        return [DeadLetterCount(**group.pop("_id"), **group) for group in groups]

    async def count(self, dead_letter_filter: DeadLetterFilter) -> int:
        """Count the letters that a filter selects."""
        return await self._database.count(COLLECTION, dead_letter_filter.build_query())

    async def list_page(
        self, dead_letter_filter: DeadLetterFilter, after: bytes, limit: int
    ) -> list[DeadLetter]:
        """List selected letters whose id is greater than ``after``, in the order of ids."""
        # By id and not by offset: a replay deletes letters while it reads the pages.
        query = {**dead_letter_filter.build_query(), "_id": {"$gt": after}}
        documents = await self._database.find(COLLECTION, query, sort=[("_id", 1)], limit=limit)
        return [parse_dead_letter(document) for document in documents]

    async def list_naming(self, marks: Collection[bytes]) -> list[DeadLetter]:
        """List the letters that name any of these identifiers, without their content, by id."""
        fields = dict.fromkeys(("source", "code", "place", "received", "expires"), 1)
        documents = await self._database.find(
            COLLECTION, {"marks": {"$in": sorted(marks)}}, fields, sort=[("_id", 1)]
        )
        return [parse_dead_letter(document) for document in documents]

    async def set_reasons(self, reasons: Mapping[bytes, tuple[str, str]]) -> None:
        """Set the code and place for which letters are refused now, by letter id."""
        changes = [
            # Without upsert: a letter that an erasure has deleted meanwhile must not return.
            build_update({"_id": dead_letter}, {"$set": {"code": code, "place": place}})
            for dead_letter, (code, place) in reasons.items()
        ]
        await self._database.bulk_write(COLLECTION, changes)

    async def remove(self, dead_letters: Sequence[bytes]) -> None:
        """Delete letters by their ids."""
        if dead_letters:
            await self._database.delete_many(COLLECTION, {"_id": {"$in": list(dead_letters)}})


def parse_dead_letter(document: Document) -> DeadLetter:
    """Parse a stored letter, which may have been read without its content."""
    return DeadLetter(
        id=document["_id"],
        source=document["source"],
        code=document["code"],
        place=document["place"],
        received=document["received"],
        expires=read_ms(document["expires"]),
        dropped=document.get("dropped", 0),
        marks=tuple(document.get("marks", ())),
        sealed=document.get("sealed", b""),
    )


def build_dead_letter_document(dead_letter: DeadLetter) -> MutableDocument:
    """Build the stored document of a letter."""
    return {
        "_id": dead_letter.id,
        "source": dead_letter.source,
        "code": dead_letter.code,
        "place": dead_letter.place,
        "received": dead_letter.received,
        "expires": build_date(dead_letter.expires),
        "dropped": dead_letter.dropped,
        "marks": list(dead_letter.marks),
        "sealed": dead_letter.sealed,
    }


def _is_erased(dead_letter: DeadLetter, tombstones: Mapping[bytes, Tombstone]) -> bool:
    return any(
        mark in tombstones and tombstones[mark].blocks(dead_letter.received)
        for mark in dead_letter.tombstone_marks
    )


def _build_upserts(dead_letters: Sequence[DeadLetter]) -> list[WriteOperation]:
    operations = []
    for dead_letter in dead_letters:
        document = build_dead_letter_document(dead_letter)
        operations.append(build_update({"_id": document.pop("_id")}, {"$set": document}, upsert=True))
    return operations
