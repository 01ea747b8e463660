"""``proposeJoin``, ``objectToJoin`` and ``proposedJoins``: both are informed before they are joined."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.identity.stewardship import check_reason
from discretion.domain.joins.api.informed_logins import (
    InformedLogins,
    find_informed_logins,
    find_login_records,
)
from discretion.domain.joins.proposals import JoinDraft, JoinProposals
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.loading import load_subjects
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CUSTOMER_ID_KIND, CustomerRow
from discretion.store.proposed_joins import ProposalEnd, ProposalState, ProposedJoin

PROPOSAL_ID_KIND = b"proposed-join"
MAX_PROPOSALS = 100

strawberry.enum(ProposalState, name="ProposedJoinState", description="What became of a proposed join.")
strawberry.enum(
    ProposalEnd, name="ProposedJoinEnd", description="Why a proposed join ended without an objection."
)


@strawberry.type(
    name="ProposedJoin", description="Customers whom a steward joins unless one of them objects."
)
class ProposedJoinView:
    """A proposed join, see ``store.proposed_joins.ProposedJoin``."""

    id: strawberry.ID = strawberry.field(
        description="What `objectToJoin` takes. Opaque, and good only for this client."
    )
    state: ProposalState
    customers: list[strawberry.ID] = strawberry.field(
        description="Whom it joins: for the steward all, for a customer themselves only."
    )
    by: str
    reason: str
    at: DateTime = strawberry.field(description="When their confirmed addresses were informed.")
    until: DateTime = strawberry.field(description="Until when they may object.")
    decided_at: DateTime | None
    end_reason: ProposalEnd | None = strawberry.field(
        description="Why it ended: one of them has other logins than those that were informed, they became "
        "one customer otherwise, or one was erased."
    )


def proposal_fields(
    provide: Callable[[], JoinProposals],
) -> tuple[StrawberryField, StrawberryField, list[StrawberryField]]:
    """Build the field of ``Customer``, that of ``Query``, and those of ``Mutation``."""
    of_customer_description = (
        "Joins with others that wait for an objection, the oldest first. For the customer and the steward."
    )
    list_description = "Proposed joins in a state, those that end first, at most 100. For the steward."
    propose_description = (
        "Informs every address that the logins of these customers have confirmed that they are to be joined, "
        "and joins them when the time for objections ends (`DISCRETION_OBJECTION_DAYS`). For two who have a "
        "login each and agree on nothing certain (`OWNERS_NOT_INFORMED`). Refused with "
        "`LOGIN_WITHOUT_ADDRESS` if a login has confirmed none. A repetition answers the same. For the "
        "steward."
    )
    object_description = (
        "Stops a proposed join. For either customer, and for the steward whom one of them has told. A "
        "repetition answers the same."
    )
    return (
        build_field(
            bind_services(provide, _proposals_of),
            "proposedJoins",
            list[ProposedJoinView] | None,
            of_customer_description,
        ),
        build_field(
            bind_services(provide, _list_proposals),
            "proposedJoins",
            list[ProposedJoinView] | None,
            list_description,
        ),
        [
            build_field(
                bind_services(provide, _propose_join),
                "proposeJoin",
                ProposedJoinView | None,
                propose_description,
            ),
            build_field(
                bind_services(provide, _object_to_join),
                "objectToJoin",
                ProposedJoinView | None,
                object_description,
            ),
        ],
    )


async def propose_join(services: JoinProposals, info: ResolverInfo, draft: JoinDraft) -> ProposedJoin:
    """Inform the customers of a join and store the proposal; see ``JoinProposals.propose``.

    Raises:
        BadRequest: ``MERGE_OF_ONE``, ``MERGE_REASON``; NotFound: ``CUSTOMER_NOT_FOUND``.
        Conflict: ``NOTICE_NOT_NEEDED``; fewer than two of them have a login. ``LOGIN_WITHOUT_ADDRESS``; one
            of their logins cannot be informed. ``JOIN_OBJECTED``.
    """
    check_reason(draft.reason)
    subjects = await load_subjects(info, draft.customers)
    if len(subjects) < len(set(draft.customers)):
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    rows = {row.id: row for row in subjects.values()}
    if len(rows) < 2:
        raise BadRequest("MERGE_OF_ONE", "These ids belong to one customer.", "Give the ids of at least two.")
    identities = info.context.resources.identities
    sides = [
        {customer, *(former for former, _ in await identities.list_former_ids(customer))} for customer in rows
    ]
    logins = [await find_login_records(info, customer) for customer in rows]
    if (earlier := await services.find_earlier(sides, logins)) is not None:
        return earlier
    informed = {customer: await find_informed_logins(info, row) for customer, row in rows.items()}
    recipients = _list_recipients(informed.values())
    informed_logins = {customer: side.records for customer, side in informed.items()}
    return await services.propose(replace(draft, customers=tuple(sorted(rows))), informed_logins, recipients)


def _list_recipients(informed: Collection[InformedLogins]) -> list[str]:
    """Return the addresses that the logins of customers have proven.

    Raises:
        Conflict: ``NOTICE_NOT_NEEDED``, ``LOGIN_WITHOUT_ADDRESS``.
    """
    if sum(1 for side in informed if side.records) < 2:
        raise Conflict(
            "NOTICE_NOT_NEEDED", "At most one of them has a login.", "Use merge(customers:, reason:)."
        )
    if not all(side.are_all_reachable for side in informed):
        raise Conflict(
            "LOGIN_WITHOUT_ADDRESS",
            "A login of one of them has confirmed no address, so its owner cannot be informed.",
            "Inform both owners by other means, then state it: "
            "merge(customers:, reason:, ownersInformed: true).",
        )
    return list(dict.fromkeys(address for side in informed for address in side.addresses))


async def _propose_join(
    services: JoinProposals, root: object, info: ResolverInfo, customers: list[strawberry.ID], reason: str
) -> ProposedJoinView:
    del root
    reading, actor = info.context.require_steward()
    customer_ids = [reading.decode_customer_id(customer) for customer in customers]
    named = tuple(customer for customer in customer_ids if customer is not None)
    if len(named) < len(customer_ids):
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return _build_view(info, await propose_join(services, info, JoinDraft(named, actor, reason)))


async def _object_to_join(
    services: JoinProposals, root: object, info: ResolverInfo, join: strawberry.ID
) -> ProposedJoinView:
    del root
    reading = info.context.require_customer_or_steward()
    proposal_id = reading.decode_id(PROPOSAL_ID_KIND, join)
    proposal = None if proposal_id is None else await services.store.find(proposal_id)
    if proposal is None or not await _concerns_caller(info, proposal):
        raise NotFound("JOIN_UNKNOWN", "There is no such join.", "Query `me { proposedJoins { id } }` again.")
    grant = reading.grant
    by = f"steward:{grant.client}" if grant.is_steward and not grant.is_self else "customer"
    await services.object(proposal, by)
    await load_subjects(info, proposal.customers)
    return _build_view(info, await services.store.find(proposal.id) or proposal)


async def _concerns_caller(info: ResolverInfo, proposal: ProposedJoin) -> bool:
    """Return whether a proposed join concerns the customer who asks; the steward may see all."""
    reading = info.context.require_reading()
    if not reading.grant.is_self:
        return True
    if reading.own_customer is None:
        return False
    return not set(await _list_ids(info, reading.own_customer)).isdisjoint(proposal.customers)


async def _list_ids(info: ResolverInfo, customer: bytes) -> list[bytes]:
    former_ids = await info.context.resources.identities.list_former_ids(customer)
    return [customer, *(former for former, _ in former_ids)]


async def _proposals_of(
    services: JoinProposals, root: CustomerRow, info: ResolverInfo
) -> list[ProposedJoinView]:
    reading = info.context.require_customer_or_steward()
    reading.record_extra("proposedJoins")
    ids = await _list_ids(info, root.id)
    return [
        _build_view(info, proposal) for proposal in await services.store.list_of(ids, [ProposalState.WAITING])
    ]


async def _list_proposals(
    services: JoinProposals, root: object, info: ResolverInfo, state: ProposalState = ProposalState.WAITING
) -> list[ProposedJoinView]:
    del root
    reading, _ = info.context.require_steward()
    proposals = await services.store.list_in_state(state, MAX_PROPOSALS)
    await load_subjects(info, [customer for proposal in proposals for customer in proposal.customers])
    reading.record_extra("proposedJoins")
    return [_build_view(info, proposal) for proposal in proposals]


def _build_view(info: ResolverInfo, proposal: ProposedJoin) -> ProposedJoinView:
    reading = info.context.require_reading()
    shown: Sequence[bytes] = proposal.customers
    if reading.grant.is_self:
        shown = [] if reading.own_customer is None else [reading.own_customer]
    return ProposedJoinView(
        id=strawberry.ID(reading.encode_id(PROPOSAL_ID_KIND, proposal.id)),
        state=proposal.state,
        customers=[strawberry.ID(reading.encode_id(CUSTOMER_ID_KIND, customer)) for customer in shown],
        by=proposal.by,
        reason=proposal.reason,
        at=DateTime(format_timestamp(proposal.at)),
        until=DateTime(format_timestamp(proposal.ends)),
        decided_at=None if proposal.decided is None else DateTime(format_timestamp(proposal.decided)),
        end_reason=proposal.end,
    )
