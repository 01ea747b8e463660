"""Tombstones: what must not come back, by keyed digests of names, records and messages.

A document is ``{_id, at}``: erased at ``at`` (ms). The name of somebody who came back also has ``back``: what
happened from then on is taken in again, what happened before never is.

Two transactions that run beside each other do not see each other's writes; MongoDB only refuses that both
change one document (snapshot isolation, Berenson et al. 1995, which lets write skew through). Whoever takes
messages in changes the customer that an erasure deletes, so one of the two runs again. Who keeps a refused
message changes nobody: they and an erasure both change a *gate*, one of 256 documents by the first byte of
a name's digest, and so meet there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from discretion.seal.blind_index import BlindIndex
from discretion.store.driver.database import Database, Operation, Session, update

COLLECTION = "tombstones"


@dataclass(frozen=True, slots=True)
class Stone:
    """When something was erased (ms), and from when on it may be named again."""

    at: int
    back: int | None = None

    def bars(self, happened: int) -> bool:
        """Whether what happened at a moment stays out."""
        return self.back is None or happened < self.back


class Tombstones:
    """The ``tombstones`` collection. Names are blind marks: of identifiers, source records and messages."""

    def __init__(self, database: Database, blind: BlindIndex) -> None:
        self._database = database
        self._blind = blind

    def of(self, name: bytes) -> bytes:
        """The tombstone of a name."""
        return self._blind.of("tombstone", name.hex())

    async def over(self, ids: Mapping[bytes, bytes], session: Session | None = None) -> dict[bytes, Stone]:
        """The tombstones that stand, by name, among these (ids by name), in one query."""
        wanted = {"_id": {"$in": list(ids.values())}}
        found = await self._database.find(COLLECTION, wanted, session=session)
        stones = {one["_id"]: Stone(one["at"], one.get("back")) for one in found}
        return {name: stones[one] for name, one in ids.items() if one in stones} if stones else {}

    def raised(self, names: Iterable[bytes], at: int) -> list[Operation]:
        """Writes that put tombstones over names; whoever had come back is gone again."""
        change = {"$set": {"at": at}, "$unset": {"back": ""}}
        return [update({"_id": self.of(name)}, change, upsert=True) for name in sorted(set(names))]

    def lifted(self, backs: Mapping[bytes, int]) -> list[Operation]:
        """Writes that let names be named from a moment on."""
        return [
            update({"_id": self.of(name)}, {"$set": {"back": back}}) for name, back in sorted(backs.items())
        ]

    def passed(self, names: Iterable[bytes]) -> list[Operation]:
        """Writes by which who keeps a refused message meets whoever erases somebody it names."""
        gates = sorted({self.of(name)[:1] for name in names})
        return [update({"_id": gate}, {"$set": {"at": 0}, "$inc": {"n": 1}}, upsert=True) for gate in gates]

    async def write(self, operations: Sequence[Operation], session: Session) -> None:
        """Send writes."""
        await self._database.bulk_write(COLLECTION, operations, session=session)

    async def restore(self, ids: Iterable[bytes], at: int) -> None:
        """Put tombstones back by their own ids, as an erasure ledger has them.

        One that is there stands as it is: it may have been lifted since.
        """
        operations = [
            update({"_id": one}, {"$setOnInsert": {"at": at}}, upsert=True) for one in sorted(set(ids))
        ]
        await self._database.bulk_write(COLLECTION, operations)
