"""Values that a pending correction request contests are withheld until a steward has decided."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.domain.correction.contest_flags import ContestFlags
from discretion.law.jurisdiction import Right
from discretion.store.request_state import RequestReason, RequestState
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session

CONTESTED_STATES = frozenset(
    {
        RequestState.ACKNOWLEDGED,
        RequestState.ACTION_REQUIRED,
        RequestState.ACTION_PERFORMED,
        RequestState.DELAYED,
    }
)

_UNPROVEN_REASONS = frozenset({RequestReason.IDENTITY, RequestReason.ADDRESS})


@dataclass(frozen=True, slots=True)
class ContestTracker:
    """Sets and clears the contest flags of a correction request according to its state.

    A request that is fulfilled needs no update here: the correction step clears the flags itself.
    """

    contest_flags: ContestFlags

    async def update(self, request: SubjectRequest, session: Session) -> None:
        """Update the flags in the transaction in which a request is filed or changed.

        Args:
            request: The request as it is stored then.
            session: The transaction.
        """
        if request.right is not Right.CORRECTION or request.customer is None:
            return
        # An unidentified requester contests nothing. Otherwise anybody could have a customer's values
        # withheld.
        # A new address that waits for its code leaves the old one as it is: the person completes the
        # change themselves, and nobody has to find out which of the two is accurate.
        if request.state in CONTESTED_STATES and request.reason not in _UNPROVEN_REASONS:
            await self.contest_flags.set_flags(request, session)
        elif not request.is_open and request.state is not RequestState.FULFILLED:
            await self.contest_flags.set_flags(request, session, contested=False)
