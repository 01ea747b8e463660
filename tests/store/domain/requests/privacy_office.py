"""Requests that are submitted and decided on a real MongoDB at a set time."""

from __future__ import annotations

from typing import Any

from discretion.domain.requests.deadlines import DeadlineClock
from discretion.domain.requests.decisions import RequestDecisions
from discretion.domain.requests.model import RequestDetails, Requester
from discretion.domain.requests.submission import RequestSubmission
from discretion.law.load import load_lawbook
from discretion.reveal.login_reach import LoginReachResolver
from discretion.seal.blind_index import BlindIndex
from discretion.store.driver.database import Database
from discretion.store.identities import IdentityStore
from discretion.store.people import PeopleStore
from discretion.store.request_state import RequesterAssurance, RequesterRole
from discretion.store.requests import RequestStore
from discretion.store.schema.apply import apply_schema
from discretion.store.subject_request import SubjectRequest
from discretion.store.transactions import Session, Transactions
from tests.fixtures.clock import Clock
from tests.unit.law.small_law import CATALOGUE

LAWBOOK = load_lawbook(None, CATALOGUE)
STEWARD = "steward:privacy-office"


class RequestOffice:
    """Submits requests of people of a jurisdiction, and decides them."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.clock = clock
        self.requests = RequestStore(database)
        self._database = database
        deadline_clock = DeadlineClock(LAWBOOK)
        self.submission = RequestSubmission(
            Transactions(database),
            PeopleStore(database),
            self.requests,
            LoginReachResolver({}, BlindIndex(bytes(32)), IdentityStore(database)),
            deadline_clock,
            {},
            self._entropy,
            clock,
            self._kick,
            self._ignore,
        )
        self.decisions = RequestDecisions(self.requests, deadline_clock, self.submission, clock, self._kick)
        self._id_count = 0

    @classmethod
    async def open(cls, database: Database, clock: Clock) -> RequestOffice:
        """Return an office on an empty database."""
        await apply_schema(database, [])
        return cls(database, clock)

    async def submit(self, law: str, details: RequestDetails, *, is_verified: bool = True) -> bytes:
        """Submit a request; return its id."""
        assurance = RequesterAssurance.FRESH if is_verified else RequesterAssurance.SESSION
        requester = Requester(RequesterRole.PERSON, "self:app", "app", f"s{self._id_count}", assurance)
        request = self.submission.build_request(self._entropy(16), [law], details, requester)
        await self.requests.add(request)
        return request.id

    async def read(self, request: bytes) -> dict[str, Any]:
        """Return the stored document of a request."""
        document = await self._database.find_one("requests", {"_id": request})
        assert document is not None
        return document

    def _entropy(self, size: int) -> bytes:
        self._id_count += 1
        return self._id_count.to_bytes(size)

    async def _ignore(self, _request: SubjectRequest, _session: Session) -> None: ...

    def _kick(self) -> None:
        return None
