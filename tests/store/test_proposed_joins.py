"""Proposed joins: what was decided is deleted after its retention, and an objection stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from discretion.store.document import read_ms
from discretion.store.driver.database import Database
from discretion.store.proposed_joins import (
    COLLECTION,
    RETENTION_MS,
    ProposalEnd,
    ProposalState,
    ProposedJoin,
    ProposedJoinStore,
)
from discretion.store.schema.profiles import PROFILE_COLLECTIONS
from discretion.store.transactions import Session, Transactions

DECIDED = 1_800_000_000_000


async def add_proposal(database: Database) -> ProposedJoin:
    """Store a proposal that is due, and return it with its lease."""
    logins = {b"a" * 16: frozenset({b"r"}), b"b" * 16: frozenset({b"s"})}
    proposal = ProposedJoin(b"p" * 16, tuple(logins), "steward:office", "D-17", 1, 2, logins)

    async def work(session: Session) -> None:
        await ProposedJoinStore(database).add(proposal, session)

    await Transactions(database).run(work)
    leased = await ProposedJoinStore(database).take(3, 60_000)
    assert leased is not None
    return leased


@pytest.mark.parametrize(
    ("state", "end"), [(ProposalState.JOINED, None), (ProposalState.ENDED, ProposalEnd.LOGINS_CHANGED)]
)
async def test_a_decided_proposal_is_deleted_after_its_retention(
    database: Database, state: ProposalState, end: ProposalEnd | None
) -> None:
    proposal = await add_proposal(database)
    await ProposedJoinStore(database).decide_leased(proposal, state, DECIDED, end=end)
    (document,) = await database.find(COLLECTION, {})
    assert read_ms(document["expires"]) == DECIDED + RETENTION_MS
    stored = await ProposedJoinStore(database).find(proposal.id)
    assert stored is not None
    assert (stored.state, stored.decided, stored.end) == (state, DECIDED, end)


async def test_an_objection_stays(database: Database) -> None:
    """It forbids later proposals too, as a steward's separation does."""
    proposal = await add_proposal(database)

    async def work(session: Session) -> bool:
        return await ProposedJoinStore(database).object(proposal.id, DECIDED, session)

    assert await Transactions(database).run(work)
    (document,) = await database.find(COLLECTION, {})
    assert (document["state"], "expires" in document) == ("objected", False)


def test_mongodb_deletes_at_the_date() -> None:
    (collection,) = [each for each in PROFILE_COLLECTIONS if each.name == COLLECTION]
    expiring = [index for index in collection.indexes if index.expire_s is not None]
    assert [(index.keys, index.expire_s) for index in expiring] == [((("expires", 1),), 0)]
    assert timedelta(milliseconds=RETENTION_MS) == timedelta(days=60)
