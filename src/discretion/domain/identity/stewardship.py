"""Merging and unmerging of customers by a steward.

A decision is stored as a ruling (``ruling_writer``). A repeated unmerge updates the actor and time of the
stored ruling, and a repeated merge raises ``MERGE_OF_ONE``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from discretion.domain.identity.owner_notice import find_common_entries, find_logins, needs_owner_notice
from discretion.domain.identity.person_rewrite import PersonRewrite, PersonRewriter
from discretion.domain.identity.ruling import Grounds
from discretion.domain.identity.ruling_writer import apply_ruling, join_customers, read_sides
from discretion.domain.profiles.identifier_index import is_shared
from discretion.errors import BadRequest, Conflict, NotFound
from discretion.store.identity_events import IdentityChangeKind
from discretion.store.transactions import Session

LOGINS_CHANGED = "LOGINS_CHANGED"
MIN_REASON_CHARS, MAX_REASON_CHARS = 3, 500


@dataclass(frozen=True, slots=True)
class Stewardship:
    """Merges and unmerges customers."""

    rewriter: PersonRewriter

    async def merge(
        self,
        customers: Sequence[bytes],
        actor: str,
        reason: str,
        decide: Callable[[Session], Awaitable[None]] | None = None,
        *,
        owners_informed: bool = False,
        rests_on_claims: bool = False,
        informed_logins: Mapping[bytes, AbstractSet[bytes]] | None = None,
    ) -> bytes:
        """Merge customers into one person and return the resulting customer id.

        Args:
            customers: Customer ids; former ids of merged customers are accepted.
            actor: Who decides, such as ``steward:privacy-office``.
            reason: Why, for the record; no personal data.
            decide: Records in the same transaction the decision that asks for the merge. If it raises, nobody
                is merged.
            owners_informed: Whether the owners of the logins were informed, by the steward or by a notice to
                which nobody objected.
            rests_on_claims: Whether it is certain already that the merge rests on claims.
            informed_logins: By id of these customers, the records of the logins whose owners were informed;
                nobody is merged if one of them has other logins now.

        Raises:
            BadRequest: ``MERGE_OF_ONE``; the ids belong to one customer, such as after the same merge.
                ``MERGE_REASON``; the reason is too short or too long.
            NotFound: ``CUSTOMER_NOT_FOUND``.
            Conflict: ``OWNERS_NOT_INFORMED``; two of them have a login each, agree on nothing certain
                (``needs_owner_notice``), and their owners were not informed. ``LOGINS_CHANGED``; see
                ``informed_logins``.
        """
        check_reason(reason)

        async def work(session: Session) -> bytes:
            if decide is not None:
                await decide(session)
            # Resolved inside the transaction: an erasure or another merge meanwhile is a write conflict.
            rewrite = self.rewriter.begin(session)
            customer_ids = [await _find_customer(rewrite, customer) for customer in customers]
            if len(set(customer_ids)) < 2:
                raise BadRequest(
                    "MERGE_OF_ONE", "These ids belong to one customer.", "Give the ids of at least two."
                )
            if not owners_informed and await self._needs_owner_notice(rewrite, customer_ids, rests_on_claims):
                raise build_uninformed_error()
            if informed_logins is not None:
                await _check_logins(rewrite, dict(zip(customers, customer_ids, strict=True)), informed_logins)
            return await join_customers(rewrite, customer_ids, actor, Grounds(reason.strip()))

        return await self.rewriter.stores.transactions.run(work)

    async def _needs_owner_notice(
        self, rewrite: PersonRewrite, customers: Sequence[bytes], rests_on_claims: bool
    ) -> bool:
        sides = await read_sides(rewrite, customers)
        records = [[rewrite.evidence.records[record] for record in side] for side in sides]
        types = rewrite.context.catalogue.identifiers
        common = find_common_entries(records)
        await rewrite.reader.read_identifiers(common)
        shared = {
            identifier.entry
            for identifier in rewrite.evidence.identifiers.values()
            if is_shared(len(identifier.records), types.get(identifier.type))
        }
        return needs_owner_notice(records, types, rests_on_claims=rests_on_claims, shared=shared)

    async def unmerge(self, event_id: bytes, actor: str) -> list[bytes]:
        """Separate permanently the customers whom a merge joined; return their customer ids now.

        Args:
            event_id: The id of a ``merged`` event of the identity history.
            actor: Who decides.

        Raises:
            NotFound: ``MERGE_NOT_FOUND``.
        """

        async def work(session: Session) -> list[bytes]:
            change = await self.rewriter.stores.identity_events.find(event_id, session)
            if change is None or change.kind is not IdentityChangeKind.MERGED:
                raise NotFound(
                    "MERGE_NOT_FOUND",
                    "There is no such merge.",
                    "Take the id of a `merged` event from `customer { identityHistory }`.",
                )
            # By records and not by customers: later merges may have given these records other customer ids.
            rewrite = self.rewriter.begin(session)
            await rewrite.reader.read_records(record for side in change.sides for record in side)
            return await apply_ruling(rewrite, change.sides, actor, joined=False)

        return await self.rewriter.stores.transactions.run(work)


def check_reason(reason: str) -> None:
    """Check the length of a reason.

    Raises:
        BadRequest: ``MERGE_REASON``.
    """
    if not MIN_REASON_CHARS <= len(reason.strip()) <= MAX_REASON_CHARS:
        raise BadRequest(
            "MERGE_REASON",
            f"A reason has {MIN_REASON_CHARS} to {MAX_REASON_CHARS} characters.",
            "State what shows that they are one person, such as the number of a file.",
        )


def build_uninformed_error() -> Conflict:
    """Return the error of a merge of two logins whose owners were not informed."""
    return Conflict(
        "OWNERS_NOT_INFORMED",
        "Two of them have a login each, and agree only on what proves nothing: a claim, a device, a payment "
        "card, or a value that was replaced or that many share.",
        "Inform both owners with proposeJoin(customers:, reason:), or state with ownersInformed: true that "
        "they were informed.",
    )


async def _find_customer(rewrite: PersonRewrite, customer: bytes) -> bytes:
    """Return the current customer id for an id, which may be a former one."""
    current = await rewrite.stores.people.current(customer, rewrite.session)
    if current is None:
        raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
    return current.id


async def _check_logins(
    rewrite: PersonRewrite,
    current_ids: Mapping[bytes, bytes],
    informed_logins: Mapping[bytes, AbstractSet[bytes]],
) -> None:
    """Check that customers still have the logins that were informed: a split or a merge changes them."""
    evidence, types = rewrite.evidence, rewrite.context.catalogue.identifiers
    await rewrite.reader.read_customers(current_ids.values())
    for customer, current in current_ids.items():
        records = [evidence.records[record] for record in evidence.records_of_customer(current)]
        logins = {record for naming in find_logins(records, types).values() for record in naming}
        if logins != informed_logins.get(customer):
            raise Conflict(
                LOGINS_CHANGED,
                "One of them has other logins than those that were informed.",
                "Propose the join again.",
            )
