"""Revealing an address that a customer has proven, to send a message to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet

from discretion.catalogue.assurance import Assurance
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.requests.code_addresses import EMAIL_TYPE
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.cell import identifier_cell_key
from discretion.seal.normalisation import normalise_email
from discretion.store.source_record import SourceRecord

ADDRESS_LABEL = "contact"
"""What the ledger records if an address was revealed to send a message to it."""


async def reveal_first_address(
    info: ResolverInfo,
    row: CustomerRow,
    records: Iterable[SourceRecord],
    known_addresses: Mapping[bytes, int],
) -> tuple[bytes, str] | None:
    """Return the address that was proven first, see ``reveal_addresses``; None if there is none."""
    addresses = await reveal_addresses(info, row, records, known_addresses, 1)
    return addresses[0] if addresses else None


async def reveal_addresses(
    info: ResolverInfo,
    row: CustomerRow,
    records: Iterable[SourceRecord],
    known_addresses: Mapping[bytes, int],
    limit: int | None = None,
) -> list[tuple[bytes, str]]:
    """Return addresses, the earliest proven first, each as its blind index and as its owner spells it.

    Args:
        info: The resolver's context; the ledger records that an address was revealed.
        row: The customer.
        records: Records of theirs, with their identifiers of this type.
        known_addresses: The addresses that count, with the times of their proofs.
        limit: Addresses at most; None for all.
    """
    emails = {
        email.entry: email
        for record in records
        for email in record.identifiers
        # As whoever proved it spells it, and nobody who claims it.
        if email.entry in known_addresses and Assurance.PROVEN in email.times
    }
    reading, resources = info.context.require_reading(), info.context.resources
    keys = {each.key for each in resources.catalogue.attributes.values() if each.identifier == EMAIL_TYPE}
    # Also without an address: the time must not show whether there is one.
    spellings = await resources.identities.list_spellings(row.id, keys)
    addresses = []
    for entry in sorted(emails, key=lambda entry: (known_addresses[entry], entry))[:limit]:
        cell_key = identifier_cell_key(entry)
        address = str(reading.reveal_cell(row, emails[entry].cell, cell_key, ADDRESS_LABEL))
        addresses.append((entry, _find_spelling(reading, row, spellings, keys, address)))
    return addresses


def _find_spelling(
    reading: Reading, row: CustomerRow, records: Iterable[SourceRecord], keys: AbstractSet[str], address: str
) -> str:
    """Return an address as its owner spells it: a host may distinguish the case of the local part."""
    for record in records:
        for key in sorted(keys & record.cells.keys()):
            sealed = record.cells[key].sealed
            if sealed is not None:
                spelling = str(reading.reveal_cell(row, sealed, key, ADDRESS_LABEL))
                if normalise_email(spelling) == address:
                    return spelling
    return address
