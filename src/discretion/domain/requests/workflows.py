"""How each right is carried out: its steps, and what stands behind each name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.runner import Act
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.domain.requests.immediate import Once
from discretion.domain.requests.model import State, read, turned
from discretion.domain.requests.restriction import Restrict
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database, Session

Document = Mapping[str, Any]

ENGINE = "engine"
"""Who stands in the history for what nobody did by hand."""

ROUTES: Mapping[Right, tuple[str, ...]] = {
    Right.ERASURE: ("depart", "remember", "tell", "purge", "shred", "verify", "told", "certify"),
    Right.RESTRICTION: ("restrict", "tell", "told"),
    Right.CORRECTION: ("correct", "tell", "told"),
    Right.ACCESS: ("gather", "ready"),
    Right.PORTABILITY: ("gather", "ready", "send"),
    Right.RECIPIENTS: ("gather", "ready"),
    Right.OPT_OUT_SALE: ("say",),
    Right.LIMIT_SENSITIVE: ("say",),
}
"""The steps of each right, in their order. What is not here, a steward answers."""


def restricting(database: Database, restrict: Restrict) -> Act:
    """The step that restricts a customer."""

    async def act(document: Document, hold: Hold) -> Outcome:
        lift = document["scope"].get("lift", False)

        async def work(session: Session) -> bool:
            there = await restrict(document["customer"], session, restricted=not lift)
            await hold.complete({"found": there}, session)
            return there

        return Done({"found": await database.transaction(work)})

    return act


def saying(once: Once) -> Act:
    """The step that puts an opt-out or a limit in force."""

    async def act(document: Document, _hold: Hold) -> Outcome:
        return Done({"found": await once.again(read(document))})

    return act


def fulfilled(document: Document) -> dict[str, Any]:
    """What a request becomes when its last step is done."""
    at = max(one["at"] for one in document["steps"])
    return turned(document, State.FULFILLED, at, ENGINE)
