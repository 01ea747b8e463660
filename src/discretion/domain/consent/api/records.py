"""``consents`` and ``consentExport`` of a customer: what they said, when, to what, with receipts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.types.field import StrawberryField

from discretion.domain.consent.api.representation import Where, concerned
from discretion.domain.consent.export import export
from discretion.domain.consent.receipt import Receipts
from discretion.domain.consent.statement_record import ConsentEvent, event, text
from discretion.domain.ingest.statement_context import Notice
from discretion.domain.kit.graphql.connection import ends, place, window
from discretion.domain.kit.graphql.field import field
from discretion.domain.kit.graphql.page_info import PageInfo
from discretion.domain.kit.graphql.scalars import DateTime, Json
from discretion.reveal.forms import iso
from discretion.reveal.revealer import CUSTOMER_KIND, Reading, Row
from discretion.store.consents import Consents

_CURSOR = b"consent-cursor"
_TOGETHER = 500


@strawberry.type(description="The privacy notice that was shown when something was said.")
class ConsentNotice:
    """See ``channels.saying.Notice``."""

    version: str
    language: str = strawberry.field(description="BCP 47.")
    sha256: str = strawberry.field(description="SHA-256 of its text, in hexadecimal.")


@strawberry.type(description="One word about one purpose, on record (ISO/IEC TS 27560:2023).")
class ConsentRecord:
    """See ``consent.event.ConsentEvent``."""

    id: strawberry.ID = strawberry.field(description="A UUID; the receipt has it too.")
    purpose: str
    state: str = strawberry.field(
        description="`given`, `renewed`, `refused`, `withdrawn`, `expired`, `invalidated`, `revoked`; or "
        "`objected`, `unobjected`, `opted_out`, `restricted`, `unrestricted`."
    )
    at: DateTime = strawberry.field(description="When it was said.")
    received_at: DateTime = strawberry.field(description="When we heard of it.")
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
    terms: Json = strawberry.field(description="What was agreed to or refused, as it stood then.")
    receipt: str = strawberry.field(description="The record, signed: a JSON Web Signature, to keep.")


@strawberry.type(description="A page of consent records, newest first.")
class ConsentConnection:
    """Relay connection of consent records, nodes only."""

    nodes: list[ConsentRecord]
    page_info: PageInfo


def record_fields() -> list[StrawberryField]:
    """``Customer.consents`` and ``Customer.consentExport``."""

    async def consents(
        root: Any, info: Where, first: int | None = UNSET, after: str | None = UNSET
    ) -> ConsentConnection:
        reading = concerned(info, "what a customer agreed to")
        wanted = window(first, after)
        before = place(reading, _CURSOR, wanted.after, "these consents")
        kept = info.context.records.verbs[Consents]
        found = await kept.of_customer(root.id, before, wanted.size + 1)
        shown = [event(one) for one in found[: wanted.size]]
        reading.note("consents")
        start, end = ends(reading, _CURSOR, [(one.received, one.id) for one in shown])
        return ConsentConnection(
            nodes=await _records(info, reading, root, shown),
            page_info=PageInfo(
                has_next_page=len(found) > wanted.size,
                has_previous_page=wanted.after is not None,
                start_cursor=start,
                end_cursor=end,
            ),
        )

    async def consent_export(root: Any, info: Where) -> Json:
        reading = concerned(info, "what a customer agreed to")
        kept, receipts = info.context.records.verbs[Consents], info.context.records.verbs[Receipts]
        told = await _all(kept, root.id)
        reading.note("consents")
        terms = await kept.terms({one.terms for one in told})
        return Json(export(told, terms, person(reading, root), receipts.issuer))

    listed = "What this customer said about purposes, newest first. For the customer and the steward."
    whole = "All of it as JSON-LD in the W3C Data Privacy Vocabulary. For the customer and the steward."
    return [
        field(consents, "consents", ConsentConnection | None, listed),
        field(consent_export, "consentExport", Json | None, whole),
    ]


def person(reading: Reading, row: Row) -> str:
    """The person's id for whoever asks."""
    return reading.shut(CUSTOMER_KIND, row.id)


async def _all(kept: Consents, customer: bytes) -> list[ConsentEvent]:
    told: list[ConsentEvent] = []
    before = None
    while True:
        page = await kept.of_customer(customer, before, _TOGETHER)
        told += [event(one) for one in page]
        if len(page) < _TOGETHER:
            return told
        before = told[-1].received, told[-1].id


async def _records(
    info: Where, reading: Reading, row: Row, shown: Sequence[ConsentEvent]
) -> list[ConsentRecord]:
    verbs = info.context.records.verbs
    terms = await verbs[Consents].terms({one.terms for one in shown})
    receipts, subject = verbs[Receipts], person(reading, row)
    return [_record(one, terms[one.terms], receipts.sign(one, terms[one.terms], subject)) for one in shown]


def _notice(shown: Notice) -> ConsentNotice:
    return ConsentNotice(version=shown.version, language=shown.language, sha256=shown.sha256)


def _record(one: ConsentEvent, terms: dict[str, Any], receipt: str) -> ConsentRecord:
    notice = one.notice
    return ConsentRecord(
        id=strawberry.ID(one.name),
        purpose=one.purpose,
        state=one.state.value,
        at=DateTime(iso(one.at)),
        received_at=DateTime(iso(one.received)),
        valid_until=None if one.until is None else DateTime(iso(one.until)),
        by=one.by,
        method=one.method.value,
        channel=None if one.channel is None else one.channel.value,
        legal_basis=one.basis.value,
        jurisdictions=list(one.laws),
        notice=None if notice is None else _notice(notice),
        signal=one.signal,
        guardian=one.guardian,
        conflict_with=None if one.conflict is None else strawberry.ID(text(one.conflict)),
        terms=Json(terms),
        receipt=receipt,
    )
