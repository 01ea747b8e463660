"""Steps of a request: ``tell`` finds out which recipients are to be told, ``told`` waits until they know."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.runner import Act
from discretion.domain.kit.workflow.step_outcome import Done, Later, Outcome
from discretion.domain.recipients.disclosed_attributes import Name, names_of
from discretion.domain.recipients.recipient_notifier import Tell
from discretion.seal.bucket_keys import Buckets
from discretion.store.driver.database import Database, Session

Document = Mapping[str, Any]

LEAST_MS, MOST_MS = 1_000, 3_600_000
"""How often it is looked whether everybody knows."""

NAMES = "pseudonyms"
"""Where a request's snapshot has the names of somebody whose keys are gone."""


def snapshot(names: Sequence[Name]) -> list[dict[str, bytes]]:
    """Names for the snapshot of a request, taken in the transaction that parts the person from their keys."""
    return [{"n": one.pseudonym, "c": one.customer} for one in names]


def acts(database: Database, tell: Tell, buckets: Buckets, now_ms: Callable[[], int]) -> Mapping[str, Act]:
    """Both steps by their names.

    An erasure that has put ``snapshot(names_of(...))`` under ``snapshot.pseudonyms`` tells after it: then no
    read is missed that was answered before. Without it, ``tell`` comes before the customer is deleted.
    """

    async def begin(document: Document, hold: Hold) -> Outcome:
        names = await _names(database, buckets, document)
        only = document["scope"].get("attributes")
        made = await tell.documents(document["_id"], document["right"], names, now_ms(), only)
        hold.at("found")

        async def work(session: Session) -> None:
            await tell.add(made, session)
            await hold.complete({"recipients": len(made)}, session)

        await database.transaction(work)
        return Done()

    async def end(document: Document, _hold: Hold) -> Outcome:
        standing = await tell.standing(document["_id"])
        if standing.again is not None:
            return Later(max(LEAST_MS, min(standing.again - now_ms(), MOST_MS)), "RECIPIENTS_NOT_TOLD")
        return Done(standing.outcome())

    return {"tell": begin, "told": end}


async def _names(database: Database, buckets: Buckets, document: Document) -> Sequence[Name]:
    kept = document.get("snapshot", {}).get(NAMES)
    if kept is not None:
        return [Name(one["n"], one["c"]) for one in kept]
    if (customer := document.get("customer")) is None:
        return ()
    wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
    found = await database.find_one("customers", wanted, {"key": 1, "merged": 1})
    return () if found is None else names_of(buckets, found)
