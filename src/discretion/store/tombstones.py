"""Tombstones: keyed digests of erased identifiers, records and messages, which must not be taken in again.

A document is ``{_id, at}``: erased at ``at`` (ms). For a person who returned after an erasure it also has
``back`` (ms): data from then on are taken in, data from before never are.

Two concurrent transactions do not see each other's writes; MongoDB only prevents that both change one
document (snapshot isolation, which permits write skew: Berenson et al. 1995). The ingestion of messages
changes the customer whom an erasure deletes, so one of the two transactions runs again. The storage of a dead
letter changes no customer. Therefore it and an erasure both change a *gate*, one of 256 documents selected by
the first byte of the tombstone's id, and so conflict there. A gate is ``{_id: one byte, at: 0, n: counter}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from discretion.seal.blind_index import BlindIndex
from discretion.store.driver.database import Database, Session, WriteOperation, build_update

COLLECTION = "tombstones"


@dataclass(frozen=True, slots=True)
class Tombstone:
    """When something was erased (ms), and from when on it is taken in again."""

    erased_at: int
    back_at: int | None = None

    def blocks(self, happened_at: int) -> bool:
        """Return whether data from a time (ms) must stay out."""
        return self.back_at is None or happened_at < self.back_at


class TombstoneStore:
    """The ``tombstones`` collection.

    A mark is a blind index of an identifier, a source record or a message.
    """

    def __init__(self, database: Database, blind: BlindIndex) -> None:
        self._database = database
        self._blind = blind

    def id_of(self, mark: bytes) -> bytes:
        """Return the tombstone id of a mark.

        The mark is hashed again with the key, so a tombstone cannot be joined with a mark stored elsewhere.
        """
        return self._blind.index("tombstone", mark.hex())

    async def find_by_mark(
        self, ids: Mapping[bytes, bytes], session: Session | None = None
    ) -> dict[bytes, Tombstone]:
        """Return the existing tombstones by mark, with one query.

        Args:
            ids: Tombstone ids by mark.
            session: The transaction, if any.
        """
        query = {"_id": {"$in": list(ids.values())}}
        documents = await self._database.find(COLLECTION, query, session=session)
        if not documents:
            return {}
        tombstones = {
            document["_id"]: Tombstone(document["at"], document.get("back")) for document in documents
        }
        return {
            mark: tombstones[tombstone_id] for mark, tombstone_id in ids.items() if tombstone_id in tombstones
        }

    def build_erasures(self, marks: Iterable[bytes], at: int) -> list[WriteOperation]:
        """Return the writes that set tombstones for marks; a return before this erasure no longer counts."""
        change = {"$set": {"at": at}, "$unset": {"back": ""}}
        return [build_update({"_id": self.id_of(mark)}, change, upsert=True) for mark in sorted(set(marks))]

    def build_readmissions(self, back_times: Mapping[bytes, int]) -> list[WriteOperation]:
        """Return the writes that allow marks again from a time (ms) on."""
        return [
            # Without upsert: a mark that was never erased needs no permission to return.
            build_update({"_id": self.id_of(mark)}, {"$set": {"back": back}})
            for mark, back in sorted(back_times.items())
        ]

    def build_gate_updates(self, marks: Iterable[bytes]) -> list[WriteOperation]:
        """Return the writes that make storing a dead letter conflict with an erasure of a person it names."""
        # A gate has an id of one byte and a tombstone one of 16, so no search for a mark finds a gate.
        gates = sorted({self.id_of(mark)[:1] for mark in marks})
        # MongoDB does not write an update that changes nothing, and such an update conflicts with no other.
        # So the counter ``n`` changes every time.
        return [
            build_update({"_id": gate}, {"$set": {"at": 0}, "$inc": {"n": 1}}, upsert=True) for gate in gates
        ]

    async def write(self, operations: Sequence[WriteOperation], session: Session | None = None) -> None:
        """Send writes, in a transaction if there is one."""
        await self._database.bulk_write(COLLECTION, operations, session=session)

    async def restore(self, erased_at: Mapping[bytes, int]) -> None:
        """Restore tombstones by their own ids, each with the time of the erasure (ms), from the ledger.

        A restored database may know an earlier erasure and the return after it, which no longer count.
        """
        operations = [
            build_update({"_id": tombstone_id}, {"$set": {"at": at}, "$unset": {"back": ""}}, upsert=True)
            for tombstone_id, at in sorted(erased_at.items())
        ]
        await self._database.bulk_write(COLLECTION, operations)
