"""When the owners of two logins must be informed before a steward joins them. Pure.

A claim proves nothing: somebody may have typed the address of somebody else to be joined with them. A steward
who sees only that must not join two logins before the owner of each could object.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import combinations

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.link import Link, list_links
from discretion.store.source_record import SourceRecord


def needs_owner_notice(
    customers: Iterable[Sequence[SourceRecord]],
    types: Mapping[str, IdentifierType],
    *,
    rests_on_claims: bool = False,
    shared: Collection[bytes] = (),
) -> bool:
    """Return whether two of these customers have a login each and agree, but on nothing certain.

    A number that both have proven or presented, or a current address that both have proven, is certain unless
    too many records share it. A claim, a device, a payment card and a replaced address are not.

    Args:
        customers: The records of each customer, with their identifiers.
        types: The catalogue's identifier types by key.
        rests_on_claims: Whether it is certain already that a join would rest on claims.
        shared: Identifiers that too many records share (``identifier_index.is_shared``), by blind index.
    """
    logins = [records for records in customers if has_login(records, types)]
    return any(
        rests_on_claims or _agree_weakly(left, right, types, shared)
        for left, right in combinations(logins, 2)
    )


def has_login(records: Iterable[SourceRecord], types: Mapping[str, IdentifierType]) -> bool:
    """Return whether somebody can log in as the customer of these records: they have proven a number."""
    return bool(find_logins(records, types))


def find_logins(
    records: Iterable[SourceRecord], types: Mapping[str, IdentifierType]
) -> dict[bytes, set[bytes]]:
    """Return by the blind index of each number that these records have proven the ids of those that have."""
    logins: dict[bytes, set[bytes]] = {}
    for record in records:
        for identifier in record.identifiers:
            identifier_type = types.get(identifier.type)
            if (
                identifier_type is not None
                and identifier_type.number
                and Assurance.PROVEN in identifier.times
            ):
                logins.setdefault(identifier.entry, set()).add(record.id)
    return logins


def find_common_entries(customers: Iterable[Sequence[SourceRecord]]) -> set[bytes]:
    """Return the blind indexes of the identifiers that at least two of these customers have in common."""
    counts = Counter(
        entry
        for records in customers
        for entry in {identifier.entry for record in records for identifier in record.identifiers}
    )
    return {entry for entry, count in counts.items() if count > 1}


def _agree_weakly(
    left: Sequence[SourceRecord],
    right: Sequence[SourceRecord],
    types: Mapping[str, IdentifierType],
    shared: Collection[bytes],
) -> bool:
    return bool(find_common_entries([left, right])) and not (
        _find_certain(left, types) & _find_certain(right, types)
    ).difference(shared)


def _find_certain(records: Iterable[SourceRecord], types: Mapping[str, IdentifierType]) -> set[bytes]:
    """Return the current addresses that a record has proven, and the numbers that it has proven or presented.

    Devices and payment cards are passed on, and presented addresses were not confirmed by their owner.
    """
    return {
        link.entry
        for record in records
        for link in list_links(record, types)
        if link.until is None
        and (types[link.identifier_type].number or _is_proven_address(record, link, types))
    }


def _is_proven_address(record: SourceRecord, link: Link, types: Mapping[str, IdentifierType]) -> bool:
    return types[link.identifier_type].is_address and any(
        identifier.entry == link.entry and Assurance.PROVEN in identifier.times
        for identifier in record.identifiers
    )
