"""``proposeJoin``, ``objectToJoin`` and ``proposedJoins``: both are informed before they are joined."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import strawberry
from strawberry.types.field import StrawberryField

from discretion.domain.identity.hearing import has_login
from discretion.domain.identity.stewardship import check_reason
from discretion.domain.joins.proposals import JoinDraft, JoinProposals
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import bind_services, build_field
from discretion.domain.kit.graphql.loading import load_subjects
from discretion.domain.kit.graphql.scalars import DateTime
from discretion.domain.requests.api.known_address import reveal_addresses
from discretion.domain.requests.code_addresses import EMAIL_TYPE, find_proven_addresses
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CUSTOMER_ID_KIND, CustomerRow
from discretion.store.proposed_joins import ProposalState, ProposedJoin

PROPOSAL_ID_KIND = b"proposed-join"
MAX_PROPOSALS = 100
MAX_NOTICES = 5
"""Addresses of one customer that a notice goes to, those that were proven first."""

strawberry.enum(ProposalState, name="ProposedJoinState", description="What became of a proposed join.")


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


def proposal_fields(
    provide: Callable[[], JoinProposals],
) -> tuple[StrawberryField, StrawberryField, list[StrawberryField]]:
    """Build the field of ``Customer``, that of ``Query``, and those of ``Mutation``."""
    of_customer_description = (
        "Joins with others that wait for an objection, the oldest first. For the customer and the steward."
    )
    list_description = "Proposed joins in a state, those that end first, at most 100. For the steward."
    propose_description = (
        "Informs the confirmed addresses of these customers that they are to be joined, and joins them when "
        "the time for objections ends (`DISCRETION_OBJECTION_DAYS`). For two who have a login each and agree "
        "only on what one of them claims. A repetition answers the same. For the steward."
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
            with a login cannot be informed. ``JOIN_OBJECTED``.
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
    if (earlier := await services.find_earlier(sides)) is not None:
        return earlier
    recipients = await _find_recipients(info, rows)
    return await services.propose(replace(draft, customers=tuple(sorted(rows))), recipients)


async def _find_recipients(info: ResolverInfo, rows: Mapping[bytes, CustomerRow]) -> list[str]:
    """Return the addresses that the customers with a login have proven."""
    types, identities = info.context.resources.catalogue.identifiers, info.context.resources.identities
    recipients: list[str] = []
    logins = 0
    for customer, row in rows.items():
        records = await identities.list_identifiers(customer, types)
        if not has_login(records, types):
            continue
        logins += 1
        emails = await identities.list_identifiers(customer, {EMAIL_TYPE})
        known_addresses = {
            entry: at
            for proofs in find_proven_addresses(emails, EMAIL_TYPE).values()
            for entry, at in proofs.items()
        }
        addresses = await reveal_addresses(info, row, emails, known_addresses, MAX_NOTICES)
        if not addresses:
            raise Conflict(
                "LOGIN_WITHOUT_ADDRESS",
                "One of them has a login and no confirmed address, and cannot be informed.",
                "Hear both by other means, then state it: merge(customers:, reason:, heard: true).",
            )
        recipients += [address for _, address in addresses]
    if logins < 2:
        raise Conflict(
            "NOTICE_NOT_NEEDED", "At most one of them has a login.", "Use merge(customers:, reason:)."
        )
    return list(dict.fromkeys(recipients))


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
    )
