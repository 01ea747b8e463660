"""Messages between the person and the privacy office about a request, encrypted under the person's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.requests.decisions import RequestDecisions, build_answered_change
from discretion.domain.requests.model import Assurance, RequestReason, RequestState
from discretion.domain.requests.sealed_fields import RequestSealer
from discretion.errors import Conflict, NotFound
from discretion.seal.cell import REQUEST_MESSAGE_KEY
from discretion.store.requests import RequestStore

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
        # Sealed before the change: `build_change` may run several times.
        message = await self.seal_message(request, by, text)

        def build_change(document: Mapping[str, Any]) -> Mapping[str, Any]:
            earlier_messages = document.get("messages", ())
            if len(earlier_messages) >= MAX_MESSAGES:
                raise Conflict("MESSAGES_TOO_MANY", f"A request has at most {MAX_MESSAGES} messages.")
            change: dict[str, Any] = {"messages": [*earlier_messages, message]}
            waits_for_person = (
                document["state"] == RequestState.ACTION_REQUIRED
                and document.get("reason") in _ANSWERABLE_REASONS
            )
            if waits_for_person and not by.startswith("steward:"):
                now = self.now_ms()
                change |= build_answered_change(document, now, by)
                change["pauses"] = [
                    {**pause, "end": pause.get("end", now)} for pause in document.get("pauses", ())
                ]
            return change

        await self.decisions.apply_change(request, build_change)

    async def seal_message(self, request: bytes, by: str, text: str) -> dict[str, Any]:
        """Encrypt a message and return it as it is stored.

        Returns:
            ``at`` (ms), ``by`` (actor), ``for`` (the customer whose key encrypts it), ``sealed`` (the cell).

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``.
            Conflict: ``MESSAGE_TO_NOBODY``; the requester is not identified, no customer was found, or the
                customer was erased.
        """
        document = await self.requests.find(request)
        if document is None:
            raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
        customer = document.get("customer")
        if customer is None or (is_identity_unproven(document) and not _is_office_message(document, by)):
            raise Conflict(
                "MESSAGE_TO_NOBODY", "The requester is not identified, so there is nobody to write to.", ""
            )
        try:
            owner, cell = await self.sealer.seal(customer, REQUEST_MESSAGE_KEY, text)
        except NotFound:
            raise Conflict("MESSAGE_TO_NOBODY", "The customer of this request was erased.") from None
        return {"at": self.now_ms(), "by": by, "for": owner, "sealed": cell}


def is_identity_unproven(document: Mapping[str, Any]) -> bool:
    """Return whether a request names the customer by an address and the requester was never identified.

    This also holds after the request has ended. The API must answer for such a request in the same way
    whether or not a customer was found: any difference would show it.
    """
    return "contact" in document and document["assurance"] < Assurance.FRESH


def _is_office_message(document: Mapping[str, Any], by: str) -> bool:
    """Return whether a steward writes about a request that does not wait for identity proof."""
    return by.startswith("steward:") and document.get("reason") != RequestReason.IDENTITY
