"""Which client received which attributes of a customer, according to the ledger (GDPR Art. 15(1)(c) and 19).

The ledger records every disclosure under a pseudonym that is derived from a data key of the customer. A
merged customer has several data keys and pseudonyms, each with the customer id that it belonged to. The
pairwise id of a client is derived from that customer id; a notification names the person to a client only by
it. A client that received the data of two people as those of one customer knows both by one id. It is told
which id, which time and which attributes, and never that this id as a whole is the person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.catalogue.recipient import Recipient, RecipientRole
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.storage import LedgerStorage
from discretion.ledger.subject_names import (
    READING_MAX_MS,
    list_windows,
    select_received_part,
)
from discretion.store.ledger_names import NamedPeriod, SubjectNames
from discretion.token.grant import SELF

PAGE_SIZE = 1_000
"""Ledger entries read with one query."""


@dataclass(frozen=True, slots=True)
class RecipientDisclosure:
    """What one client received of a customer.

    Attributes:
        client: The client.
        recipient: Its entry in the catalogue, if it has one.
        attributes: Paths of attributes, and ``event:…`` and ``identifier:…`` types.
        purposes: Purposes of the disclosures.
        customers: Customer ids under which it received them; the current id first, if it is one of them.
        merged_periods: Other customers as whom it received them in a time when they were taken for one.
        last_at: When the last disclosure took place (ms).
    """

    client: str
    recipient: Recipient | None
    attributes: tuple[str, ...]
    purposes: tuple[str, ...]
    customers: tuple[bytes, ...] = field(repr=False)
    last_at: int
    merged_periods: tuple[NamedPeriod, ...] = field(default=(), repr=False)


def find_catalogue_recipient(catalogue: Catalogue, client: str, kind: str | None = None) -> Recipient | None:
    """Return the catalogue's recipient for a client: by registered ``kind``, by key, or by its clients."""
    if kind is not None and kind in catalogue.recipients:
        return catalogue.recipients[kind]
    if client in catalogue.recipients:
        return catalogue.recipients[client]
    return next(
        (recipient for recipient in catalogue.recipients.values() if client in recipient.clients), None
    )


def summarise_disclosures(
    catalogue: Catalogue,
    entries: Iterable[LedgerEntry],
    names: SubjectNames,
    registered_kinds: Mapping[str, str],
) -> list[RecipientDisclosure]:
    """Return what each client received of a customer, sorted by client.

    Left out are disclosures to the customer, and clients that the catalogue lists as staff: they act under
    the authority of the controller (GDPR Art. 29). A client that is not in the catalogue counts as a
    recipient.

    Args:
        catalogue: The catalogue with the recipients.
        entries: The ledger entries of the customer.
        names: The names of the customer in the ledger.
        registered_kinds: The catalogue key that each client was registered with.
    """
    customers_by_pseudonym = {pseudonym.value: pseudonym.customer for pseudonym in names.pseudonyms}
    by_client: dict[str, _ClientDisclosures] = {}
    for entry in entries:
        if entry.actor == SELF:
            continue
        received = select_received_part(names, entry)
        if received.names:
            disclosures = by_client.setdefault(entry.client, _ClientDisclosures())
            disclosures.attributes |= received.names
            disclosures.purposes |= set(entry.purposes)
            disclosures.customers |= {customers_by_pseudonym[pseudonym] for pseudonym in received.pseudonyms}
            disclosures.merged_periods |= dict.fromkeys(received.periods)
            disclosures.last_at = max(disclosures.last_at, entry.at)
    summaries = []
    for client, disclosures in sorted(by_client.items()):
        recipient = find_catalogue_recipient(catalogue, client, registered_kinds.get(client))
        if recipient is None or recipient.role is not RecipientRole.STAFF:
            customers = [
                pseudonym.customer
                for pseudonym in names.pseudonyms
                if pseudonym.customer in disclosures.customers
            ]
            attributes, purposes = tuple(sorted(disclosures.attributes)), tuple(sorted(disclosures.purposes))
            summaries.append(
                RecipientDisclosure(
                    client,
                    recipient,
                    attributes,
                    purposes,
                    tuple(customers),
                    disclosures.last_at,
                    tuple(disclosures.merged_periods),
                )
            )
    return summaries


@dataclass(slots=True)
class _ClientDisclosures:
    """What one client received, collected over several ledger entries."""

    attributes: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)
    customers: set[bytes] = field(default_factory=set)
    merged_periods: dict[NamedPeriod, None] = field(default_factory=dict)
    last_at: int = 0


async def load_ledger_entries(ledger: LedgerStorage, names: SubjectNames) -> list[LedgerEntry]:
    """Return every ledger entry of a customer."""
    windows, entries = list_windows(names, READING_MAX_MS), list[LedgerEntry]()
    position: str | None = None
    while page := await ledger.list_by_subject(windows, position, PAGE_SIZE):
        entries += page
        position = page[-1].receipt
    return entries
