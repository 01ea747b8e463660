"""The addresses that a notice about a join goes to: those that the logins of a customer have proven.

Only records of logins count. A record without a number that is attached to the customer may be of a visit
of somebody else to the same browser, and the address that it has proven may be theirs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from discretion.domain.identity.owner_notice import find_logins
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.requests.api.known_address import reveal_addresses
from discretion.domain.requests.code_addresses import EMAIL_TYPE, find_proven_addresses
from discretion.reveal.revealer import CustomerRow


@dataclass(frozen=True, slots=True)
class InformedLogins:
    """The logins of a customer, and how they are informed.

    Attributes:
        records: Ids of the records of the logins.
        addresses: Every current address that one of these records has proven.
        are_all_reachable: Whether each login has such an address.
    """

    records: frozenset[bytes]
    addresses: Sequence[str] = field(repr=False)
    are_all_reachable: bool


async def find_informed_logins(info: ResolverInfo, row: CustomerRow) -> InformedLogins:
    """Return the logins of a customer with their addresses; the ledger records that these were revealed."""
    identities = info.context.resources.identities
    logins = await _find_logins(info, row.id)
    login_records = _list_records(logins)
    # All records, because what the person has corrected does not count either.
    emails = await identities.list_identifiers(row.id, {EMAIL_TYPE})
    proofs_by_record = {
        record: proofs
        for record, proofs in find_proven_addresses(emails, EMAIL_TYPE).items()
        if record in login_records and proofs
    }
    known_addresses = {entry: at for proofs in proofs_by_record.values() for entry, at in proofs.items()}
    named = [record for record in emails if record.id in login_records]
    addresses = await reveal_addresses(info, row, named, known_addresses)
    are_all_reachable = all(not records.isdisjoint(proofs_by_record) for records in logins.values())
    return InformedLogins(login_records, [address for _, address in addresses], are_all_reachable)


async def find_login_records(info: ResolverInfo, customer: bytes) -> frozenset[bytes]:
    """Return the ids of the records of the logins of a customer."""
    return _list_records(await _find_logins(info, customer))


async def _find_logins(info: ResolverInfo, customer: bytes) -> dict[bytes, set[bytes]]:
    types = info.context.resources.catalogue.identifiers
    return find_logins(await info.context.resources.identities.list_identifiers(customer, types), types)


def _list_records(logins: Mapping[bytes, AbstractSet[bytes]]) -> frozenset[bytes]:
    return frozenset(record for records in logins.values() for record in records)
