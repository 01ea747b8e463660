"""Which requests a caller may see: their own, those about them, and for the office all."""

from __future__ import annotations

from discretion.domain.requests.api.requester import Where
from discretion.domain.requests.api.types import request_id
from discretion.errors import Forbidden, NotFound
from discretion.reveal.revealer import Reading
from discretion.store.driver.database import Document
from discretion.store.requests import Requests


async def reached(info: Where, id: str) -> Document:
    """A request that the caller may see, as it stands.

    Whoever filed it may, by the same client and under the same name, also when the person is gone.

    Raises:
        NotFound: ``REQUEST_NOT_FOUND``; there is none, or none for this caller.
    """
    reading = info.context.meeting()
    key = request_id(info.context.records, reading, id)
    found = None if key is None else await info.context.records.verbs[Requests].get(key)
    if found is None or not await _theirs(info, reading, found):
        raise NotFound("REQUEST_NOT_FOUND", "There is no such request.")
    return found


async def _theirs(info: Where, reading: Reading, document: Document) -> bool:
    grant = reading.grant
    if grant.is_steward:
        return True
    if document["client"] == grant.client and document["subject"] == grant.subject:
        return True
    own = reading.identify(grant.subject) if grant.is_self else None
    return own is not None and document.get("customer") in await selves(info, own)


async def selves(info: Where, customer: bytes) -> list[bytes]:
    """All ids of a customer: those of who was merged into them are theirs."""
    former = await info.context.records.identities.former(customer)
    return [customer, *(one for one, _ in former)]


def office(info: Where) -> tuple[Reading, str]:
    """The reading of a steward, and how their word is signed.

    Raises:
        Forbidden: ``STEWARD_ONLY``.
    """
    reading = info.context.meeting()
    if not reading.grant.is_steward:
        raise Forbidden(
            "STEWARD_ONLY",
            "Only the privacy office decides what becomes of requests.",
            "Use a token with the scope 'steward'.",
        )
    return reading, f"steward:{reading.grant.client}"


def voice(info: Where) -> str:
    """How the word of whoever asks is signed."""
    grant = info.context.meeting().grant
    if grant.is_self:
        return f"self:{grant.client}"
    if grant.is_steward:
        return f"steward:{grant.client}"
    kind = next((one for one in ("agent", "guardian") if one in grant.scopes), "contact")
    return f"{kind}:{grant.client}"
