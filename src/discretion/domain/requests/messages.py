"""Messages between the person and the privacy office about a request, encrypted under the person's key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from discretion.domain.requests.decisions import RequestDecisions, answer_open_question
from discretion.domain.requests.sealed_fields import RequestSealer
from discretion.errors import Conflict, NotFound
from discretion.seal.cell import REQUEST_MESSAGE_KEY
from discretion.store.request_state import RequesterAssurance, RequestReason, RequestState
from discretion.store.requests import RequestStore
from discretion.store.subject_request import RequestMessage, SubjectRequest

# Messages are members of the request's document, which MongoDB limits to 16 MB.
MAX_MESSAGES = 200
_ANSWERABLE_REASONS = frozenset({RequestReason.CLARIFICATION, RequestReason.EVIDENCE})


@dataclass(frozen=True, slots=True)
class RequestMessages:
    """Adds messages to requests."""

    requests: RequestStore
    sealer: RequestSealer
    decisions: RequestDecisions
    now_ms: Callable[[], int]

    async def add_message(self, request: bytes, by: str, text: str) -> None:
        """Add a message for the other side.

        If the request is paused for a clarification or for evidence, a message from the person ends the
        pause.

        Args:
            request: Id of the request.
            by: Actor; ``steward:`` and a name for the privacy office, any other for the person.
            text: The message; the caller has checked its length (``decisions.check_text``).

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``MESSAGE_TO_NOBODY``, ``MESSAGES_TOO_MANY``.
        """
        # Sealed before the change, which may run several times.
        message = await self.seal_message(request, by, text)

        def append_message(current: SubjectRequest) -> SubjectRequest:
            if len(current.messages) >= MAX_MESSAGES:
                raise Conflict("MESSAGES_TOO_MANY", f"A request has at most {MAX_MESSAGES} messages.")
            changed = replace(current, messages=(*current.messages, message))
            waits_for_person = (
                current.state is RequestState.ACTION_REQUIRED and current.reason in _ANSWERABLE_REASONS
            )
            if waits_for_person and not by.startswith("steward:"):
                return answer_open_question(changed, self.now_ms(), by)
            return changed

        await self.decisions.apply_change(request, append_message)

    async def seal_message(self, request: bytes, by: str, text: str) -> RequestMessage:
        """Encrypt a message under the key of the customer whom a request is about.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``MESSAGE_TO_NOBODY``; the requester is not identified, no customer was found, or the
                customer was erased.
        """
        current = await self.requests.find(request)
        if current is None:
            raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
        if current.customer is None or (
            is_identity_unproven(current) and not _is_office_message(current, by)
        ):
            raise Conflict(
                "MESSAGE_TO_NOBODY", "The requester is not identified, so there is nobody to write to.", ""
            )
        try:
            owner, cell = await self.sealer.seal(current.customer, REQUEST_MESSAGE_KEY, text)
        except NotFound:
            raise Conflict("MESSAGE_TO_NOBODY", "The customer of this request was erased.") from None
        return RequestMessage(self.now_ms(), by, owner, cell)


def is_identity_unproven(request: SubjectRequest) -> bool:
    """Return whether a request names the customer by an address and the requester was never identified.

    This also holds after the request has ended. The API must answer for such a request in the same way
    whether or not a customer was found: any difference would show it.
    """
    return request.contact is not None and request.assurance < RequesterAssurance.FRESH


def _is_office_message(request: SubjectRequest, by: str) -> bool:
    """Return whether a steward writes about a request that does not wait for identity proof."""
    return by.startswith("steward:") and request.reason is not RequestReason.IDENTITY
