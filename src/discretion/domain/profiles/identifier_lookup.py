"""The customer that an identifier leads to, for those who look people up by it.

Only records count that have not replaced the identifier. The strongest of these decides: proven, presented,
claimed by a record with an account or loyalty number, claimed by another. So no number of claims takes an
identifier away from whoever proved it. If the strongest records belong to several customers, it leads to
nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from discretion.catalogue.assurance import ANONYMOUS_CLAIM, Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.profiles.identifier_index import NamingList, is_full
from discretion.domain.profiles.proving_records import select_proving_mentions
from discretion.domain.profiles.record_identifiers import find_replacement
from discretion.domain.profiles.verified_addresses import rank_mention
from discretion.store.identifiers import NamedIdentifier
from discretion.store.identities import IdentityStore
from discretion.store.source_record import RecordIdentifier, SourceRecord


@dataclass(frozen=True, slots=True)
class FoundCustomer:
    """The customer that an identifier leads to.

    Attributes:
        id: The customer.
        rank: How certain the strongest mention by their records is.
        lasting_id: A present or former id of theirs that stays with a record of such a mention when others
            are separated from it. What is filed under it concerns nobody else.
    """

    id: bytes
    rank: int
    lasting_id: bytes

    @property
    def is_claimed(self) -> bool:
        """Whether their records only claim the identifier: somebody else may have typed it there."""
        return self.rank >= Assurance.CLAIMED


async def find_customer(
    identities: IdentityStore,
    types: Mapping[str, IdentifierType],
    entry: bytes,
    *,
    finds_replaced: bool = False,
) -> bytes | None:
    """Return the id of the customer that an identifier leads to; None if it leads to nobody for certain.

    Args:
        identities: Where the identifiers are stored.
        types: The catalogue's identifier types by key.
        entry: Blind index of the identifier.
        finds_replaced: Whether an identifier that leads to nobody now leads to whoever had it before.
    """
    match = await find_ranked_customer(identities, types, entry, finds_replaced=finds_replaced)
    return None if match is None else match.id


async def find_contact_customer(
    identities: IdentityStore, types: Mapping[str, IdentifierType], entry: bytes
) -> FoundCustomer | None:
    """Return the customer whom a request names by an identifier; None if it leads to nobody.

    A record without a number that is attached to somebody with one leads to nobody (``proving_records``).
    """
    named = await identities.find_named(entry)
    if named is None:
        # The same query as for a known one: the time must not show which it is.
        await identities.list_numbered(())
        return None
    return select_customer(await select_proving_mentions(identities, named), types)


async def find_ranked_customer(
    identities: IdentityStore,
    types: Mapping[str, IdentifierType],
    entry: bytes,
    *,
    finds_replaced: bool = False,
) -> FoundCustomer | None:
    """Return whom ``find_customer`` finds, with the rank of the mention that leads to them."""
    named = await identities.find_named(entry)
    return None if named is None else select_customer(named, types, finds_replaced=finds_replaced)


def select_customer(
    named: NamedIdentifier, types: Mapping[str, IdentifierType], *, finds_replaced: bool = False
) -> FoundCustomer | None:
    """Return the customer that an identifier leads to, by the records that name it."""
    mentions = [
        (record, identifier)
        for record in named.records
        for identifier in record.identifiers
        if identifier.entry == named.identifier.entry
    ]
    replaced = [mention for mention in mentions if _is_replaced(*mention, types)]
    current = [mention for mention in mentions if mention not in replaced]
    if not current and finds_replaced:
        return _select_strongest(named, replaced, types)
    return _select_strongest(named, current, types)


def _is_replaced(
    record: SourceRecord, identifier: RecordIdentifier, types: Mapping[str, IdentifierType]
) -> bool:
    identifier_type = types.get(identifier.type)
    is_address = identifier_type is not None and identifier_type.is_address
    return is_address and find_replacement(record, identifier) is not None


def _select_strongest(
    named: NamedIdentifier,
    mentions: Iterable[tuple[SourceRecord, RecordIdentifier]],
    types: Mapping[str, IdentifierType],
) -> FoundCustomer | None:
    records_by_rank: dict[int, list[SourceRecord]] = {}
    for record, identifier in mentions:
        records_by_rank.setdefault(rank_mention(record, identifier), []).append(record)
    if not records_by_rank:
        return None
    strongest = min(records_by_rank)
    records = records_by_rank[strongest]
    customers = {record.customer for record in records}
    # A full list lacks records, which may belong to others: the answer must not depend on who came first.
    if len(customers) > 1 or is_full(named.identifier, _NAMING_LISTS[strongest], types):
        return None
    customer = customers.pop()
    homes = [(record.born, record.id, record.home) for record in records if record.home is not None]
    return FoundCustomer(customer, strongest, min(homes)[2] if homes else customer)


_NAMING_LISTS = {
    int(Assurance.PROVEN): NamingList.LINKS,
    int(Assurance.PRESENTED): NamingList.LINKS,
    int(Assurance.CLAIMED): NamingList.NUMBERED_CLAIMS,
    ANONYMOUS_CLAIM: NamingList.ANONYMOUS_CLAIMS,
}
