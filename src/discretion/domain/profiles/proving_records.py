"""Source records whose proofs count for their customer when somebody asks for the data of that customer.

A record without an account or loyalty number, such as the cookie of a browser that several people use, is
attached to whoever logged in there. Somebody else at the same browser may confirm an address of their own. So
such a record proves nothing for a customer who has a record with a number. It counts where the customer has
none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from discretion.store.identifiers import NamedIdentifier
from discretion.store.identities import IdentityStore
from discretion.store.source_record import SourceRecord


def select_proving_records(records: Iterable[SourceRecord]) -> list[SourceRecord]:
    """Return the records that count for their customers, in the same order.

    Of a customer with a numbered record these are the numbered ones and the corrections of these; of another
    customer all.

    Args:
        records: Of each customer at least the records with a number.
    """
    given = list(records)
    numbered = {record.id for record in given if record.number_assurance is not None}
    numbered_customers = {record.customer for record in given if record.id in numbered}
    return [
        record
        for record in given
        if record.customer not in numbered_customers or record.id in numbered or record.corrects in numbered
    ]


async def select_proving_mentions(identities: IdentityStore, named: NamedIdentifier) -> NamedIdentifier:
    """Return an identifier with only those records that name it and count for their customers."""
    numbered = await identities.list_numbered({record.customer for record in named.records})
    records = {record.id: record for record in (*numbered, *named.records)}
    proving = {record.id for record in select_proving_records(records.values())}
    return replace(named, records=tuple(record for record in named.records if record.id in proving))
