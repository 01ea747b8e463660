"""Identity proofing with a one-time code that is sent to a known e-mail address of the customer."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.disclose import Discloser
from discretion.domain.requests.code_addresses import CodeAddresses
from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.mailer import Mailer
from discretion.domain.requests.one_time_codes import CodeMessage, OneTimeCodes
from discretion.domain.requests.proven_spelling import AddressSpellings, ContactMailer
from discretion.domain.requests.reach_check import ReachCheck
from discretion.domain.requests.request_codes import RequestCodes
from discretion.errors import Conflict, NotFound
from discretion.store.people import PeopleStore
from discretion.store.request_state import RequesterAssurance
from discretion.store.subject_request import SubjectRequest

CODE_MAIL_SUBJECT = "Your code"
CODE_MAIL_TEXT = """Your code is {code}. It is valid for ten minutes.

We received a request about the data that we store about you. This code proves that the request is yours. If
you did not make the request, do not give the code to anybody; then nothing will be done.
"""


@dataclass(frozen=True, slots=True)
class IdentityProofing:
    """Sends codes to known addresses, and confirms the identity of whoever enters one."""

    codes: OneTimeCodes
    decisions: RequestDecisions
    reach_check: ReachCheck
    mailer: Mailer
    code_addresses: CodeAddresses
    spellings: AddressSpellings
    people: PeopleStore
    discloser: Discloser

    async def send_code(self, request: bytes, caller: str, address: str) -> None:
        """Store a new code for a request and send it to an address; see ``OneTimeCodes.send``.

        Args:
            request: Id of the request.
            caller: Key by which tries are counted.
            address: The e-mail address, chosen by the caller from ``code_addresses``.
        """
        message = CodeMessage(self.mailer, address, CODE_MAIL_SUBJECT, CODE_MAIL_TEXT)
        await self.codes.send(self._find_codes(request), caller, message, hide_outcome=False)

    async def send_code_to_contact(
        self, request: SubjectRequest, caller: str, contact: bytes, address: str
    ) -> None:
        """Store a new code for a request, and send it if a contact is an address that counts.

        It goes to the address as its owner spells it. Neither the answer nor its time shows whether it is
        sent. See ``OneTimeCodes.send``.

        Args:
            request: The request.
            caller: Key by which tries are counted.
            contact: Blind index of the address that the caller typed.
            address: That address.
        """
        known_addresses = await self.code_addresses.find(request)
        proof = {contact: known_addresses[contact]} if contact in known_addresses else {}
        channel = ContactMailer(self.mailer, self.spellings, self.people, self.discloser, request, proof)
        message = CodeMessage(channel, address if proof else None, CODE_MAIL_SUBJECT, CODE_MAIL_TEXT)
        await self.codes.send(self._find_codes(request.id), caller, message, hide_outcome=True)

    async def verify_code(self, request: bytes, caller: str, by: str, code: str) -> SubjectRequest:
        """Verify a code and confirm the identity of the requester; see ``OneTimeCodes.verify``.

        The request is checked only then: whoever does not have the code must not learn that it has ended.

        Args:
            request: Id of the request.
            caller: Key by which tries are counted.
            by: Actor for the history.
            code: The code as entered.

        Returns:
            The request, which has ended if it does not reach the same any more.
        """
        await self.codes.verify(self._find_codes(request), caller, code)
        if await self.reach_check.check(await self._read_request(request)) is None:
            return await self._read_request(request)
        return await self.decisions.confirm_identity(request, by, RequesterAssurance.CODE)

    async def _read_request(self, request: bytes) -> SubjectRequest:
        stored = await self.decisions.requests.find(request)
        if stored is None:
            raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
        return stored

    def _find_codes(self, request: bytes) -> RequestCodes:
        return RequestCodes(self.decisions, request, require_waiting_for_identity)


def require_waiting_for_identity(request: SubjectRequest) -> None:
    """Check that a request waits for identity proof.

    Raises:
        Conflict: ``REQUEST_STATE``.
    """
    if not request.waits_for_identity:
        raise Conflict("REQUEST_STATE", "This request does not wait for proof of identity.")
