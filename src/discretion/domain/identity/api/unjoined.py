"""GraphQL fields for the customer only: what nobody has proven, and records of others that may be theirs."""

from __future__ import annotations

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.identity.possible_records import (
    MAX_POSSIBLE_RECORDS,
    PossibleRecords,
    list_claims,
    list_possible_records,
    list_proven_entries,
)
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.loading import load_subjects
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.profiles.proving_records import select_proving_mentions, select_proving_records
from discretion.errors import Forbidden
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CustomerRow, Reading
from discretion.seal.cell import identifier_cell_key

RECORD_ID_KIND = b"source-record"


@strawberry.type(
    name="UnprovenIdentifier",
    description="An identifier that the customer's own records claim and nobody has proven.",
)
class UnprovenIdentifierView:
    """An identifier that somebody typed, as the customer reads it."""

    type: str = strawberry.field(description="Such as `email` or `loyalty_id`.")
    value: str = strawberry.field(description="In the one spelling of its type.")
    source: str = strawberry.field(description="Who named it.")
    since: DateTime = strawberry.field(description="When it was named first.")


@strawberry.type(
    name="PossibleRecord",
    description="A record under somebody else that claims what the customer has proven.",
)
class PossibleRecordView:
    """A record of somebody else, without anything that it contains."""

    id: strawberry.ID = strawberry.field(
        description="What `sendRecordCode` and `joinRecord` take. Opaque, and good only for this client."
    )
    source: str = strawberry.field(description="Where the record is.")
    year: int = strawberry.field(description="The year in which the record named it first.")
    by: str = strawberry.field(description="The type of what it claims, such as `email`.")


def unjoined_fields() -> list[StrawberryField]:
    """Build the fields about what only claims join: of the customer, and of others."""

    async def unproven_identifiers(root: CustomerRow, info: ResolverInfo) -> list[UnprovenIdentifierView]:
        reading = require_own_reading(info)
        resources = info.context.resources
        records = await resources.identities.list_identifiers(root.id, resources.catalogue.identifiers)
        claims = sorted(list_claims(records), key=lambda claim: (claim[1].at, claim[1].entry, claim[0].id))
        reading.record_extra("unprovenIdentifiers")
        return [
            UnprovenIdentifierView(
                type=identifier.type,
                value=reading.reveal_cell(
                    root,
                    identifier.cell,
                    identifier_cell_key(identifier.entry),
                    f"identifier:{identifier.type}",
                ),
                source=record.source,
                since=DateTime(format_timestamp(identifier.at)),
            )
            for record, identifier in claims
        ]

    async def may_be_yours(root: CustomerRow, info: ResolverInfo) -> list[PossibleRecordView]:
        reading = require_own_reading(info)
        possible = (await find_possible_records(info, root.id)).shown
        # The answer says something about whoever has these records, so the ledger names them.
        await load_subjects(info, [each.customer for each in possible])
        reading.record_extra("mayBeYours")
        return [
            PossibleRecordView(
                id=strawberry.ID(reading.encode_id(RECORD_ID_KIND, each.record)),
                source=each.source,
                year=each.year,
                by=each.identifier_type,
            )
            for each in possible
        ]

    async def more_may_be_yours(root: CustomerRow, info: ResolverInfo) -> bool:
        reading = require_own_reading(info)
        reading.record_extra("mayBeYours")
        return (await find_possible_records(info, root.id)).are_more

    unproven_description = "What the customer's own records only claim. For the customer."
    possible_description = (
        "Records that are not joined to the customer but claim an identifier that the customer has proven. "
        f"At most {MAX_POSSIBLE_RECORDS}, the oldest of each source first; `moreMayBeYours` says whether "
        "there may be more. For the customer; `sendRecordCode` and `joinRecord` join one that is theirs."
    )
    more_description = (
        "Whether there may be more records than `mayBeYours` lists. The privacy office finds them. "
        "For the customer."
    )
    return [
        build_field(
            unproven_identifiers,
            "unprovenIdentifiers",
            list[UnprovenIdentifierView] | None,
            unproven_description,
        ),
        build_field(may_be_yours, "mayBeYours", list[PossibleRecordView] | None, possible_description),
        build_field(more_may_be_yours, "moreMayBeYours", bool | None, more_description),
    ]


async def find_possible_records(info: ResolverInfo, customer: bytes) -> PossibleRecords:
    """Return the records of others that claim what a customer has proven.

    Only records that count for their customers (``proving_records``), on either side: the record of a
    browser would take along whoever logged in there, and what somebody proved there is not this customer's.
    """
    resources = info.context.resources
    types, identities = resources.catalogue.identifiers, resources.identities
    records = select_proving_records(await identities.list_identifiers(customer, types))
    named = [
        await select_proving_mentions(identities, each)
        for entry in list_proven_entries(records, types)
        if (each := await identities.find_named(entry)) is not None
    ]
    return list_possible_records(named, customer, types)


def require_own_reading(info: ResolverInfo) -> Reading:
    """Return the reading of a customer's own token.

    Raises:
        Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``CUSTOMER_ONLY``.
    """
    reading = info.context.require_reading()
    if not reading.grant.is_self:
        raise Forbidden(
            "CUSTOMER_ONLY",
            "Only the customer concerned may read or do this.",
            "Use the customer's own token: me { … }.",
        )
    return reading
