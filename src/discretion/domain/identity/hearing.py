"""When both logins are heard before a steward joins them. Pure.

A claim proves nothing: somebody may have typed the address of somebody else to be joined with them. A steward
who sees only that must not join two logins before the owner of each could object.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.store.source_record import RecordIdentifier, SourceRecord


def must_be_heard(
    customers: Iterable[Sequence[SourceRecord]],
    types: Mapping[str, IdentifierType],
    *,
    rests_on_claims: bool = False,
) -> bool:
    """Return whether two of these customers have a login each and agree only on what one of them claims.

    Args:
        customers: The records of each customer, with their identifiers.
        types: The catalogue's identifier types by key.
        rests_on_claims: Whether it is certain already that a join would rest on claims.
    """
    logins = [records for records in customers if has_login(records, types)]
    return any(rests_on_claims or _agree_by_claims(left, right) for left, right in combinations(logins, 2))


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


def _agree_by_claims(left: Sequence[SourceRecord], right: Sequence[SourceRecord]) -> bool:
    is_linked = [_find_linked(records) for records in (left, right)]
    shared = is_linked[0].keys() & is_linked[1].keys()
    return bool(shared) and not any(is_linked[0][entry] and is_linked[1][entry] for entry in shared)


def _find_linked(records: Iterable[SourceRecord]) -> dict[bytes, bool]:
    """Return for each identifier of a customer whether a record of theirs has proven or presented it."""
    is_linked: dict[bytes, bool] = {}
    for identifier in _list_identifiers(records):
        is_linked[identifier.entry] = is_linked.get(identifier.entry, False) or identifier.assurance.links
    return is_linked


def _list_identifiers(records: Iterable[SourceRecord]) -> list[RecordIdentifier]:
    return [identifier for record in records for identifier in record.identifiers]
