"""The ``identity_events`` collection: merges and splits of customers."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from discretion.catalogue.assurance import Assurance
from discretion.store.document import Document, MutableDocument, TimePosition
from discretion.store.driver.database import Database, Session
from discretion.store.paging import KeysetOrder
from discretion.store.transactions import PendingWrite, plan_insert

COLLECTION = "identity_events"
_NEWEST_FIRST = KeysetOrder("at")


class IdentityChangeKind(StrEnum):
    """Whether customers became one, or one became several."""

    MERGED = "merged"
    PARTED = "parted"


@dataclass(frozen=True, slots=True)
class LinkEvidence:
    """A new link that led to a merge: type and blind index of the identifier, who proved or presented it."""

    type: str
    entry: bytes
    source: str
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class IdentityChange:
    """A merge or a split.

    Attributes:
        id: Random.
        kind: What happened.
        at: When (ms).
        by: The sources, the steward or ``customer``.
        customers: All customers concerned.
        sides: The source records of each customer that was merged, or that results from a split.
        evidence: The identifiers that led to a merge; empty for a split.
        reason: Why a steward or the customer merged them; None of any other change.
    """

    id: bytes
    kind: IdentityChangeKind
    at: int
    by: str
    customers: tuple[bytes, ...]
    sides: tuple[tuple[bytes, ...], ...]
    evidence: tuple[LinkEvidence, ...] = ()
    reason: str | None = None


class IdentityEventStore:
    """Reads and writes of merges and splits."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, event: bytes, session: Session | None = None) -> IdentityChange | None:
        """Return the merge or split with this id."""
        document = await self._database.find_one(COLLECTION, {"_id": event}, session=session)
        return None if document is None else parse_identity_change(document)

    async def of(
        self,
        customers: Collection[bytes],
        before: TimePosition | None,
        limit: int,
        session: Session | None = None,
    ) -> list[IdentityChange]:
        """List merges and splits of any of these customers, newest first; all of them if ``limit`` is 0.

        Args:
            customers: The ids of customers.
            before: Time and id of the last change of the page before.
            limit: Length of a page.
            session: The transaction, if any.
        """
        query = _NEWEST_FIRST.continue_after({"customers": {"$in": list(customers)}}, before)
        documents = await self._database.find(
            COLLECTION, query, sort=_NEWEST_FIRST.sort, limit=limit, session=session
        )
        return [parse_identity_change(document) for document in documents]

    async def list_merges_after(self, customer: bytes, at: int) -> list[IdentityChange]:
        """List the merges of a customer after a time (ms)."""
        query = {"customers": customer, "kind": IdentityChangeKind.MERGED.value, "at": {"$gt": at}}
        documents = await self._database.find(COLLECTION, query)
        return [parse_identity_change(document) for document in documents]

    async def was_split_since(self, customer: bytes, since: int, session: Session | None = None) -> bool:
        """Return whether another customer was split off from this one at or after a time (ms)."""
        query = {"customers": customer, "kind": IdentityChangeKind.PARTED.value, "at": {"$gte": since}}
        return await self._database.find_one(COLLECTION, query, session=session) is not None

    def plan_add(self, change: IdentityChange) -> PendingWrite:
        """Return the write that adds a merge or split."""
        return plan_insert(COLLECTION, build_identity_change_document(change))


def parse_identity_change(document: Document) -> IdentityChange:
    """Parse a stored merge or split."""
    return IdentityChange(
        document["_id"],
        IdentityChangeKind(document["kind"]),
        document["at"],
        document["by"],
        tuple(document["customers"]),
        tuple(tuple(side) for side in document["sides"]),
        tuple(
            LinkEvidence(item["type"], item["entry"], item["source"], Assurance(item["assurance"]))
            for item in document["evidence"]
        ),
        document.get("reason"),
    )


def build_identity_change_document(change: IdentityChange) -> MutableDocument:
    """Build the stored document of a merge or split."""
    return {
        "_id": change.id,
        "kind": change.kind.value,
        "at": change.at,
        "by": change.by,
        "customers": list(change.customers),
        "sides": [list(side) for side in change.sides],
        "evidence": [
            {
                "type": item.type,
                "entry": item.entry,
                "source": item.source,
                "assurance": int(item.assurance),
            }
            for item in change.evidence
        ],
        **({} if change.reason is None else {"reason": change.reason}),
    }
