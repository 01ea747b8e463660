"""Legal holds, and looking at what another law ordered kept. For stewards; each look is on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Catalogue
from discretion.domain.identity.api.stewardship import steward
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.domain.legal_retention.legal_holds import Holds
from discretion.domain.legal_retention.retained_items import EVENT
from discretion.domain.profiles.api.timeline import as_told
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.forms import CLEAR, iso
from discretion.reveal.revealer import Reading
from discretion.seal.cell import event_key

PURPOSE = "essential.legal_obligation"
MOST = 100
"""Documents of held data that are shown at once."""

_HOLD = b"hold"
Where = Info[Context, None]


@strawberry.type(description="One thing that is kept: an order as on its invoice, or what a source knew.")
class HeldItem:
    """An item of held data."""

    type: str = strawberry.field(description="The event's name, or `record`.")
    source: str = strawberry.field(description="Who sent it.")
    at: DateTime
    values: Json


@strawberry.type(description="What another law orders kept of somebody who was erased.")
class HeldData:
    """Held data under one order; nothing in it says who the customer was."""

    law: str = strawberry.field(description="Key of the jurisdiction, or what a hold names.")
    why: str = strawberry.field(description="The provision, or the reason of the hold.")
    until: DateTime | None = strawberry.field(description="When it goes; null until its hold is lifted.")
    request: str = strawberry.field(description="The erasure: the number (`jti`) of its certificate.")
    items: list[HeldItem]


def held_field() -> StrawberryField:
    """``Query.heldData``."""

    async def held(root: Any, info: Where, request: str) -> list[HeldData]:
        del root
        reading, _ = steward(info)
        if PURPOSE not in reading.plan.held:
            raise Forbidden("HELD_NOT_GRANTED", f"Held data are for the purpose '{PURPOSE}' alone.")
        docs = await info.context.records.verbs[Holds].kept(_number(request), MOST)
        return [_held(reading, info.context.records.catalogue, one) for one in docs]

    words = (
        "What other laws order kept of somebody who was erased, by the number of the certificate. For "
        "stewards, for the purpose that the law orders it for. Every look is on record."
    )
    return field(held, "heldData", list[HeldData] | None, words)


def hold_mutations() -> list[StrawberryField]:
    """``Mutation.placeHold`` and ``Mutation.liftHold``."""

    async def place(
        root: Any,
        info: Where,
        customer: strawberry.ID,
        reason: str,
        law: str,
        events: list[strawberry.ID] | None = None,
    ) -> strawberry.ID:
        del root
        reading, by = steward(info)
        whom = reading.identify(customer)
        if whom is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        named = [reading.unshut(b"event", one) or b"" for one in events or ()]
        hold = await info.context.records.verbs[Holds].place(whom, (), named, reason, law, by)
        return strawberry.ID(reading.shut(_HOLD, hold))

    async def lift(root: Any, info: Where, hold: strawberry.ID) -> bool:
        del root
        reading, _ = steward(info)
        await info.context.records.verbs[Holds].lift(reading.unshut(_HOLD, hold) or b"")
        return True

    placed = (
        "Has events of a customer, or all of them and everything else, survive an erasure until the hold is "
        "lifted (GDPR Art. 17(3)(e)). Answers the hold's id. For stewards."
    )
    lifted = "Lifts a hold; what only it kept is deleted. For stewards."
    return [
        field(place, "placeHold", strawberry.ID | None, placed),
        field(lift, "liftHold", bool | None, lifted),
    ]


def _number(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise BadRequest(
            "REQUEST_INVALID", "That is no number of a request.", "Take `jti` from the certificate."
        ) from None


def _held(reading: Reading, catalogue: Catalogue, doc: Mapping[str, Any]) -> HeldData:
    holder = doc["_id"], doc["key"]
    return HeldData(
        law=doc["law"],
        why=doc["why"],
        until=DateTime(iso(doc["until"])) if "until" in doc else None,
        request=doc["request"].hex(),
        items=[
            HeldItem(
                type=one["type"],
                source=one["source"],
                at=DateTime(iso(one["at"])),
                values=_values(reading, catalogue, holder, one),
            )
            for one in doc["items"]
        ],
    )


def _values(
    reading: Reading, catalogue: Catalogue, holder: tuple[bytes, bytes], item: Mapping[str, Any]
) -> Any:
    if item["kind"] == EVENT:
        if "props" not in item:
            return {}
        told = reading.reveal_held(holder, item["props"], event_key(item["id"]).encode())
        kind = catalogue.events.get(item["type"])
        return told if kind is None else as_told(kind, told)
    told = {}
    for key, cell in item.get("cells", {}).items():
        value, attribute = reading.reveal_held(holder, cell, key.encode()), catalogue.by_key.get(key)
        show = None if attribute is None else CLEAR.get(attribute.type)
        told[key.replace("/", ".")] = value if show is None else show(value, 0)
    for name, cell in item.get("names", {}).items():
        told[f"identifier.{name}"] = reading.reveal_held(holder, cell, f"{item['id'].hex()}/{name}".encode())
    return told
