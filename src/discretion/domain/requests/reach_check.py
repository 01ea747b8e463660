"""Check, before each step of a request, that the login which filed it still reaches the same person.

A steward may separate records while a request runs. A request that a customer filed for themselves is carried
out only for the records that their login reaches: before anything was done it follows the login to the
customer that has these records now, later it ends. What it has made until then is destroyed.

A request also ends if another login was joined with the one that filed it before anything was done: whoever
filed it has not asked for that login's records, and whoever joined theirs may not know of the request.
Records that reach the person by no number of their own, and claims, end nothing.
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
        if reached is not None and await self._is_widened(request, reached):
            await self._end(request, RequestReason.REACH_WIDENED)
            return None
        if reached == current.id:
            return request
        # What was sealed under the key of the former customer cannot be opened for another one.
        if reached is not None and not request.is_under_way and not request.sealed:
            return await self.decisions.apply_change(
                request.id, lambda stored: replace(stored, customer=reached)
            )
        await self._end(request, RequestReason.REACH_ENDED)
        return None

    async def _is_widened(self, request: SubjectRequest, reached: bytes) -> bool:
        """Return whether the login reaches numbers that it did not reach when the request was filed."""
        if request.reached_numbers is None or request.is_under_way:
            return False
        numbers = await self.login_reaches.list_reached_numbers(reached, request.id)
        return not set(numbers).issubset(request.reached_numbers)

    async def _end(self, request: SubjectRequest, reason: RequestReason) -> None:
        def end_current(current: SubjectRequest) -> SubjectRequest:
            ended = change_state(
                current, RequestState.UNFULFILLED, self.decisions.now_ms(), REACH_ACTOR, reason
            )
            return replace(ended, package=None, snapshot=None)

        await self.packages.delete_pages(request.id)
        await self.decisions.apply_change(request.id, end_current)
