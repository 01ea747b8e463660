"""Revealing an address as its owner spells it, to send a message to it.

A host may distinguish the case of the local part, and identifiers are stored normalised. So another spelling
may be the mailbox of somebody else. Only what a record says that has proven the address counts.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Catalogue
from discretion.disclose import Discloser
from discretion.domain.requests.code_addresses import EMAIL_TYPE, ProofTimes
from discretion.domain.requests.mailer import Mailer
from discretion.plan.plan import QueryPlan
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.cell import identifier_cell_key
from discretion.seal.normalisation import normalise_email
from discretion.store.identities import IdentityStore
from discretion.store.people import PeopleStore
from discretion.store.source_record import SourceRecord
from discretion.store.subject_request import SubjectRequest
from discretion.token.grant import Grant

OPERATION, ADDRESS_LABEL = "code", "contact"
"""Names of the operation and of the address in the ledger, when a code is sent to an address."""


@dataclass(frozen=True, slots=True)
class AddressSpellings:
    """Reads addresses as those spell them who proved them."""

    identities: IdentityStore
    catalogue: Catalogue

    async def reveal(
        self,
        reading: Reading,
        row: CustomerRow,
        records: Iterable[SourceRecord],
        known_addresses: ProofTimes,
        limit: int | None = None,
    ) -> list[tuple[bytes, str]]:
        """Return addresses, the earliest proven first, each as its blind index and as its owner spells it.

        Args:
            reading: The ledger records that an address was revealed.
            row: The customer.
            records: Records of theirs, with their identifiers of this type.
            known_addresses: The addresses that count, with the times of their proofs.
            limit: Addresses at most; None for all.
        """
        proofs = {
            (email.entry, record.id): email
            for record in records
            for email in record.identifiers
            if email.entry in known_addresses and Assurance.PROVEN in email.times
        }
        emails = {entry: email for (entry, _), email in proofs.items()}
        keys = {each.key for each in self.catalogue.attributes.values() if each.identifier == EMAIL_TYPE}
        # Also without an address: the time must not show whether there is one.
        spelled = await self.identities.list_spellings(row.id, keys)
        addresses = []
        for entry in sorted(emails, key=lambda entry: (known_addresses[entry], entry))[:limit]:
            cell_key = identifier_cell_key(entry)
            address = str(reading.reveal_cell(row, emails[entry].cell, cell_key, ADDRESS_LABEL))
            proven_by = [record for record in spelled if (entry, record.id) in proofs]
            addresses.append((entry, _find_spelling(reading, row, proven_by, keys, address)))
        return addresses


def _find_spelling(
    reading: Reading, row: CustomerRow, proven_by: Iterable[SourceRecord], keys: Collection[str], address: str
) -> str:
    for record in proven_by:
        for key in sorted(record.cells.keys() & keys):
            cell = record.cells[key]
            if cell.sealed is None or cell.is_claimed:
                continue
            spelling = str(reading.reveal_cell(row, cell.sealed, key, ADDRESS_LABEL))
            if normalise_email(spelling) == address:
                return spelling
    return address


@dataclass(frozen=True, slots=True)
class ContactMailer:
    """Sends messages to the customer of a request that was filed by an address, to that address on record.

    The address is revealed when the message is sent, because whoever filed the request must not see from the
    time of the answer whether there is one. The disclosure is on record before the message leaves.

    Attributes:
        mailer: Sends the message.
        spellings: Reads the address.
        people: Reads the customer.
        discloser: Records that the address was revealed.
        request: The request.
        proof: The address by its blind index, with the time of its proof; empty if it does not count.
    """

    mailer: Mailer
    spellings: AddressSpellings
    people: PeopleStore
    discloser: Discloser
    request: SubjectRequest
    proof: ProofTimes = field(repr=False)

    async def check_available(self) -> None:
        """Raise Unavailable if no message can be sent now."""
        await self.mailer.check_available()

    async def send(self, recipient: str, subject: str, text: str) -> None:
        """Send a message; ``recipient`` is the address as it was typed, and is not used."""
        del recipient
        current = await self.people.find_whole(self.request.customer or b"")
        if current is None:
            return  # erased since the code was asked for

        async def reveal(reading: Reading) -> list[tuple[bytes, str]]:
            row = reading.open_customer(current)
            records = await self.spellings.identities.list_identifiers(row.id, {EMAIL_TYPE})
            return await self.spellings.reveal(reading, row, records, self.proof)

        # Whoever filed the request is not known to be the customer, so the ledger names them.
        grant = Grant(
            self.request.client, self.request.subject, frozenset(), frozenset(), None, expires=0, token_id=""
        )
        disclosed = await self.discloser.disclose(_build_address_plan(), grant, OPERATION, reveal)
        for _, address in disclosed.answer:
            await self.mailer.send(address, subject, text)


def _build_address_plan() -> QueryPlan:
    """Return a plan that reads one customer and no attribute."""
    return QueryPlan(
        attributes=(),
        forms=(),
        decisions={},
        denied={},
        shapes={},
        projections={},
        reach_bits=0,
        granted_purposes=frozenset(),
        purposes=(),
        touches_customers=True,
    )
