"""``merge`` and ``unmerge``: what a steward says of who is who."""

from __future__ import annotations

from typing import Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from discretion.domain.identity.api.identity import EVENT_KIND
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.kit.graphql.context import Context
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.loading import load, load_many
from discretion.errors import Forbidden, NotFound
from discretion.reveal.revealer import Reading

Where = Info[Context, None]


def identity_mutations(customer: Any) -> list[StrawberryField]:
    """The mutations; ``customer`` is the GraphQL type they return."""

    async def merge(root: Any, info: Where, customers: list[strawberry.ID]) -> Any:
        del root
        reading, by = steward(info)
        found = [reading.identify(one) for one in customers]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return await load(info, await info.context.records.verbs[Stewardship].merge(known, by))

    async def unmerge(root: Any, info: Where, merge: strawberry.ID) -> Any:
        del root
        reading, by = steward(info)
        event = info.context.records.pairwise.open(reading.grant.client, EVENT_KIND, merge)
        parted = await info.context.records.verbs[Stewardship].unmerge(event or b"", by)
        return await load_many(info, reading, parted)

    joined = "Makes these customers one person, whatever the evidence. For stewards; a later word counts."
    parted = (
        "Parts whom a merge brought together, as if it had not happened, and keeps them apart. Takes the "
        "id of a `merged` event of `customer { identityHistory }`; answers who they are now. For stewards."
    )
    return [
        field(merge, "merge", customer | None, joined),
        field(unmerge, "unmerge", list[customer | None] | None, parted),
    ]


def steward(info: Where) -> tuple[Reading, str]:
    """The reading of a steward, and how their word is signed.

    Raises:
        Forbidden: ``STEWARD_ONLY``.
    """
    reading = info.context.meeting()
    if not reading.grant.is_steward:
        raise Forbidden(
            "STEWARD_ONLY",
            "Only the privacy office says who is who.",
            "Use a token with the scope 'steward'.",
        )
    return reading, f"steward:{reading.grant.client}"
