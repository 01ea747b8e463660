"""Restore of a dump: people erased since the dump stay erased, and all other customers can be read.

The database is marked as being restored first and unmarked last. No server starts on a marked database,
whatever happens in between. A dump may contain data keys wrapped under bucket keys that were destroyed since.
The present wrapped keys of the remaining customers are stored beside the key file
(``seal/rewrapped_keys.py``). A customer who has none there was erased, or was merged into another customer,
and is deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from discretion.domain.backup.dump import ProgressCallback, check_dump, check_dump_schema
from discretion.domain.backup.erasure_replay import ErasedPeople, ErasureReplay
from discretion.domain.backup.lost_erasures import derive_erasure_id, find_lost_erasures
from discretion.domain.erasure.erasure_ledger import ErasureEntry
from discretion.domain.erasure.erasure_log import ErasureLog
from discretion.errors import BadRequest, Broken, Misconfigured
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.rewrapped_keys import RewrappedKeyFiles
from discretion.store.dump import DumpStore, read_bson_file
from discretion.store.erasures import COLLECTION as ERASURES
from discretion.store.erasures import read_dumped_erasures
from discretion.store.places.place import PlaceKind
from discretion.store.places.place_map import list_places
from discretion.store.retained_data import RetainedDataStore
from discretion.store.source_records import SourceRecordStore
from discretion.store.wrapped_keys import WrappedKey, WrappedKeyStore, read_dumped_keys


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """Number of replayed erasures, of renewed keys, and of other customers without a key."""

    replayed_erasures: int
    renewed_keys: int
    unreadable_customers: int


@dataclass(frozen=True, slots=True)
class RestoreStores:
    """What a restore reads and writes itself: whole collections, wrapped keys, and what has lost its key."""

    dumps: DumpStore
    keys: WrappedKeyStore
    source_records: SourceRecordStore
    retained: RetainedDataStore


class DatabaseRestore:
    """Restores dumps into a database."""

    def __init__(
        self,
        stores: RestoreStores,
        buckets: BucketKeys,
        erasure_log: ErasureLog,
        erasure_replay: ErasureReplay,
        clock: Callable[[], int],
    ) -> None:
        self._stores = stores
        self._buckets = buckets
        self._erasure_log = erasure_log
        self._erasure_replay = erasure_replay
        self._clock = clock
        self._survivors: dict[int, dict[bytes, bytes]] = {}
        self._rewrapped = RewrappedKeyFiles(buckets.file.path.parent / "rewrapped")

    async def run(
        self, source: Path, report: ProgressCallback, *, replace: bool, accept_lost_ledger: bool = False
    ) -> RestoreResult:
        """Load a dump, then replay the erasures.

        Raises:
            BadRequest: ``BACKUP_UNREADABLE``; or ``RESTORE_NOT_EMPTY``, the database has data and ``replace``
                is not set. Nothing was changed.
            Misconfigured: ``BACKUP_SCHEMA_DIFFERS``; ``KEYS_MISSING``, the keys decrypt no customer of the
                dump; or ``ERASURE_LEDGER_LOST``, and it is not accepted. Nothing was changed.
        """
        manifest = check_dump(source)
        check_dump_schema(source, manifest)
        present_counts = await self._stores.dumps.count_all()
        # An interrupted restore is repeated without --replace: what it loaded is incomplete anyway.
        if present_counts and not replace and not await self._erasure_log.erasures.is_restoring():
            raise BadRequest(
                "RESTORE_NOT_EMPTY",
                f"The database contains {sum(present_counts.values())} documents.",
                "Restore into an empty database, or replace all of them with --replace.",
            )
        self._buckets.reload_if_changed()
        self._survivors.clear()
        # The last checks: from the next line on, the database is changed.
        self._check_keys(source)
        if not accept_lost_ledger:
            await self._require_ledger(source)
        await self._erasure_log.erasures.begin_restore(self._clock())
        for place in list_places(PlaceKind.COLLECTION):
            # The mark is a document in ``erasures``: it must outlive the deletion of everything else.
            if place.name != ERASURES and not place.outlives_restore:
                await self._stores.dumps.delete_all(place.name)
        # The dump has its own documents of `erasures`. Entries of the ledger that are
        # not among them are replayed.
        await self._erasure_log.erasures.delete_all()
        for name in manifest.files:
            for batch in read_bson_file(source / f"{name}.bson"):
                await self._stores.dumps.insert_missing(name, batch)
                report(name, len(batch))
        return await self.replay(accept_lost_ledger=accept_lost_ledger)

    async def replay(self, *, accept_lost_ledger: bool = False) -> RestoreResult:
        """Renew the wrapped keys, erase everyone who was erased since the dump, and unmark the database.

        With ``accept_lost_ledger``, people whose erasure the ledger lacks are erased by their destroyed keys,
        and written to it.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_MISSING``, ``ERASURE_LEDGER_BROKEN`` or ``ERASURE_LEDGER_LOST``.
            Broken: ``RESTORE_INCOMPLETE``; data of erased people are left, and the database stays marked.
        """
        self._buckets.reload_if_changed()
        if accept_lost_ledger:
            await self._erasure_log.forget_lost()
        missing = await self._erasure_log.list_missing()
        # With --replay-only the database is not marked yet.
        await self._erasure_log.erasures.begin_restore(self._clock())
        # Before the erasures are replayed: the replay rebuilds profiles, and
        # unwraps their data keys for that.
        renewed_keys, unreadable, former_ids = await self._renew_keys()
        lost = find_lost_erasures(self._erasure_log.ledger.read_entries(), unreadable, ())
        if lost.people and not accept_lost_ledger:
            lost.require_none(self._erasure_log.ledger.path)
        replayed = [*missing, *([await self._write_lost_entry(lost.people)] if lost.people else [])]
        # A former id without a key was split off after the dump and then erased. Its records
        # are those whose home it was.
        home_records = await self._stores.source_records.list_ids_by_home(former_ids)
        erased = {customer for entry in replayed for customer in entry.customers}
        await self._erasure_replay.run(
            ErasedPeople(
                frozenset(erased | unreadable),
                frozenset(record for entry in replayed for record in entry.records) | frozenset(home_records),
                {tombstone: entry.at for entry in replayed for tombstone in entry.tombstones},
            )
        )
        # Only now: an erasure that is marked as logged would not be replayed again after a crash.
        await self._erasure_log.erasures.mark_logged([(entry.id, entry.at) for entry in replayed])
        await self._erasure_log.erasures.end_restore()
        return RestoreResult(len(missing), renewed_keys, len(lost.people))

    async def _write_lost_entry(self, people: frozenset[bytes]) -> ErasureEntry:
        """Write the erasure of people who are recognised by their destroyed keys to the ledger."""
        described = await self._erasure_replay.describe_people(sorted(people), self._clock())
        entry = ErasureEntry(
            derive_erasure_id(people),
            self._clock(),
            tuple(sorted(described.tombstones)),
            tuple(sorted(described.records)),
            tuple(sorted(people)),
        )
        await self._erasure_log.ledger.append_entry(entry)
        return entry

    async def _require_ledger(self, source: Path) -> None:
        """Check that the ledger has every erasure that the dump, the database or the keys show.

        Raises:
            Misconfigured: ``ERASURE_LEDGER_LOST``.
        """
        logged = await self._erasure_log.erasures.list_logged()
        recorded = {erasure for erasure, has_line in logged.items() if has_line}
        recorded |= read_dumped_erasures(source)
        unreadable = {
            customer
            for customer, key in read_dumped_keys(source)
            if self._find_current_key(customer, key) is None
        }
        ledger = self._erasure_log.ledger
        find_lost_erasures(
            ledger.read_entries(),
            unreadable,
            recorded,
            is_ledger_missing=not ledger.path.exists() and self._buckets.ring.has_destroyed_keys(),
        ).require_none(ledger.path)

    def _check_keys(self, source: Path) -> None:
        """Check that the keys belong to the dump. With other keys every customer would be treated as erased.

        Customers that the ledger lists as erased are not counted, since their keys are destroyed.

        Raises:
            Misconfigured: ``KEYS_MISSING``.
        """
        erased = {
            customer for entry in self._erasure_log.ledger.read_entries() for customer in entry.customers
        }
        has_living_customer = False
        for customer, key in read_dumped_keys(source):
            if self._find_current_key(customer, key) is not None:
                return
            has_living_customer = has_living_customer or customer not in erased
        if has_living_customer:
            raise Misconfigured(
                "KEYS_MISSING",
                f"No customer of this dump can be read with the keys in {self._buckets.file.path.parent}.",
                "Put the latest copy of the key folder there, and use the root key that belongs to it.",
            )

    async def _renew_keys(self) -> tuple[int, set[bytes], set[bytes]]:
        """Replace outdated wrapped keys by the present ones and delete retained data without a key.

        Returns:
            The number of renewed keys, the customers without a key, and the former customer ids without a
            key.
        """
        renewed_keys, unreadable, former_ids, retained_ids = 0, set[bytes](), set[bytes](), set[bytes]()
        async for batch in self._stores.keys.stream_all():
            changes: list[tuple[WrappedKey, bytes]] = []
            for wrapped in batch:
                key = self._find_current_key(wrapped.customer, wrapped.key)
                if key is None:
                    if wrapped.location.collection == "held":
                        retained_ids.add(wrapped.customer)
                    elif wrapped.location.list_field:  # in the list of former customers
                        former_ids.add(wrapped.customer)
                    else:
                        unreadable.add(wrapped.customer)
                elif key != wrapped.key:
                    changes.append((wrapped, key))
            renewed_keys += await self._stores.keys.replace(changes)
        await self._stores.retained.delete(sorted(retained_ids))
        return renewed_keys, unreadable, former_ids

    def _find_current_key(self, customer: bytes, key: bytes) -> bytes | None:
        """Return the wrapped key that opens a customer's data now; None if there is none."""
        if self._can_open(customer, key):
            return key
        bucket = self._buckets.bucket_of(customer)
        if bucket not in self._survivors:
            self._survivors[bucket] = self._rewrapped.read(bucket)
        replacement = self._survivors[bucket].get(customer)
        return replacement if replacement is not None and self._can_open(customer, replacement) else None

    def _can_open(self, customer: bytes, key: bytes) -> bool:
        # A key that was destroyed just now may still be in memory. It must not count as usable.
        if not self._buckets.is_key_live(key):
            return False
        try:
            self._buckets.unwrap(customer, key)
        except Broken:
            return False
        return True
