"""GraphQL for stewards: legal holds and retained data. The ledger records every read."""

from __future__ import annotations

from collections.abc import Callable

import strawberry
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Catalogue
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.domain.legal_retention.legal_holds import LegalHolds
from discretion.domain.profiles.api.timeline import render_properties
from discretion.errors import BadRequest, Forbidden, NotFound
from discretion.reveal.forms import build_clear_render, format_timestamp
from discretion.reveal.revealer import Reading
from discretion.seal.cell import event_cell_key
from discretion.store.retained_data import RetainedData, RetainedKind, RetainedPart

HELD_DATA_PURPOSE = "essential.legal_obligation"
DOCUMENT_LIMIT = 100
"""Retained documents that one query returns."""

_HOLD_ID_KIND = b"hold"


@strawberry.type(description="One thing that is kept: an order as on its invoice, or what a source knew.")
class HeldItem:
    """A retained event or source record."""

    type: str = strawberry.field(description="The event's name, or `record`.")
    source: str = strawberry.field(description="Who sent it.")
    at: DateTime
    values: Json


@strawberry.type(description="What another law orders kept of somebody who was erased.")
class HeldData:
    """Data retained under one order, without the identity of the customer."""

    law: str = strawberry.field(description="Key of the jurisdiction, or what a hold names.")
    why: str = strawberry.field(description="The provision, or the reason of the hold.")
    until: DateTime | None = strawberry.field(description="When it goes; null until its hold is lifted.")
    request: str = strawberry.field(description="The erasure: the number (`jti`) of its certificate.")
    items: list[HeldItem]


def build_held_data_field(provide: Callable[[], LegalHolds]) -> StrawberryField:
    """Return the field ``Query.heldData``."""

    async def read_held_data(root: object, info: ResolverInfo, request: str) -> list[HeldData]:
        del root
        reading, _ = info.context.require_steward()
        # Retained data serve only the obligation that they are kept for (GDPR Art. 17(3)(b)).
        if HELD_DATA_PURPOSE not in reading.plan.granted_purposes:
            raise Forbidden(
                "HELD_NOT_GRANTED", f"Held data may be read for the purpose '{HELD_DATA_PURPOSE}' only."
            )
        retained = await provide().find_retained(_parse_request_id(request), DOCUMENT_LIMIT)
        return [_build_held_data(reading, info.context.resources.catalogue, data) for data in retained]

    description = (
        "What other laws order kept of somebody who was erased, by the number of the certificate. For "
        "stewards, for the purpose that the law orders it for. Every look is on record."
    )
    return build_field(read_held_data, "heldData", list[HeldData] | None, description)


def build_hold_mutations(provide: Callable[[], LegalHolds]) -> list[StrawberryField]:
    """Return the fields ``Mutation.placeHold`` and ``Mutation.liftHold``."""

    async def place_hold(
        root: object,
        info: ResolverInfo,
        customer: strawberry.ID,
        reason: str,
        law: str,
        events: list[strawberry.ID] | None = None,
    ) -> strawberry.ID:
        del root
        reading, steward_name = info.context.require_steward()
        customer_id = reading.decode_customer_id(customer)
        if customer_id is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        # An id of another client decodes to None, which matches no event: HELD_NOT_FOUND.
        event_ids = [reading.decode_id(b"event", event) or b"" for event in events or ()]
        hold_id = await provide().place(customer_id, (), event_ids, reason, law, steward_name)
        return strawberry.ID(reading.encode_id(_HOLD_ID_KIND, hold_id))

    async def lift_hold(root: object, info: ResolverInfo, hold: strawberry.ID) -> bool:
        del root
        reading, _ = info.context.require_steward()
        await provide().lift(reading.decode_id(_HOLD_ID_KIND, hold) or b"")
        return True

    place_description = (
        "Has events of a customer, or all of them and everything else, survive an erasure until the hold is "
        "lifted (GDPR Art. 17(3)(e)). Answers the hold's id. For stewards."
    )
    lift_description = "Lifts a hold; what only it kept is deleted. For stewards."
    return [
        build_field(place_hold, "placeHold", strawberry.ID | None, place_description),
        build_field(lift_hold, "liftHold", bool | None, lift_description),
    ]


def _parse_request_id(request_number: str) -> bytes:
    try:
        return bytes.fromhex(request_number)
    except ValueError:
        raise BadRequest(
            "REQUEST_INVALID", "That is not the number of a request.", "Use `jti` of the certificate."
        ) from None


def _build_held_data(reading: Reading, catalogue: Catalogue, retained: RetainedData) -> HeldData:
    holder = retained.id, retained.wrapped_key
    return HeldData(
        law=retained.law,
        why=retained.provision,
        until=None if retained.until is None else DateTime(format_timestamp(retained.until)),
        request=retained.request.hex(),
        items=[
            HeldItem(
                type=part.type,
                source=part.source,
                at=DateTime(format_timestamp(part.at)),
                values=_reveal_values(reading, catalogue, holder, part),
            )
            for part in retained.parts
        ],
    )


def _reveal_values(
    reading: Reading, catalogue: Catalogue, holder: tuple[bytes, bytes], part: RetainedPart
) -> Json:
    if part.kind is RetainedKind.EVENT:
        if part.properties is None:
            return Json({})
        values = reading.reveal_retained_cell(holder, part.properties, event_cell_key(part.id).encode())
        event_type = catalogue.events.get(part.type)
        return Json(values if event_type is None else render_properties(event_type, values))
    values = {}
    for key, cell in part.cells.items():
        value = reading.reveal_retained_cell(holder, cell, key.encode())
        attribute = catalogue.attributes_by_key.get(key)
        render = None if attribute is None else build_clear_render(attribute)
        values[catalogue.find_path(key)] = value if render is None else render(value, 0)
    for name, cell in part.identifiers.items():
        values[f"identifier.{name}"] = reading.reveal_retained_cell(
            holder, cell, f"{part.id.hex()}/{name}".encode()
        )
    return Json(values)
