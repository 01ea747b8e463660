"""Which client received which attributes of a customer, according to the ledger (GDPR Art. 15(1)(c) and 19).

The ledger records every disclosure under a pseudonym that is derived from a data key of the customer. A
merged customer has several data keys and pseudonyms, each with the customer id that it belonged to. The
pairwise id of a client is derived from that customer id; a notification names the person to a client only by
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from discretion.catalogue.model import Catalogue
from discretion.catalogue.recipient import Recipient, RecipientRole
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.storage import LedgerStorage
from discretion.seal.bucket_keys import BucketKeys
from discretion.seal.cell import derive_ledger_pseudonym
from discretion.store.subject_request import LedgerPseudonym
from discretion.token.grant import SELF

PAGE_SIZE = 1_000
"""Ledger entries read with one query."""

NON_ATTRIBUTE_PREFIXES = ("event:", "identifier:")
"""Prefixes by which an entry names disclosures other than attributes: event types and identifier types."""

_CONDITION_PREFIXES = ("filter:", "order:")
"""Prefixes by which an entry names the attributes that its customers were found or sorted by."""


@dataclass(frozen=True, slots=True)
class RecipientDisclosure:
    """What one client received of a customer.

    Attributes:
        client: The client.
        recipient: Its entry in the catalogue, if it has one.
        attributes: Paths of attributes, and ``event:…`` and ``identifier:…`` types.
        purposes: Purposes of the disclosures.
        customers: Customer ids under which it received them; the current id first, if it is one of them.
        last_at: When the last disclosure took place (ms).
    """

    client: str
    recipient: Recipient | None
    attributes: tuple[str, ...]
    purposes: tuple[str, ...]
    customers: tuple[bytes, ...] = field(repr=False)
    last_at: int


def derive_ledger_pseudonyms(
    buckets: BucketKeys, wrapped_keys: Mapping[bytes, bytes]
) -> tuple[LedgerPseudonym, ...]:
    """Return every pseudonym of a customer in the ledger, the one of the current id first.

    The data keys are needed to derive them, so an erasure has to derive and store them before it destroys the
    keys.

    Args:
        buckets: The keys that unwrap the data keys.
        wrapped_keys: The wrapped data keys by customer id, the current id first.
    """
    return tuple(
        LedgerPseudonym(derive_ledger_pseudonym(buckets.unwrap(customer_id, wrapped_key)), customer_id)
        for customer_id, wrapped_key in wrapped_keys.items()
    )


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
    pseudonyms: Sequence[LedgerPseudonym],
    registered_kinds: Mapping[str, str],
) -> list[RecipientDisclosure]:
    """Return what each client received of a customer, sorted by client.

    Left out are disclosures to the customer, and clients that the catalogue lists as staff: they act under
    the authority of the controller (GDPR Art. 29). A client that is not in the catalogue counts as a
    recipient.

    Args:
        catalogue: The catalogue with the recipients.
        entries: The ledger entries of the customer.
        pseudonyms: Every pseudonym of the customer.
        registered_kinds: The catalogue key that each client was registered with.
    """
    customers_by_pseudonym = {pseudonym.value: pseudonym.customer for pseudonym in pseudonyms}
    by_client: dict[str, _ClientDisclosures] = {}
    for entry in entries:
        if entry.actor == SELF:
            continue
        subject_bits = {
            pseudonym: bits
            for pseudonym, bits in entry.subjects.items()
            if pseudonym in customers_by_pseudonym
        }
        if disclosed := _list_disclosed(entry, subject_bits.values()):
            disclosures = by_client.setdefault(entry.client, _ClientDisclosures())
            disclosures.attributes |= disclosed
            disclosures.purposes |= set(entry.purposes)
            disclosures.customers |= {customers_by_pseudonym[pseudonym] for pseudonym in subject_bits}
            disclosures.last_at = max(disclosures.last_at, entry.at)
    summaries = []
    for client, disclosures in sorted(by_client.items()):
        recipient = find_catalogue_recipient(catalogue, client, registered_kinds.get(client))
        if recipient is None or recipient.role is not RecipientRole.STAFF:
            customers = [
                pseudonym.customer for pseudonym in pseudonyms if pseudonym.customer in disclosures.customers
            ]
            attributes, purposes = tuple(sorted(disclosures.attributes)), tuple(sorted(disclosures.purposes))
            summaries.append(
                RecipientDisclosure(
                    client, recipient, attributes, purposes, tuple(customers), disclosures.last_at
                )
            )
    return summaries


@dataclass(slots=True)
class _ClientDisclosures:
    """What one client received, collected over several ledger entries."""

    attributes: set[str] = field(default_factory=set)
    purposes: set[str] = field(default_factory=set)
    customers: set[bytes] = field(default_factory=set)
    last_at: int = 0


def _list_disclosed(entry: LedgerEntry, subject_bits: Iterable[int]) -> set[str]:
    """Return what an entry disclosed of a customer.

    Attributes are recorded for each subject. Event and identifier types, and the attributes that were
    filtered or sorted by, are recorded only for the entry as a whole, so they count for every subject of it.
    """
    is_subject, bits = False, 0
    for mask in subject_bits:
        is_subject, bits = True, bits | mask
    if not is_subject:
        return set()
    attributes = {path for index, (path, _) in enumerate(entry.attributes) if bits >> index & 1}
    # Whoever gets the customers with a value knows the value, also if the answer does not repeat it.
    attributes |= {name.partition(":")[2] for name in entry.extra if name.startswith(_CONDITION_PREFIXES)}
    return attributes | {name for name in entry.extra if name.startswith(NON_ATTRIBUTE_PREFIXES)}


async def load_ledger_entries(
    ledger: LedgerStorage, pseudonyms: Sequence[LedgerPseudonym]
) -> list[LedgerEntry]:
    """Return every ledger entry of a customer."""
    values, entries = [pseudonym.value for pseudonym in pseudonyms], []
    position: str | None = None
    while page := await ledger.list_by_subject(values, position, PAGE_SIZE):
        entries += page
        position = page[-1].receipt
    return entries
