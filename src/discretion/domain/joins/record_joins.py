"""Joining of a record to a login by a code to an address that the record has proven.

The record only claims something that the login has proven (``domain.identity.possible_records``). That proves
nothing: anybody may have typed it. So the code goes to an address that this record has proven, never to one
that it claims, and the proof must be young, as for a request by an address alone (``code_addresses``).

Whoever asks must not learn whether a record of somebody else has such an address. For a record without one a
code is stored, counted and answered in the same way, and sent to nobody.
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
MAX_CODES_FOR_RECORD = 12
"""Number of codes for one record in ``CODES_WINDOW_MS``, for all logins together.

They are not counted by address: two records without an address, or with the same one, would differ.
"""

RECORD_REASON = "The person entered a code that was sent to an address which the record has proven."


@dataclass(frozen=True, slots=True)
class RecordCodes:
    """The codes of a login for a record (``one_time_codes.CodePlace``).

    Attributes:
        store: Where they are stored.
        transactions: Runs their changes.
        now_ms: The present (ms).
        stored: Which codes, with the address that the next one is sent to; None if it is sent to nobody.
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
            if changed == state:  # nothing was sent, and nothing is
                return
            is_new = changed.code is not None and (
                stored.code is None or changed.code.hash != stored.code.hash
            )
            address = self.stored.address if is_new else stored.address
            codes = RecordCode(stored.login, stored.record, address, changed.code, changed.sent)
            now = self.now_ms()
            await self.store.save(codes, now, now + CODES_WINDOW_MS + CODE_LIFE_MS, session)

        await self.transactions.run(change)

    async def exceeds_limit(self, since: int) -> bool:
        """Count the codes of this login for all records, and those of all logins for this record."""
        stored = await self.store.find(self.stored.login, self.stored.record)
        if await self.store.count_of_login(stored.login, since, MAX_CODES + 1) > MAX_CODES:
            return True
        limit = MAX_CODES_FOR_RECORD + 1
        sent_for_record = await self.store.count_for_record(stored.record, since, limit)
        return sent_for_record > MAX_CODES_FOR_RECORD


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
        self,
        own: ProvenRecord,
        record: bytes,
        addresses: ProofTimes,
        recipient: tuple[bytes, str] | None,
        caller: str,
    ) -> None:
        """Send a code; see ``OneTimeCodes.send``.

        Args:
            own: The record of the login.
            record: The record that may be theirs.
            addresses: The addresses that count.
            recipient: The one of these that the code goes to, by its blind index and as its owner spells it;
                None if there is none.
            caller: Key by which tries are counted.
        """
        entry, address = (None, None) if recipient is None else recipient
        codes = self._find_codes(RecordCode(own.record, record, entry), addresses)
        message = CodeMessage(self.mailer, address, RECORD_MAIL_SUBJECT, RECORD_MAIL_TEXT)
        await self.codes.send(codes, caller, message, hide_outcome=True)

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
