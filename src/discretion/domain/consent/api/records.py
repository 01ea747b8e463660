"""GraphQL fields ``Customer.consents`` and ``Customer.consentExport``: a customer's statements on record."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.catalogue.model import Catalogue
from discretion.domain.consent.api.dependencies import ConsentServices
from discretion.domain.consent.export import export_consents
from discretion.domain.consent.statement_record import explain_set_aside
from discretion.domain.kit.graphql.context import ResolverInfo
from discretion.domain.kit.graphql.field import build_field
from discretion.domain.kit.graphql.page import PageInfo, cut_page, open_cursor, parse_page_window
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.reveal.forms import format_timestamp
from discretion.reveal.revealer import CUSTOMER_ID_KIND, CustomerRow, Reading
from discretion.store.consent_event import ConsentEvent, NoticeReference, format_record_id
from discretion.store.consent_terms import ConsentTerms, build_terms_document
from discretion.store.consents import ConsentStore

_CURSOR = b"consent-cursor"
_EXPORT_PAGE_SIZE = 500


@strawberry.type(description="The privacy notice that was shown when something was said.")
class ConsentNotice:
    """The privacy notice that was shown; see ``ingest.statement_context.NoticeReference``."""

    version: str
    language: str = strawberry.field(description="BCP 47.")
    sha256: str = strawberry.field(description="SHA-256 of its text, in hexadecimal.")


@strawberry.type(description="One word about one purpose, on record (ISO/IEC TS 27560:2023).")
class ConsentRecord:
    """One statement about one purpose; see ``store.consent_event.ConsentEvent``."""

    id: strawberry.ID = strawberry.field(description="A UUID; the receipt has it too.")
    purpose: str
    state: str = strawberry.field(
        description="`given`, `renewed`, `refused`, `withdrawn`, `expired`, `invalidated`, `revoked`; or "
        "`objected`, `unobjected`, `opted_out`, `restricted`, `unrestricted`."
    )
    at: DateTime = strawberry.field(description="When it was said.")
    received_at: DateTime = strawberry.field(description="When we received it.")
    valid_until: DateTime | None = strawberry.field(description="Until when it was given, if that was said.")
    by: str = strawberry.field(description="Who spoke: `self:…`, `steward:…` or `source:…`.")
    method: str = strawberry.field(
        description="How: `explicit_click`, `agent`, `guardian`, `gpc`, `source`, …"
    )
    channel: str | None
    legal_basis: str
    jurisdictions: list[str] = strawberry.field(description="Whose laws protected the customer then.")
    notice: ConsentNotice | None
    signal: str | None = strawberry.field(description="A browser's signal as it came, if it was one.")
    guardian: str | None = strawberry.field(description="The reference to who agreed for a child.")
    conflict_with: strawberry.ID | None = strawberry.field(
        description="An earlier record in which somebody else had said the contrary."
    )
    set_aside: str | None = strawberry.field(
        description="Why a yes that a source reported counts no longer; null if it was not set aside."
    )
    terms: Json = strawberry.field(description="What was agreed to or refused, as it stood then.")
    receipt: str = strawberry.field(description="The record, signed: a JSON Web Signature, to keep.")


@strawberry.type(description="A page of consent records, newest first.")
class ConsentConnection:
    """Relay connection of consent records, nodes only."""

    nodes: list[ConsentRecord]
    page_info: PageInfo


def record_fields(provide: Callable[[], ConsentServices]) -> list[StrawberryField]:
    """Build the fields ``Customer.consents`` and ``Customer.consentExport``."""

    async def consents(
        root: CustomerRow, info: ResolverInfo, first: int | None = UNSET, after: str | None = UNSET
    ) -> ConsentConnection:
        reading = info.context.require_customer_or_steward()
        page_request = parse_page_window(first, after)
        position = open_cursor(reading, _CURSOR, page_request.after, "these consents")
        services = provide()
        loaded = await services.consents.list_by_customer(root.id, position, page_request.size + 1)
        events, page_info = cut_page(
            reading, _CURSOR, page_request, loaded, lambda event: (event.received, event.id)
        )
        reading.record_extra("consents")
        return ConsentConnection(
            nodes=await _build_records(services, info.context.resources.catalogue, reading, root, events),
            page_info=page_info,
        )

    async def consent_export(root: CustomerRow, info: ResolverInfo) -> Json:
        reading = info.context.require_customer_or_steward()
        services = provide()
        consents_store, receipts = services.consents, services.receipts
        events = await _read_all_events(consents_store, root.id)
        reading.record_extra("consents")
        terms = await consents_store.read_terms({event.terms for event in events})
        return Json(export_consents(events, terms, encode_subject(reading, root), receipts.issuer))

    consents_description = (
        "What this customer said about purposes, newest first. For the customer and the steward."
    )
    export_description = (
        "All of it as JSON-LD in the W3C Data Privacy Vocabulary. For the customer and the steward."
    )
    return [
        build_field(consents, "consents", ConsentConnection | None, consents_description),
        build_field(consent_export, "consentExport", Json | None, export_description),
    ]


def encode_subject(reading: Reading, row: CustomerRow) -> str:
    """Return the customer's id for the client of this reading."""
    return reading.encode_id(CUSTOMER_ID_KIND, row.id)


async def _read_all_events(consents_store: ConsentStore, customer: bytes) -> list[ConsentEvent]:
    events: list[ConsentEvent] = []
    position = None
    while True:
        page = await consents_store.list_by_customer(customer, position, _EXPORT_PAGE_SIZE)
        events += page
        if len(page) < _EXPORT_PAGE_SIZE:
            return events
        position = events[-1].received, events[-1].id


async def _build_records(
    services: ConsentServices,
    catalogue: Catalogue,
    reading: Reading,
    row: CustomerRow,
    events: Sequence[ConsentEvent],
) -> list[ConsentRecord]:
    terms = await services.consents.read_terms({event.terms for event in events})
    receipts, subject = services.receipts, encode_subject(reading, row)
    return [
        _build_record(
            event,
            terms[event.terms],
            receipts.sign(event, terms[event.terms], subject),
            explain_set_aside(catalogue, event),
        )
        for event in events
    ]


def _build_notice(notice: NoticeReference) -> ConsentNotice:
    return ConsentNotice(version=notice.version, language=notice.language, sha256=notice.sha256)


def _build_record(
    event: ConsentEvent, terms: ConsentTerms, receipt: str, set_aside: str | None
) -> ConsentRecord:
    notice = event.notice
    return ConsentRecord(
        id=strawberry.ID(event.record_uuid),
        purpose=event.purpose,
        state=event.state.value,
        at=DateTime(format_timestamp(event.at)),
        received_at=DateTime(format_timestamp(event.received)),
        valid_until=None if event.until is None else DateTime(format_timestamp(event.until)),
        by=event.by,
        method=event.method.value,
        channel=None if event.channel is None else event.channel.value,
        legal_basis=event.basis.value,
        jurisdictions=list(event.laws),
        notice=None if notice is None else _build_notice(notice),
        signal=event.signal,
        guardian=event.guardian,
        conflict_with=None if event.conflict is None else strawberry.ID(format_record_id(event.conflict)),
        set_aside=set_aside,
        terms=Json(build_terms_document(terms)),
        receipt=receipt,
    )
