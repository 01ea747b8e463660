"""Dry run of an erasure: reads what the forecast is computed from, without changing or decrypting data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.erasure.erasure_snapshot import ErasureSubject, read_erasure_subject
from discretion.domain.erasure.preview import ErasureFindings, ErasureForecast, forecast_erasure
from discretion.domain.identity.unit_of_work import WriteContext
from discretion.domain.profiles.erased_scopes import read_erasure_scope
from discretion.errors import NotFound
from discretion.law.jurisdiction import Lawbook
from discretion.store.legal_holds import LegalHoldStore
from discretion.store.person_stores import PersonStores
from discretion.store.places.eraser import Erasure, PlaceEraser
from discretion.store.places.place import Departure, Stage
from discretion.store.places.place_map import list_removal_places
from discretion.store.subject_request import RequestScope
from discretion.store.transactions import Session


@dataclass(frozen=True, slots=True)
class ErasureDryRun:
    """Reads a customer's documents and computes the forecast of their erasure."""

    people: PersonStores
    holds: LegalHoldStore
    eraser: PlaceEraser
    build_context: Callable[[], WriteContext]
    lawbook: Lawbook

    async def run(self, customer: bytes, requested_scope: RequestScope) -> ErasureForecast:
        """Return what an erasure of a customer would do now.

        Args:
            customer: A present or former customer id.
            requested_scope: The scope of a rights request; everything if it names no part.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
            BadRequest: ``SCOPE_INVALID``.
        """
        context = self.build_context()
        scope = read_erasure_scope(requested_scope, context.catalogue)

        async def read_findings(session: Session) -> ErasureFindings | None:
            subject = await read_erasure_subject(
                self.people, session, context.catalogue, customer, context.now_ms
            )
            return None if subject is None else await self._read_findings(session, subject)

        # A transaction although nothing is written: all counts are of one moment.
        findings = await self.people.transactions.run(read_findings)
        if findings is None:
            raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
        return forecast_erasure(findings, scope, context.catalogue, self.lawbook, context.now_ms)

    async def _read_findings(self, session: Session, subject: ErasureSubject) -> ErasureFindings:
        customers = subject.snapshot.customers
        events = await self.people.events.list_times(customers, session)
        holds = await self.holds.of_all(customers, session)
        erasure = Erasure(subject.snapshot.ids, subject.snapshot.taken_at)
        counts = {
            place.name: await self.eraser.count(place, erasure, session)
            for stage in Stage
            for place in list_removal_places(stage)
            # What is kept as evidence is not shown as going, although it loses its sealed parts.
            if place.departure is not Departure.EVIDENCE
        }
        return ErasureFindings(subject.snapshot, subject.records, events, holds, counts)
