"""Restoring a dump: whoever was erased since does not come back, and everybody else can be read.

The database is marked first and unmarked last; in between nobody is served from it, whatever happens.
A dump has keys that were wrapped under bucket keys since destroyed. Survivors' present ones are beside the
key file; whoever has none there was erased, or became part of somebody else, and is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from discretion.domain.backup.dump import Told, checked
from discretion.domain.backup.erasure_replay import Banish, Gone
from discretion.domain.erasure.erasure_log import Remember
from discretion.errors import BadRequest, Broken, Misconfigured
from discretion.seal.bucket_keys import Buckets
from discretion.seal.rewrapped_keys import Rewrapped
from discretion.store.driver.database import Database
from discretion.store.dump import counted, load, written
from discretion.store.erasures import COLLECTION as ERASURES
from discretion.store.schema.collections import COLLECTIONS
from discretion.store.wrapped_keys import Wrapped, WrappedKeys


@dataclass(frozen=True, slots=True)
class Restored:
    """What came of it: erasures replayed, keys renewed, and others of whom there is no key any more."""

    replayed: int
    renewed: int
    dead: int


class Restore:
    """See the module."""

    def __init__(
        self,
        database: Database,
        buckets: Buckets,
        remember: Remember,
        banish: Banish,
        clock: Callable[[], int],
    ) -> None:
        self._database = database
        self._buckets = buckets
        self._remember = remember
        self._banish = banish
        self._clock = clock
        self._keys = WrappedKeys(database)
        self._survivors: dict[int, dict[bytes, bytes]] = {}
        self._rewrapped = Rewrapped(buckets.file.path.parent / "rewrapped")

    async def __call__(self, source: Path, told: Told, *, replace: bool) -> Restored:
        """Load a dump, and then what ``replay`` does.

        Raises:
            BadRequest: ``BACKUP_UNREADABLE``; ``RESTORE_NOT_EMPTY``, there are data and they are not to be
                replaced. Nothing was changed.
            Misconfigured: ``KEYS_MISSING``; no customer of the dump can be read. Nothing was changed.
        """
        manifest = checked(source)
        there = await counted(self._database)
        if there and not replace and not await self._remember.erasures.restoring():
            raise BadRequest(
                "RESTORE_NOT_EMPTY",
                f"The database holds {sum(there.values())} documents.",
                "Restore into an empty one, or have all of them replaced with --replace.",
            )
        self._buckets.look()
        self._survivors.clear()
        self._opening(source)
        await self._remember.erasures.restore(self._clock())
        for collection in COLLECTIONS:
            if collection.name != ERASURES:
                await self._database.delete_many(collection.name, {})
        await self._remember.erasures.empty()
        for name in manifest.files:
            for batch in written(source / f"{name}.bson"):
                await load(self._database, name, batch)
                told(name, len(batch))
        return await self.replay()

    async def replay(self) -> Restored:
        """Have survivors' keys renewed and everybody erased since taken out; then the database may serve.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_MISSING`` or ``ERASURE_LEDGER_BROKEN``.
        """
        self._buckets.look()
        missing = await self._remember.missing()
        await self._remember.erasures.restore(self._clock())
        renewed, dead, former = await self._renew()
        home = await self._database.find("source_records", {"home": {"$in": sorted(former)}}, {"_id": 1})
        erased = {customer for one in missing for customer in one.customers}
        await self._banish(
            Gone(
                frozenset(erased | dead),
                frozenset(record for one in missing for record in one.records) | {one["_id"] for one in home},
                {stone: one.at for one in missing for stone in one.tombstones},
            )
        )
        await self._remember.erasures.written([(one.id, one.at) for one in missing])
        await self._remember.erasures.restored()
        return Restored(len(missing), renewed, len(dead - erased))

    def _opening(self, source: Path) -> None:
        """See that these are the keys of the dump: with others everybody would be taken for erased.

        Whoever the ledger knows to be erased says nothing about the keys.
        """
        erased = {customer for one in self._remember.ledger.read() for customer in one.customers}
        met = False
        for batch in written(source / "customers.bson"):
            for one in batch:
                if self._present(one["_id"], one["key"]) is not None:
                    return
                met = met or one["_id"] not in erased
        if met:
            raise Misconfigured(
                "KEYS_MISSING",
                f"No customer of this dump can be read with the keys in {self._buckets.file.path.parent}.",
                "Put the latest copy of the folder of keys there, with the root key that goes with it.",
            )

    async def _renew(self) -> tuple[int, set[bytes], set[bytes]]:
        """How many keys were renewed, and whose is gone: customers, and former ids of customers."""
        renewed, dead, former, held = 0, set[bytes](), set[bytes](), set[bytes]()
        async for batch in self._keys.all():
            changes: list[tuple[Wrapped, bytes]] = []
            for one in batch:
                key = self._present(one.customer, one.key)
                if key is None:
                    lost = held if one.place.collection == "held" else former if one.place.inside else dead
                    lost.add(one.customer)
                elif key != one.key:
                    changes.append((one, key))
            renewed += await self._keys.replace(changes)
        await self._database.delete_many("held", {"_id": {"$in": sorted(held)}})
        return renewed, dead, former

    def _present(self, customer: bytes, key: bytes) -> bytes | None:
        """The wrapped key by which a customer can be read now; None if there is none."""
        if self._opens(customer, key):
            return key
        bucket = self._buckets.bucket(customer)
        if bucket not in self._survivors:
            self._survivors[bucket] = self._rewrapped.read(bucket)
        later = self._survivors[bucket].get(customer)
        return later if later is not None and self._opens(customer, later) else None

    def _opens(self, customer: bytes, key: bytes) -> bool:
        if not self._buckets.lives(key):
            return False
        try:
            self._buckets.unwrap(customer, key)
        except Broken:
            return False
        return True
