"""The ``proposed_joins`` collection: joins of logins that wait for an objection of either."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from enum import Enum

from discretion.errors import Conflict
from discretion.store.document import Document, MutableDocument, build_date, drop_unset
from discretion.store.driver.database import Database, Session
from discretion.store.lease import LeasedCollection

COLLECTION = "proposed_joins"

RETENTION_MS = 60 * 86_400_000
"""How long a proposal is stored after its decision (ms). The history of identity has the join itself."""


class ProposalState(Enum):
    """What became of a proposed join."""

    WAITING = "waiting"
    JOINED = "joined"
    OBJECTED = "objected"
    ENDED = "ended"


class ProposalEnd(Enum):
    """Why a proposed join ended without a join and without an objection."""

    LOGINS_CHANGED = "changed"
    ALREADY_JOINED = "joined"
    CUSTOMER_ERASED = "erased"


@dataclass(frozen=True, slots=True)
class ProposedJoin:
    """A join that a steward has decided, and of which those concerned were informed.

    Attributes:
        id: Random.
        customers: Whom it joins.
        by: The steward.
        reason: Why, as the steward states it.
        at: When they were informed (ms).
        ends: Until when they may object (ms).
        logins: By customer id, the records of the logins that were informed.
        suggestion: Id of the suggestion that was accepted.
        state: What became of it.
        decided: When it was joined, objected to or ended (ms).
        fence: The number of the lease of its worker.
        end: Why it ended.
    """

    id: bytes
    customers: tuple[bytes, ...]
    by: str
    reason: str
    at: int
    ends: int
    logins: Mapping[bytes, frozenset[bytes]]
    suggestion: bytes | None = None
    state: ProposalState = ProposalState.WAITING
    decided: int | None = None
    fence: int = field(default=0, compare=False)
    end: ProposalEnd | None = None


class ProposedJoinStore:
    """Reads and writes of proposed joins."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._leases = LeasedCollection(database, COLLECTION)

    async def add(self, proposal: ProposedJoin, session: Session) -> None:
        """Add a proposed join, which is due when the time for objections ends."""
        document = {**build_proposal_document(proposal), "next": proposal.ends, "until": 0}
        await self._database.insert_many(COLLECTION, [document], session=session)

    async def find(self, proposal: bytes) -> ProposedJoin | None:
        """Return the proposed join with this id."""
        document = await self._database.find_one(COLLECTION, {"_id": proposal})
        return None if document is None else parse_proposal(document)

    async def list_of(
        self, customers: Collection[bytes], states: Collection[ProposalState], session: Session | None = None
    ) -> list[ProposedJoin]:
        """List the proposed joins in these states that concern one of these customer ids, oldest first."""
        query = {
            "customers": {"$in": sorted(customers)},
            "state": {"$in": sorted(state.value for state in states)},
        }
        documents = await self._database.find(
            COLLECTION, query, sort=[("at", 1), ("_id", 1)], session=session
        )
        return [parse_proposal(document) for document in documents]

    async def list_in_state(self, state: ProposalState, limit: int) -> list[ProposedJoin]:
        """List proposed joins in a state, those that end first."""
        documents = await self._database.find(
            COLLECTION, {"state": state.value}, sort=[("ends", 1), ("_id", 1)], limit=limit
        )
        return [parse_proposal(document) for document in documents]

    async def take(self, now: int, until: int) -> ProposedJoin | None:
        """Lease the proposed join that is due longest until a time (ms); None if none is due."""
        document = await self._leases.take(now, until)
        return None if document is None else parse_proposal(document)

    async def postpone(self, proposal: ProposedJoin, next_at: int) -> None:
        """Give a leased proposed join back until a time (ms)."""
        await self._leases.save(proposal.id, proposal.fence, {"next": next_at, "until": 0})

    async def decide_leased(
        self,
        proposal: ProposedJoin,
        state: ProposalState,
        now: int,
        session: Session | None = None,
        end: ProposalEnd | None = None,
    ) -> None:
        """Record what became of a leased proposed join, and why it ended.

        Raises:
            Conflict: ``LEASE_LOST``; somebody has objected, or another process has taken it over.
        """
        change = {**_build_decision(state, now), "until": 0, "end": None if end is None else end.value}
        if not await self._leases.save(proposal.id, proposal.fence, change, session):
            raise Conflict("LEASE_LOST", "Another process carries this join out, or it was objected to.")

    async def object(self, proposal: bytes, now: int, session: Session) -> bool:
        """Record an objection, and return whether the proposed join was waiting."""
        query = {"_id": proposal, "state": ProposalState.WAITING.value}
        return await self._leases.overrule(query, _build_decision(ProposalState.OBJECTED, now), session)


def _build_decision(state: ProposalState, now: int) -> MutableDocument:
    decision: MutableDocument = {"state": state.value, "decided": now, "next": None}
    # An objection stays as long as the customers: it forbids later proposals, as a steward's separation does.
    if state is ProposalState.OBJECTED:
        return decision
    return {**decision, "expires": build_date(now + RETENTION_MS)}


def parse_proposal(document: Document) -> ProposedJoin:
    """Parse a stored proposed join."""
    return ProposedJoin(
        document["_id"],
        tuple(document["customers"]),
        document["by"],
        document["reason"],
        document["at"],
        document["ends"],
        {
            customer: frozenset(side["records"])
            for customer, side in zip(document["customers"], document["logins"], strict=True)
        },
        document.get("suggestion"),
        ProposalState(document["state"]),
        document.get("decided"),
        document["fence"],
        ProposalEnd(document["end"]) if "end" in document else None,
    )


def build_proposal_document(proposal: ProposedJoin) -> MutableDocument:
    """Build the stored document of a proposed join, without its lease."""
    return {
        "_id": proposal.id,
        "customers": list(proposal.customers),
        "by": proposal.by,
        "reason": proposal.reason,
        "at": proposal.at,
        "ends": proposal.ends,
        "logins": [{"records": sorted(proposal.logins[customer])} for customer in proposal.customers],
        "state": proposal.state.value,
        "fence": proposal.fence,
        **drop_unset(
            {
                "suggestion": proposal.suggestion,
                "decided": proposal.decided,
                "end": None if proposal.end is None else proposal.end.value,
            }
        ),
    }
