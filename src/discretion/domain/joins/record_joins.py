"""Joining of a record to a login by a code to an address that the record has proven.

The record only claims something that the login has proven (``domain.identity.possible_records``). That proves
nothing: anybody may have typed it. So the code goes to an address that this record has proven, never to one
that it claims, and the proof must be young, as for a request by an address alone (``code_addresses``).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from discretion.domain.identity.personal_joins import PersonalJoins, ProvenRecord
from discretion.domain.requests.code_addresses import CodeAddresses, ProofTimes
from discretion.domain.requests.mailer import Mailer
from discretion.domain.requests.one_time_codes import (
    CODE_LIFE_MS,
    CODES_WINDOW_MS,
    MAX_CODES,
    CodeMessage,
    CodeState,
    OneTimeCodes,
)
from discretion.store.record_codes import RecordCode, RecordCodeStore
from discretion.store.transactions import Session, Transactions

RECORD_MAIL_SUBJECT = "Your code"
RECORD_MAIL_TEXT = """Your code is {code}. It is valid for ten minutes.

Somebody who has logged in says that what we store under this address is theirs. Whoever enters this code
sees it, and it is joined to their account. If that was not you, do not give the code to anybody; then
nothing is done.
"""
MAX_CODES_TO_ADDRESS = 12
"""Number of codes to one address in ``CODES_WINDOW_MS``, for all logins together."""

RECORD_REASON = "The person entered a code that was sent to an address which the record has proven."


@dataclass(frozen=True, slots=True)
class RecordCodes:
    """The codes of a login for a record (``one_time_codes.CodePlace``).

    Attributes:
        store: Where they are stored.
        transactions: Runs their changes.
        now_ms: The present (ms).
        stored: Which codes, with the address that the next one is sent to.
        addresses: The addresses whose code counts now.
    """

    store: RecordCodeStore
    transactions: Transactions
    now_ms: Callable[[], int]
    stored: RecordCode
    addresses: ProofTimes

    async def change_codes(self, build_change: Callable[[CodeState], CodeState]) -> None:
        """Change the codes atomically."""

        async def change(session: Session) -> None:
            stored = await self.store.find(self.stored.login, self.stored.record, session)
            # A code proves nothing any more when the person has replaced the address since it was sent.
            state = CodeState(stored.code, stored.sent, is_usable=stored.address in self.addresses)
            changed = build_change(state)
            address = self.stored.address or stored.address
            if address is None:  # nothing was sent, and nothing is
                return
            codes = RecordCode(stored.login, stored.record, address, changed.code, changed.sent)
            now = self.now_ms()
            await self.store.save(codes, now, now + CODES_WINDOW_MS + CODE_LIFE_MS, session)

        await self.transactions.run(change)

    async def exceeds_limit(self, since: int) -> bool:
        """Count the codes of this login, and those of all logins to this address.

        What other logins have sent for the record does not count: they must not lock its owner out.
        """
        stored = await self.store.find(self.stored.login, self.stored.record)
        if await self.store.count_of_login(stored.login, since, MAX_CODES + 1) > MAX_CODES:
            return True
        limit = MAX_CODES_TO_ADDRESS + 1
        sent_to_address = await self.store.count_to_address(stored.address or b"", since, limit)
        return sent_to_address > MAX_CODES_TO_ADDRESS


@dataclass(frozen=True, slots=True)
class RecordJoins:
    """Sends codes for records, and joins a record to the login that enters one."""

    codes: OneTimeCodes
    store: RecordCodeStore
    transactions: Transactions = field(repr=False)
    mailer: Mailer
    code_addresses: CodeAddresses
    joins: PersonalJoins
    now_ms: Callable[[], int]

    async def find_addresses(self, record: bytes, customer: bytes) -> ProofTimes:
        """Return the addresses by which a record of a customer can be asked for now."""
        return await self.code_addresses.find_of_record(record, customer, self.now_ms())

    async def send_code(
        self, own: ProvenRecord, other: ProvenRecord, addresses: ProofTimes, recipient: str, caller: str
    ) -> None:
        """Send a code; see ``OneTimeCodes.send``.

        Args:
            own: The record of the login.
            other: The record that may be theirs, with the address that it has proven.
            addresses: The addresses that count.
            recipient: The same address as its owner spells it.
            caller: Key by which tries are counted.
        """
        codes = self._find_codes(RecordCode(own.record, other.record, other.entry), addresses)
        message = CodeMessage(self.mailer, recipient, RECORD_MAIL_SUBJECT, RECORD_MAIL_TEXT)
        await self.codes.send(codes, caller, message, hide_outcome=False)

    async def join(self, own: ProvenRecord, record: bytes, customer: bytes, caller: str, code: str) -> None:
        """Verify a code and join a record of a customer to a login; see ``OneTimeCodes.verify``.

        Raises:
            Conflict: ``JOIN_SEPARATED``.
        """
        codes = self._find_codes(RecordCode(own.record, record), await self.find_addresses(record, customer))
        await self.codes.verify(codes, caller, code)
        address = (await self.store.find(own.record, record)).address
        assert address is not None  # a code was sent to it
        await self.joins.join(own, ProvenRecord(record, address), RECORD_REASON)
        # A code joins once, also if a steward undoes the join within its life.
        await codes.change_codes(lambda current: CodeState(None, current.sent))

    def _find_codes(self, stored: RecordCode, addresses: ProofTimes) -> RecordCodes:
        return RecordCodes(self.store, self.transactions, self.now_ms, stored, addresses)
