"""Check, before each step of a request, that its requester still reaches the same person.

A steward may separate records while a request runs. A request that a customer filed for themselves is carried
out only for the records that their login reaches: before anything was done it follows the login to the
customer that has these records now, later it ends. What it has made until then is destroyed.

A request also ends if another login was joined with the one that filed it before anything was done: whoever
filed it has not asked for that login's records, and whoever joined theirs may not know of the request.
Records that reach the person by no number of their own, and claims, end nothing.

The same ends a request that named the person by an address alone. A browser may have confirmed the address
while nobody had logged in there. When its owner does, the records of their account become its person's. It
also ends if records of its person proved to be of somebody else before anything was done, because the address
may be theirs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.model import change_state
from discretion.errors import Conflict
from discretion.reveal.login_reach import LoginReachResolver
from discretion.store.identity_events import IdentityEventStore
from discretion.store.packages import PackageStore
from discretion.store.people import PeopleStore
from discretion.store.request_state import RequestReason, RequestState
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session

REACH_ACTOR = "engine:reach"
"""Author, in the history of a request, of the end that a lost reach brings."""


@dataclass(frozen=True, slots=True)
class ReachCheck:
    """Checks whom requests of customers' own logins, and those by an address alone, reach."""

    people: PeopleStore
    login_reaches: LoginReachResolver
    decisions: RequestDecisions
    packages: PackageStore
    identity_events: IdentityEventStore

    async def check(self, request: SubjectRequest) -> SubjectRequest | None:
        """Return the request with the customer that its requester reaches now; None if it has ended."""
        customer = await self._find_customer(request)
        if customer is None:
            return request
        reached = await self._find_reached(request, customer)
        if reached is not None and await self._is_widened(request, reached):
            await self._end(request, RequestReason.REACH_WIDENED)
            return None
        if reached == customer:
            return request
        # What was sealed under the key of the former customer cannot be opened for another one.
        if reached is not None and not request.is_under_way and not request.sealed:
            return await self.decisions.apply_change(
                request.id, lambda stored: replace(stored, customer=reached)
            )
        await self._end(request, RequestReason.REACH_ENDED)
        return None

    async def require_same_reach(self, request: SubjectRequest, session: Session) -> None:
        """Check a request again in the transaction of a step's first write, which writes the customer too.

        A join or a split since ``check`` is seen here, and a concurrent one conflicts with the transaction.

        Raises:
            Conflict: ``REACH_CHANGED``; when the step is attempted again, ``check`` decides.
        """
        customer = await self._find_customer(request, session)
        if customer is None:
            return
        reached = await self._find_reached(request, customer, session)
        if reached != customer or await self._is_widened(request, reached, session):
            raise Conflict("REACH_CHANGED", "Logins were joined or separated meanwhile.")

    async def _find_customer(self, request: SubjectRequest, session: Session | None = None) -> bytes | None:
        """Return the customer of a request that depends on its requester's reach; None for any other."""
        if request.customer is None or (request.login is None and request.reached_numbers is None):
            return None
        current = await self.people.current(request.customer, session)
        # The request itself may have erased the customer; what follows concerns nobody else.
        return None if current is None else current.id

    async def _find_reached(
        self, request: SubjectRequest, customer: bytes, session: Session | None = None
    ) -> bytes | None:
        """Return whom the requester reaches; None if nobody, or if it is not known any more.

        Who named an address reaches the customer whom it led to, unless others are split off from them before
        anything was done.
        """
        if request.login is None:
            if request.is_under_way:
                return customer
            was_split = await self.identity_events.was_split_since(customer, request.received, session)
            return None if was_split else customer
        return await self.login_reaches.find_customer(request.login, session)

    async def _is_widened(
        self, request: SubjectRequest, reached: bytes, session: Session | None = None
    ) -> bool:
        """Return whether the request reaches numbers that it did not reach when it was filed."""
        if request.reached_numbers is None or request.is_under_way:
            return False
        numbers = await self.login_reaches.list_reached_numbers(reached, request.id, session)
        return not set(numbers).issubset(request.reached_numbers)

    async def _end(self, request: SubjectRequest, reason: RequestReason) -> None:
        def end_current(current: SubjectRequest) -> SubjectRequest:
            ended = change_state(
                current, RequestState.UNFULFILLED, self.decisions.now_ms(), REACH_ACTOR, reason
            )
            return replace(ended, package=None, snapshot=None)

        await self.packages.delete_pages(request.id)
        await self.decisions.apply_change(request.id, end_current)
