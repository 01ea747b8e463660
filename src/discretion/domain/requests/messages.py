"""What the person and the office tell each other about a request, sealed under the person's key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.requests.decisions import Decide, answered
from discretion.domain.requests.model import Assurance, Reason, State
from discretion.domain.requests.sealed_fields import MESSAGE, Sealing
from discretion.errors import Conflict, NotFound
from discretion.store.requests import Requests

MAX_MESSAGES = 200
_ANSWERED = frozenset({Reason.CLARIFICATION, Reason.EVIDENCE})


@dataclass(frozen=True, slots=True)
class Converse:
    """Adds a message."""

    requests: Requests
    sealing: Sealing
    decide: Decide
    now_ms: Callable[[], int]

    async def tell(self, request: bytes, by: str, text: str) -> None:
        """Tell the other side something. Where the office waits for the person's words, these are them.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``; Conflict: ``MESSAGE_TO_NOBODY``, ``MESSAGES_TOO_MANY``.
        """
        message = await self.sealed(request, by, text)

        def told(document: Mapping[str, Any]) -> Mapping[str, Any]:
            before = document.get("messages", ())
            if len(before) >= MAX_MESSAGES:
                raise Conflict("MESSAGES_TOO_MANY", f"A request has at most {MAX_MESSAGES} messages.")
            change: dict[str, Any] = {"messages": [*before, message]}
            waits = document["state"] == State.ACTION_REQUIRED and document.get("reason") in _ANSWERED
            if waits and not by.startswith("steward:"):
                now = self.now_ms()
                change |= answered(document, now, by)
                change["pauses"] = [{**one, "end": one.get("end", now)} for one in document.get("pauses", ())]
            return change

        await self.decide.change(request, told)

    async def sealed(self, request: bytes, by: str, text: str) -> dict[str, Any]:
        """A message as it is kept.

        Raises:
            NotFound: ``REQUEST_NOT_FOUND``; Conflict: ``MESSAGE_TO_NOBODY``.
        """
        document = await self.requests.get(request)
        if document is None:
            raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
        customer = document.get("customer")
        if customer is None or (unproven(document) and not _decided(document, by)):
            raise Conflict(
                "MESSAGE_TO_NOBODY", "It is not proven who asks, so there is nobody to write to.", ""
            )
        try:
            owner, cell = await self.sealing(customer, MESSAGE, text)
        except NotFound:
            raise Conflict("MESSAGE_TO_NOBODY", "Whom this request was about is gone.") from None
        return {"at": self.now_ms(), "by": by, "for": owner, "sealed": cell}


def unproven(document: Mapping[str, Any]) -> bool:
    """Whether somebody is named by an address and nothing showed that it is them, even if it is over by now.

    What can be said of such a request is the same whether anybody is known, or that would tell.
    """
    return "contact" in document and document["assurance"] < Assurance.FRESH


def _decided(document: Mapping[str, Any], by: str) -> bool:
    """Whether the office speaks of what waits for no proof."""
    return by.startswith("steward:") and document.get("reason") != Reason.IDENTITY
