"""Check, before each step of a request, that the login which filed it still reaches the person it is about.

A steward may separate records while a request runs. A request that a customer filed for themselves is carried
out only for the records that their login reaches: before anything was done it follows the login to the
customer that has these records now, later it ends. What it has made until then is destroyed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.model import change_state
from discretion.reveal.login_reach import LoginReachResolver
from discretion.store.packages import PackageStore
from discretion.store.people import PeopleStore
from discretion.store.request_state import RequestReason, RequestState
from discretion.store.subject_request import SubjectRequest

REACH_ACTOR = "engine:reach"
"""Author, in the history of a request, of the end that a lost reach brings."""


@dataclass(frozen=True, slots=True)
class ReachCheck:
    """Checks whom requests of customers' own logins reach."""

    people: PeopleStore
    login_reaches: LoginReachResolver
    decisions: RequestDecisions
    packages: PackageStore

    async def check(self, request: SubjectRequest) -> SubjectRequest | None:
        """Return the request with the customer that its login reaches now; None if it has ended."""
        if request.login is None or request.customer is None:
            return request
        current = await self.people.current(request.customer)
        # The request itself may have erased the customer; what follows concerns nobody else.
        if current is None:
            return request
        reached = await self.login_reaches.find_customer(request.login)
        if reached == current.id:
            return request
        # What was sealed under the key of the former customer cannot be opened for another one.
        if reached is not None and not request.is_under_way and not request.sealed:
            return await self.decisions.apply_change(
                request.id, lambda stored: replace(stored, customer=reached)
            )
        await self.packages.delete_pages(request.id)
        await self.decisions.apply_change(request.id, self._end)
        return None

    def _end(self, request: SubjectRequest) -> SubjectRequest:
        ended = change_state(
            request,
            RequestState.UNFULFILLED,
            self.decisions.now_ms(),
            REACH_ACTOR,
            RequestReason.REACH_ENDED,
        )
        return replace(ended, package=None, snapshot=None)
