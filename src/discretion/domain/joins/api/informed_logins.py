"""The addresses that a notice about a join goes to: those that the logins of a customer have proven.

Only records of logins count. A record without a number that is attached to the customer may be of a visit
of somebody else to the same browser, and the address that it has proven may be theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from discretion.domain.identity.hearing import find_logins
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
    types, identities = info.context.resources.catalogue.identifiers, info.context.resources.identities
    logins = find_logins(await identities.list_identifiers(row.id, types), types)
    login_records = frozenset(record for records in logins.values() for record in records)
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
