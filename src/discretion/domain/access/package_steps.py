"""Workflow steps that make a package: ``gather`` reads everything, ``ready`` deletes failed attempts.

The data are read through the discloser like any other read, with the customer's own grant. So the ledger
records the disclosure, and a package without a receipt never becomes available. An attempt that was
interrupted starts again from the beginning, so that a package shows one point in time. A worker that lost its
lease cannot add pages to the attempt of another worker, because every page carries the fence of its attempt.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from discretion.catalogue.model import Catalogue, Form
from discretion.catalogue.retention_cut_off import compute_cut_offs
from discretion.disclose import Discloser
from discretion.domain.access import processing_information, profile_sections
from discretion.domain.access.access_limits import build_access_limits
from discretion.domain.access.package_page import PAGE_ROWS, PackageWriter
from discretion.domain.access.package_sections import (
    ACCESS_SECTIONS,
    CATEGORY_SECTIONS,
    PORTABILITY_SECTIONS,
    RECIPIENT_SECTIONS,
)
from discretion.domain.access.package_subject import PackageSubject
from discretion.domain.access.subject_history import RowBatch, SubjectHistory
from discretion.domain.kit.workflow.lease import Lease
from discretion.domain.kit.workflow.step_outcome import StepDone, StepOutcome, StepWaiting
from discretion.domain.notices.privacy_office import PrivacyOffice
from discretion.law.jurisdiction import Lawbook, Right
from discretion.plan.plan import QueryPlan
from discretion.purpose.decide import decide_reveal
from discretion.purpose.decision import EVERY_BIT
from discretion.reveal.revealer import Reading
from discretion.seal.bucket_keys import BucketKeys
from discretion.store.customer_codec import CustomerDocument, parse_customer
from discretion.store.packages import PackageStore
from discretion.store.subject_request import StepProgress, StoredPackage, SubjectRequest
from discretion.store.transactions import Session
from discretion.token.grant import SELF, Grant

DAY_MS = 86_400_000
PACKAGE_LIFETIME_MS = 5 * DAY_MS
"""How long a package can be fetched."""

RETRY_MS = 1_000
"""Pause before the next attempt when a customer was merged or split during the reading."""

CUSTOMER_CHANGED = "the customer was merged or split while the package was made"
"""Why another attempt is made."""

SECTIONS_BY_RIGHT: Mapping[Right, tuple[str, ...]] = {
    Right.ACCESS: ACCESS_SECTIONS,
    Right.PORTABILITY: PORTABILITY_SECTIONS,
    Right.RECIPIENTS: RECIPIENT_SECTIONS,
}
"""The sections that answer each right."""

OPERATION = "package"
"""Name of the operation in the ledger when a package is made."""


@dataclass(frozen=True, slots=True)
class GatherPackage:
    """The steps ``gather`` (``run``) and ``ready`` (``clear_failed_attempts``)."""

    catalogue: Catalogue
    lawbook: Lawbook
    office: PrivacyOffice
    history: SubjectHistory
    packages: PackageStore
    discloser: Discloser
    buckets: BucketKeys = field(repr=False)

    async def run(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Read all sections of the customer and store them as pages.

        The request then stores the package with the ledger receipt.

        Returns:
            Done with ``{"found": bool, "rows": int}``, or waiting if the customer was merged or split
            meanwhile.
        """
        customer, stores, now = request.customer, self.history.stores, self.discloser.now_ms()
        identified = None if customer is None else await stores.people.current(customer)
        if identified is None:
            return StepDone({"found": False})
        customer_id = identified.id
        # Read before everything else and again at the end: a merge or split in between is noticed.
        record_ids = await stores.source_records.list_ids(customer_id)
        current = await stores.people.find_whole(customer_id)
        if current is None or current.id != customer_id:
            return StepWaiting(RETRY_MS, CUSTOMER_CHANGED)
        key = self.buckets.unwrap(customer_id, current.wrapped_key)
        writer = PackageWriter(
            self.packages,
            lease,
            (request.id, request.fence),
            (customer_id, key),
            now + PACKAGE_LIFETIME_MS,
            self.discloser.entropy,
        )
        grant = build_self_grant(request.client, request.subject)
        write_package = partial(self._write_package, request, current, writer)
        disclosed = await self.discloser.disclose(
            build_full_plan(self.catalogue, grant), grant, OPERATION, write_package
        )
        package = StoredPackage(
            request.id,
            customer_id,
            request.fence,
            writer.sections,
            writer.rows,
            now,
            now + PACKAGE_LIFETIME_MS,
        )
        if not await self._save_package(package, disclosed.receipt, record_ids, lease):
            # A merge or a split during the reading could have mixed two people's data: start again.
            await self.packages.delete_attempt(request.id, request.fence)
            return StepWaiting(RETRY_MS, CUSTOMER_CHANGED)
        return StepDone({"found": True, "rows": sum(writer.rows.values())})

    async def _save_package(
        self, package: StoredPackage, receipt: str | None, record_ids: Sequence[bytes], lease: Lease
    ) -> bool:
        """Make a package available, unless the customer's records are no longer those that were read."""
        stores = self.history.stores

        async def save(session: Session) -> bool:
            # A split deletes the pages that it sees, and writes the customer too. So either it comes first
            # and the records differ, or it begins again after this transaction and sees all pages.
            await stores.people.mark_changed([package.customer], session)
            await lease.require_reach(session)
            records = await stores.source_records.list_ids(package.customer, session)
            if not record_ids or records != record_ids:
                return False
            # Only this write makes the package available. It fails if another worker has taken the request
            # over.
            await lease.save(StepProgress(package=package, receipt=receipt), session)
            return True

        return await stores.transactions.run(save)

    async def clear_failed_attempts(self, request: SubjectRequest, lease: Lease) -> StepOutcome:
        """Delete the pages of all attempts except the one that the request refers to."""
        package = request.package
        await self.packages.delete_pages(request.id, None if package is None else package.fence)
        lease.checkpoint("cleared")
        return StepDone()

    async def _write_package(
        self, request: SubjectRequest, current: CustomerDocument, writer: PackageWriter, reading: Reading
    ) -> None:
        subject = await self._build_subject(request, current, reading)
        categories_only = request.scope.part == "categories"
        sections = CATEGORY_SECTIONS if categories_only else SECTIONS_BY_RIGHT[request.right]
        for section in sections:
            async for rows in self._read_section(section, subject):
                await writer.add_page(section, rows)

    async def _build_subject(
        self, request: SubjectRequest, current: CustomerDocument, reading: Reading
    ) -> PackageSubject:
        laws = [self.lawbook.find_jurisdiction(key) for key in current.permissions.laws]
        row = reading.open_customer(current)
        return PackageSubject(
            catalogue=self.catalogue,
            reading=reading,
            row=row,
            # Of the row: values that the person contests are among the others.
            customer=parse_customer(row.doc),
            records=await self.history.stores.source_records.of(current.id),
            laws=laws,
            # The laws in force when the request was received decide, not those of today.
            limits=build_access_limits(self.catalogue, laws, request.received),
            cut_offs=compute_cut_offs(self.catalogue, reading.now_ms),
            request=request,
            portable_only=request.right is Right.PORTABILITY,
        )

    def _read_section(self, section: str, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        history_readers: Mapping[str, Callable[[PackageSubject], AsyncIterator[RowBatch]]] = {
            "events": self.history.read_events,
            "consents": self.history.read_consents,
            "terms": self.history.read_terms,
            "identity": self.history.read_identity_history,
            "disclosures": self.history.read_disclosures,
            "refused_messages": self.history.read_refused_messages,
            "requests": self.history.read_requests,
        }
        if section in history_readers:
            return history_readers[section](subject)
        return _batch_rows(self._list_rows(section, subject))

    def _list_rows(self, section: str, subject: PackageSubject) -> Iterator[dict[str, object]]:
        doc, now = subject.row.doc, subject.reading.now_ms
        if section == "about":
            return processing_information.list_about_rows(subject, self.office, subject.request.right, now)
        if section == "purposes":
            return processing_information.list_purpose_rows(
                subject, self.discloser.revealer.permission_window.permitted_bits(doc, now)
            )
        return _ROW_READERS[section](subject)


_ROW_READERS: Mapping[str, Callable[[PackageSubject], Iterator[dict[str, object]]]] = {
    "laws": processing_information.list_law_rows,
    "categories": processing_information.list_category_rows,
    "recipients": processing_information.list_recipient_rows,
    "sources": processing_information.list_source_rows,
    "event_types": processing_information.list_event_type_rows,
    "values": profile_sections.list_value_rows,
    "told": profile_sections.list_source_value_rows,
    "identifiers": profile_sections.list_identifier_rows,
    "records": profile_sections.list_record_rows,
    "said": profile_sections.list_statement_rows,
}


def build_self_grant(client: str, subject: str) -> Grant:
    """Return the customer's own grant, for data the platform reads on their behalf."""
    return Grant(client, subject, frozenset(), frozenset({SELF}), None, 0, "")


def build_full_plan(catalogue: Catalogue, grant: Grant) -> QueryPlan:
    """Return a plan that reads every attribute of one customer in clear."""
    attributes = tuple(catalogue.attributes.values())
    return QueryPlan(
        attributes=attributes,
        forms=tuple((attribute.path, Form.CLEAR.value) for attribute in attributes),
        decisions={
            attribute.path: decide_reveal(
                catalogue, grant, grant.purposes, attribute.category, attribute.uses
            )
            for attribute in attributes
        },
        denied={},
        shapes={},
        projections={},
        reach_bits=EVERY_BIT,
        granted_purposes=grant.purposes,
        purposes=(SELF,),
        touches_customers=True,
    )


async def _batch_rows(rows: Iterator[dict[str, object]]) -> AsyncIterator[RowBatch]:
    for page in profile_sections.paginate_rows(rows, PAGE_ROWS):
        yield page
