"""Confirmation of a new address by a code that is sent to it.

A correction of an e-mail address or a phone number takes effect only after whoever asks for it has received a
message there. Otherwise a customer could be shown with the address of somebody else, who would receive their
mail. A phone number needs a gateway for text messages; without one, the privacy office decides on evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.mailer import Mailer
from discretion.domain.requests.one_time_codes import CodeMessage, MessageChannel, OneTimeCodes
from discretion.domain.requests.request_codes import RequestCodes
from discretion.domain.requests.text_messenger import TextMessenger
from discretion.errors import Conflict
from discretion.store.subject_request import SubjectRequest

ADDRESS_SUBJECT = "Confirm your address"
ADDRESS_TEXT = """Your code is {code}. It is valid for ten minutes.

Somebody asked us to write to them at this address from now on. If that was not you, do not give the code to
anybody; then this address is not used.
"""


@dataclass(frozen=True, slots=True)
class AddressProofing:
    """Sends codes to new addresses, and confirms them.

    Attributes:
        codes: The codes.
        decisions: Changes the requests that wait for them.
        mailer: The way to e-mail addresses.
        text_messenger: The way to phone numbers; None without a gateway.
    """

    codes: OneTimeCodes
    decisions: RequestDecisions
    mailer: Mailer
    text_messenger: TextMessenger | None

    async def send_code(self, request: bytes, caller: str, address: str) -> None:
        """Store a new code for a request and send it to the new address; see ``OneTimeCodes.send``.

        Args:
            request: Id of the request.
            caller: Key by which tries are counted.
            address: The new address; the caller has compared it with that of the request.

        Raises:
            Conflict: ``TEXT_MESSAGES_MISSING``.
        """
        message = CodeMessage(self._choose_channel(address), address, ADDRESS_SUBJECT, ADDRESS_TEXT)
        await self.codes.send(self._find_codes(request), caller, message, hide_outcome=False)

    async def verify_code(self, request: bytes, caller: str, by: str, code: str) -> SubjectRequest:
        """Verify a code and confirm the new address of a request; see ``OneTimeCodes.verify``."""
        await self.codes.verify(self._find_codes(request), caller, code)
        return await self.decisions.confirm_address(request, by)

    def _find_codes(self, request: bytes) -> RequestCodes:
        return RequestCodes(self.decisions, request, require_waiting_for_address)

    def _choose_channel(self, address: str) -> MessageChannel:
        if "@" in address:
            return self.mailer
        if self.text_messenger is None:
            raise Conflict(
                "TEXT_MESSAGES_MISSING",
                "No code can be sent to a phone number here.",
                "Ask the privacy office to decide on other evidence, with messageRequest(id:, text:).",
            )
        return self.text_messenger


def require_waiting_for_address(request: SubjectRequest) -> None:
    """Check that a request waits for its new address to be confirmed.

    Raises:
        Conflict: ``REQUEST_STATE``.
    """
    if not request.waits_for_address:
        raise Conflict("REQUEST_STATE", "This request does not wait for a new address to be confirmed.")
