"""The names of a person in the ledger, for those who notify recipients, with the ids that recipients know.

A pairwise id of a client is derived from a customer id. For a time in which another customer's pseudonym
named the person, that customer's id is looked up in the merges and splits of the person. It is stored nowhere
else, so that it is gone once that customer is erased.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from discretion.catalogue.model import Catalogue
from discretion.ledger.subject_names import open_subject_names
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.ledger_pseudonym import LedgerKey, build_ledger_key
from discretion.store.ledger_names import SubjectNames
from discretion.store.people import CurrentCustomer
from discretion.store.person_stores import PersonStores
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class PersonNameReader:
    """Reads the names of customers who still exist; an erasure stores them before it destroys the keys."""

    stores: PersonStores
    catalogue: Catalogue
    buckets: BucketKeys = field(repr=False)

    async def read_names(
        self,
        customer: CurrentCustomer,
        records: Iterable[SourceRecord] | None = None,
        session: Session | None = None,
    ) -> SubjectNames:
        """Return the names of a customer; ``records`` are their source records, if they were read already."""
        if records is None:
            records = await self.stores.source_records.list_ledger_periods(customer.id)
        names = open_subject_names(self._open_keys(customer), records, self.catalogue.find_path)
        own = {pseudonym.value for pseudonym in names.pseudonyms}
        missing = {period.pseudonym for period in names.periods} - own
        customers = await self._find_customers(customer, missing, session) if missing else {}
        return replace(
            names,
            periods=tuple(
                replace(period, customer=customers.get(period.pseudonym)) for period in names.periods
            ),
        )

    def _open_keys(self, customer: CurrentCustomer) -> list[LedgerKey]:
        return [
            build_ledger_key(customer_id, self.buckets.unwrap(customer_id, wrapped_key))
            for customer_id, wrapped_key in customer.wrapped_keys.items()
        ]

    async def _find_customers(
        self, customer: CurrentCustomer, pseudonyms: set[bytes], session: Session | None
    ) -> dict[bytes, bytes]:
        """Return the customers with these pseudonyms who still exist, among those it was merged with.

        A record may have been taken over several times, so the customers of those customers count too.
        """
        customers: dict[bytes, bytes] = {}
        seen, frontier = set(customer.ids), set(customer.ids)
        while frontier and customers.keys() < pseudonyms:
            changes = await self.stores.identity_events.of(sorted(frontier), None, 0, session)
            frontier = {customer_id for change in changes for customer_id in change.customers} - seen
            seen |= frontier
            for customer_id in sorted(frontier):
                current = await self.stores.people.current(customer_id, session)
                for key in [] if current is None else self._open_keys(current):
                    if key.pseudonym in pseudonyms:
                        customers[key.pseudonym] = key.customer
        return customers
