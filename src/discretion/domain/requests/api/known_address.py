"""Revealing an address that a customer has proven, to send a message to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.requests.proven_spelling import AddressSpellings
from discretion.reveal.revealer import CustomerRow
from discretion.store.source_record import SourceRecord


async def reveal_first_address(
    info: ResolverInfo,
    row: CustomerRow,
    records: Iterable[SourceRecord],
    known_addresses: Mapping[bytes, int],
) -> tuple[bytes, str] | None:
    """Return the address that was proven first, see ``AddressSpellings.reveal``; None if there is none."""
    addresses = await reveal_addresses(info, row, records, known_addresses, 1)
    return addresses[0] if addresses else None


async def reveal_addresses(
    info: ResolverInfo,
    row: CustomerRow,
    records: Iterable[SourceRecord],
    known_addresses: Mapping[bytes, int],
    limit: int | None = None,
) -> list[tuple[bytes, str]]:
    """Return addresses of the customer of a row; see ``AddressSpellings.reveal``."""
    resources = info.context.resources
    spellings = AddressSpellings(resources.identities, resources.catalogue)
    return await spellings.reveal(info.context.require_reading(), row, records, known_addresses, limit)
