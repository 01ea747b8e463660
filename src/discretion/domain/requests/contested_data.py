"""Values that a pending correction request contests are withheld until a steward has decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from discretion.domain.correction.contest_flags import ContestFlags
from discretion.domain.requests.model import FINAL_STATES, RequestReason, RequestState
from discretion.law.jurisdiction import Right
from discretion.store.transactions import Session

CONTESTED_STATES = frozenset(
    {
        RequestState.ACKNOWLEDGED,
        RequestState.ACTION_REQUIRED,
        RequestState.ACTION_PERFORMED,
        RequestState.DELAYED,
    }
)


@dataclass(frozen=True, slots=True)
class ContestTracker:
    """Sets and clears the contest flags of a correction request according to its state.

    A request that is fulfilled needs no update here: the correction step clears the flags itself.
    """

    contest_flags: ContestFlags

    async def update(self, document: Mapping[str, Any], session: Session) -> None:
        """Update the flags in the transaction in which a request is filed or changed.

        Args:
            document: The request as it is stored then.
            session: The transaction.
        """
        if document["right"] != Right.CORRECTION or document.get("customer") is None:
            return
        state, is_unproven = RequestState(document["state"]), document.get("reason") == RequestReason.IDENTITY
        # An unidentified requester contests nothing. Otherwise anybody could have a customer's values
        # withheld.
        if state in CONTESTED_STATES and not is_unproven:
            await self.contest_flags.set_flags(document, session)
        elif state in FINAL_STATES and state is not RequestState.FULFILLED:
            await self.contest_flags.set_flags(document, session, contested=False)
