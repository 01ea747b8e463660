"""GraphQL mutations ``merge`` and ``unmerge``: a steward decides which customers are one person."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.identity.api.identity import EVENT_ID_KIND
from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.loading import load_customer, load_customers
from discretion.errors import NotFound
from discretion.reveal.revealer import CustomerRow


def identity_mutations(customer: Any, provide: Callable[[], Stewardship]) -> list[StrawberryField]:
    """Build the mutations; ``customer`` is the GraphQL type that they return."""

    async def merge(
        root: object,
        info: ResolverInfo,
        customers: list[strawberry.ID],
        reason: str,
        owners_informed: bool = False,
    ) -> CustomerRow | None:
        del root
        reading, actor = info.context.require_steward()
        customer_ids = [reading.decode_customer_id(customer_id) for customer_id in customers]
        known_ids = [customer_id for customer_id in customer_ids if customer_id is not None]
        if len(known_ids) < len(customer_ids):
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return await load_customer(
            info, await provide().merge(known_ids, actor, reason, owners_informed=owners_informed)
        )

    async def unmerge(root: object, info: ResolverInfo, merge: strawberry.ID) -> list[CustomerRow | None]:
        del root
        reading, actor = info.context.require_steward()
        # An id issued to another client decodes to None, which matches no event: MERGE_NOT_FOUND.
        event_id = info.context.resources.pairwise.decode(reading.grant.client, EVENT_ID_KIND, merge)
        customer_ids = await provide().unmerge(event_id or b"", actor)
        return await load_customers(info, reading, customer_ids)

    merge_description = (
        "Makes these customers one person, whatever the evidence, for a reason that stays on record and "
        "names nobody. Two who have a login each and agree only on what proves nothing, such as a claim or "
        "a device, are informed first, with `proposeJoin`; `ownersInformed: true` states that both were "
        "informed already. For stewards; a later decision replaces an earlier one."
    )
    unmerge_description = (
        "Parts whom a merge brought together, as if it had not happened, and keeps them apart. Takes the "
        "id of a `merged` event of `customer { identityHistory }`; answers who they are now. For stewards."
    )
    return [
        build_field(merge, "merge", customer | None, merge_description),
        build_field(unmerge, "unmerge", list[customer | None] | None, unmerge_description),
    ]
