"""``sendCode`` and ``proveIdentity``: showing who asks, in proportion to what is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.api.customers import IdentifierInput
from discretion.domain.requests.api.requester import Where, address, assurance_of
from discretion.domain.requests.api.types import RightsRequest, met, row_of, shown
from discretion.domain.requests.api.visibility import reached, selves, voice
from discretion.domain.requests.code_addresses import MAIL
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.identity_proofing import LIFE_MS, Prove, masked, waiting
from discretion.domain.requests.model import Assurance
from discretion.errors import BadRequest, Conflict, Forbidden
from discretion.reveal.forms import iso
from discretion.seal.cell import identifier_key
from discretion.seal.normalisation import RULES
from discretion.store.driver.database import Document
from discretion.store.requests import Requests

MAX_CODE = 32


@strawberry.type(description="A code is on its way, if the address is one we know of this person.")
class SentCode:
    """The same is answered whether anybody is known."""

    sent_to: str = strawberry.field(description="The address, masked.")
    until: DateTime = strawberry.field(description="Until when the code is good.")


def proving_mutations() -> list[StrawberryField]:
    """See the module."""
    sends = (
        "Has a code sent to an e-mail address we know of the person. Whoever has no token of theirs names "
        "the address by which the request was filed."
    )
    proves = "Proves who asks: with the code, or without one by a login of the last ten minutes."
    return [
        field(_send, "sendCode", SentCode | None, sends),
        field(_prove, "proveIdentity", RightsRequest | None, proves),
    ]


async def _send(
    root: Any, info: Where, request: strawberry.ID, contact: IdentifierInput | None = UNSET
) -> SentCode:
    del root
    document = await reached(info, request)
    reading = info.context.meeting()
    if reading.grant.is_steward:
        raise Forbidden("CODE_NOT_YOURS", "The office proves who asks by its own means: resumeRequest(id:).")
    waiting(document)
    told = contact or None
    secret, prove = not reading.grant.is_self, info.context.records.verbs[Prove]
    known = await prove.addresses(document)
    if secret:
        entry, where = _given(info, document, told)
        there = entry in known
    else:
        where, there = await _known(info, document, told, known), True
    await prove.send(document["_id"], _caller(info), where if there else None, secret=secret)
    return SentCode(sent_to=masked(where), until=DateTime(iso(reading.now_ms + LIFE_MS)))


async def _prove(root: Any, info: Where, request: strawberry.ID, code: str | None = UNSET) -> RightsRequest:
    del root
    document = await reached(info, request)
    verbs, grant = info.context.records.verbs, info.context.meeting().grant
    if code:
        if len(code) > MAX_CODE:
            raise BadRequest("CODE_WRONG", "The code is not good.", "Look again, or have another one sent.")
        await verbs[Prove].take(document["_id"], _caller(info), voice(info), code.strip())
    else:
        waiting(document)
        await _logged_in(info, document)
        await verbs[Decide].proven(document["_id"], f"self:{grant.client}", Assurance.FRESH)
    after = await verbs[Requests].get(document["_id"])
    assert after is not None
    await met(info, [after])
    return shown(info, after)


async def _logged_in(info: Where, document: Document) -> None:
    """Raises Forbidden ``LOGIN_NOT_FRESH`` unless it is the person, who logged in a moment ago."""
    reading = info.context.meeting()
    own = reading.identify(reading.grant.subject) if reading.grant.is_self else None
    fresh = assurance_of(reading.grant, reading.now_ms) >= Assurance.FRESH
    if own is None or not fresh or document.get("customer") not in await selves(info, own):
        raise Forbidden(
            "LOGIN_NOT_FRESH",
            "This token does not show that the person logged in within ten minutes.",
            "Log in again, or use a code: sendCode(request:).",
        )


def _given(info: Where, document: Document, contact: IdentifierInput | None) -> tuple[bytes, str]:
    """The address by which somebody was named, given again, and its entry: it is kept nowhere."""
    if contact is None or contact.type != MAIL:
        raise BadRequest("CONTACT_NEEDED", "Name the e-mail address by which the request was filed.")
    entry, digest = address(info, contact)
    if digest != document.get("contact"):
        raise BadRequest("CONTACT_OTHER", "The request was filed by another address.")
    return entry, _spelled(info, contact)


async def _known(
    info: Where, document: Document, contact: IdentifierInput | None, known: Mapping[bytes, int]
) -> str:
    """An address of the person themselves, the one they name or the one known longest."""
    reading, records = info.context.meeting(), info.context.records
    row = await row_of(info, document["customer"])
    named = [] if row is None else await records.identities.named(row.id, {MAIL})
    ids = [one for record in named for one in record["ids"] if one["e"] in known]
    ids.sort(key=lambda one: (known[one["e"]], one["e"]))
    if contact is not None:
        entry, _ = address(info, contact)
        ids = [one for one in ids if one["e"] == entry]
    if row is None or not ids:
        raise Conflict(
            "CONTACT_UNKNOWN",
            "No such address is known, or not for a day yet.",
            "Log in again, or ask the office.",
        )
    return str(reading.reveal_cell(row, ids[0]["c"], identifier_key(ids[0]["e"]), "contact"))


def _spelled(info: Where, contact: IdentifierInput) -> str:
    kind = info.context.records.catalogue.identifiers[contact.type]
    spelled = RULES[kind.normalise](contact.value, None)
    assert spelled is not None
    return spelled


def _caller(info: Where) -> str:
    grant = info.context.meeting().grant
    return f"{grant.client} {grant.subject}"
