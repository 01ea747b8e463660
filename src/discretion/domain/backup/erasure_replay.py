"""Erasure of people in a restored database, by the same map of places as the erasure itself.

No server runs on the database meanwhile, so no transactions are needed. An interrupted replay is started
again from the beginning. It ends with a search for everybody it erased.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.domain.erasure.erasure_snapshot import (
    list_named_entries,
    list_named_rulings,
    split_identifiers,
)
from discretion.domain.identity.person_rewrite import PersonRewriter
from discretion.errors import Broken
from discretion.store.places.eraser import Erasure, PlaceEraser
from discretion.store.places.place import ErasedIds, Stage
from discretion.store.places.place_map import list_removal_places
from discretion.store.places.search import IdSearch
from discretion.store.source_record import SourceRecord
from discretion.store.tombstones import TombstoneStore
from discretion.store.transactions import PendingWrite, Session

REPLAY_BATCH = 200
"""Customers or records that are processed at a time."""


@dataclass(frozen=True, slots=True)
class ErasedPeople:
    """The people to erase, and the tombstones to write: time of erasure (ms) by tombstone id."""

    customers: frozenset[bytes] = field(default=frozenset(), repr=False)
    records: frozenset[bytes] = field(default=frozenset(), repr=False)
    tombstones: Mapping[bytes, int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ErasureReplay:
    """Takes erased people out of a restored database."""

    rewriter: PersonRewriter
    eraser: PlaceEraser
    search: IdSearch
    tombstones: TombstoneStore

    async def run(self, people: ErasedPeople) -> None:
        """Write the tombstones, take the people out of every place, and check that none is left.

        Raises:
            Broken: ``RESTORE_INCOMPLETE``; the message names the collections that still contain an id.
        """
        await self.tombstones.restore(people.tombstones)
        at = max(people.tombstones.values(), default=self.rewriter.write_context().now_ms)
        erased_ids = {*people.customers, *people.records}
        for customers, records in _split_batches(people):
            erased_ids |= await self._erase_batch(customers, records, people, at)
        erased_ids |= await self._erase_dead_letters(people, at)
        remaining = await self.search.find_everywhere(sorted(erased_ids), is_offline=True)
        if remaining.found_in:
            raise Broken(
                "RESTORE_INCOMPLETE",
                f"Data of erased people are left in {', '.join(remaining.found_in)} after the restore.",
                "The database is not served. Report this as a defect of Discretion.",
            )

    async def describe_people(self, customers: Sequence[bytes], at: int) -> ErasedPeople:
        """Return what the ledger would have of customers who were erased at a time (ms)."""
        records, tombstones = set[bytes](), dict[bytes, int]()
        for start in range(0, len(customers), REPLAY_BATCH):
            _, ids = await self._read_batch(customers[start : start + REPLAY_BATCH], ())
            records |= ids.records
            tombstones |= {self.tombstones.id_of(mark): at for mark in (*ids.records, *ids.identifiers)}
        return ErasedPeople(frozenset(customers), frozenset(records), tombstones)

    async def _read_batch(
        self, customers: Sequence[bytes], named_records: Sequence[bytes]
    ) -> tuple[Sequence[SourceRecord], ErasedIds]:
        """Return the source records of some customers and of some names, and all ids of what is erased."""
        stores = self.rewriter.stores
        documents = await stores.source_records.list_concerning(customers, named_records)
        records = {*named_records, *(document.id for document in documents)}
        identifiers = await stores.identifiers.list_concerning(list_named_entries(documents), records)
        catalogue = self.rewriter.write_context().catalogue
        entries = await split_identifiers(stores, catalogue, documents, identifiers, records)
        rulings = frozenset(list_named_rulings(documents))
        return documents, ErasedIds(frozenset(customers), frozenset(records), entries.own, rulings)

    async def _erase_batch(
        self, customers: Sequence[bytes], named_records: Sequence[bytes], people: ErasedPeople, at: int
    ) -> set[bytes]:
        """Erase some customers and some source records, which may belong to others; return all their ids."""
        documents, ids = await self._read_batch(customers, named_records)
        # After a merge and a split, an erased record may have belonged to a customer who is not erased.
        living_customers = {document.customer for document in documents} - people.customers
        await self._erase_ids(ids, at)
        # Last: these profiles are computed from the records that remain.
        for customer in sorted(living_customers):
            await self._rebuild_profile(customer)
        return {*ids.records, *ids.identifiers}

    async def _erase_dead_letters(self, people: ErasedPeople, at: int) -> set[bytes]:
        """Erase what refused messages alone name: the ledger has only tombstones of it. Return the ids."""
        marks = {
            mark
            for mark in await self.eraser.list_dead_letter_marks()
            if self.tombstones.id_of(mark) in people.tombstones
        }
        identifiers = self.rewriter.stores.identifiers
        # An identifier that is stored after the batches belongs to somebody who is not erased.
        marks -= {identifier.entry for identifier in await identifiers.list_by_entries(marks)}
        await self._erase_ids(ErasedIds(identifiers=frozenset(marks)), at)
        return marks

    async def _erase_ids(self, ids: ErasedIds, at: int) -> None:
        erasure = Erasure(ids, at, is_offline=True)
        for stage in Stage:
            for place in list_removal_places(stage):
                while await self.eraser.erase_some(place, erasure):
                    continue

    async def _rebuild_profile(self, customer: bytes) -> None:
        """Rebuild the profile of a remaining customer who had a source record of an erased person."""

        async def rebuild_profile(session: Session) -> None:
            rewrite = self.rewriter.begin(session)
            await rewrite.reader.read_customers([customer])
            evidence = rewrite.evidence
            for record in list(evidence.records.values()):
                evidence.edit(record)
            removals: list[PendingWrite] = []
            if not evidence.records and customer in evidence.customers:
                version = evidence.customers[customer].version
                removals.append(self.rewriter.stores.people.plan_delete(customer, version))
            await rewrite.write(extra_writes=removals)

        await self.rewriter.stores.transactions.run(rebuild_profile)


def _split_batches(people: ErasedPeople) -> Iterable[tuple[list[bytes], list[bytes]]]:
    customers, records = sorted(people.customers), sorted(people.records)
    for start in range(0, max(len(customers), len(records)), REPLAY_BATCH):
        batch = slice(start, start + REPLAY_BATCH)
        yield customers[batch], records[batch]
