"""Package sections about the history: events, consents, merges, disclosures, refused messages and requests.

Each reader yields batches of rows, newest first, and keeps one batch in memory.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace

from discretion.catalogue.model import EventProperty, EventType
from discretion.domain.access.package_sections import build_row
from discretion.domain.access.package_subject import (
    PackageSubject,
    compute_deletion_time,
    format_time,
)
from discretion.domain.access.profile_sections import PORTABLE_BASES
from discretion.domain.consent.receipt import ReceiptSigner
from discretion.domain.consent.statement_record import explain_set_aside
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.storage import LedgerStorage
from discretion.ledger.subject_names import list_windows, open_subject_names, select_visible_part
from discretion.reveal.forms import format_timestamp, render_property
from discretion.reveal.revealer import CUSTOMER_ID_KIND, REQUEST_ID_KIND
from discretion.seal.cell import REQUEST_CHANGES_KEY, REQUEST_MESSAGE_KEY, event_cell_key, identifier_cell_key
from discretion.store.consent_event import ConsentEvent, format_record_id
from discretion.store.consent_terms import build_terms_document
from discretion.store.consents import ConsentStore
from discretion.store.dead_letters import DeadLetter, DeadLetterStore
from discretion.store.document import TimePosition
from discretion.store.events import StoredEvent
from discretion.store.identity_events import IdentityChange
from discretion.store.ledger_names import SubjectNames
from discretion.store.person_stores import PersonStores
from discretion.store.requests import RequestStore
from discretion.store.rulings import StoredRuling
from discretion.store.source_record import RecordIdentifier
from discretion.store.subject_request import RequestMessage, StateTransition, SubjectRequest
from discretion.store.suggestions import Suggestion, SuggestionStore
from discretion.token.grant import SELF

RowBatch = Sequence[dict[str, object]]

SEALED_PART_KEYS: Mapping[str, str] = {"changes": REQUEST_CHANGES_KEY, "words": REQUEST_MESSAGE_KEY}
"""Sealed parts of a rights request that go into a package, each with what it is bound to."""


@dataclass(frozen=True, slots=True)
class SubjectHistory:
    """Reads the history of one customer, ``batch_size`` rows at a time."""

    stores: PersonStores
    suggestions: SuggestionStore
    dead_letters: DeadLetterStore
    consents: ConsentStore
    ledger: LedgerStorage
    requests: RequestStore
    receipts: ReceiptSigner
    batch_size: int

    async def read_events(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield all events of the person in batches of rows."""
        before = None
        while True:
            events = await self.stores.events.of(subject.row.id, before, self.batch_size)
            rows = [row for event in events if (row := _build_event_row(subject, event)) is not None]
            if rows:
                yield rows
            if len(events) < self.batch_size:
                return
            before = events[-1].at, events[-1].id

    async def read_consents(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield all statements about purposes, each with its signed receipt."""
        before = None
        customer_id = subject.reading.encode_id(CUSTOMER_ID_KIND, subject.row.id)
        while True:
            statements = await self.consents.list_by_customer(subject.row.id, before, self.batch_size)
            terms = await self.consents.read_terms({statement.terms for statement in statements})
            subject.reading.record_extra("consents")
            if statements:
                yield [
                    _build_consent_row(
                        statement,
                        self.receipts.sign(statement, terms[statement.terms], customer_id),
                        explain_set_aside(subject.catalogue, statement),
                    )
                    for statement in statements
                ]
            if len(statements) < self.batch_size:
                return
            before = statements[-1].received, statements[-1].id

    async def read_terms(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield the terms that the statements refer to, each once."""
        seen: set[bytes] = set()
        before = None
        while True:
            statements = await self.consents.list_by_customer(subject.row.id, before, self.batch_size)
            new_terms = await self.consents.read_terms({statement.terms for statement in statements} - seen)
            if new_terms:
                yield [
                    build_row("terms", terms=digest.hex(), document=build_terms_document(terms))
                    for digest, terms in sorted(new_terms.items())
                ]
            seen |= new_terms.keys()
            if len(statements) < self.batch_size:
                return
            before = statements[-1].received, statements[-1].id

    async def read_identity_history(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield merges and splits, then duplicate suggestions, then rulings of stewards."""
        subject.reading.record_extra("identityHistory")
        identifiers = {
            identifier.entry: identifier for record in subject.records for identifier in record.identifiers
        }
        before = None
        while True:
            changes = await self.stores.identity_events.of(subject.customer_ids, before, self.batch_size)
            if changes:
                yield [_build_identity_event_row(subject, identifiers, change) for change in changes]
            if len(changes) < self.batch_size:
                break
            before = changes[-1].at, changes[-1].id
        if suggestions := await self.suggestions.of(subject.row.id):
            yield [_build_suggestion_row(suggestion) for suggestion in suggestions]
        ruling_ids = {ruling for record in subject.records for ruling in record.rulings}
        if rulings := await self.stores.rulings.list_by_ids(ruling_ids):
            yield [_build_ruling_row(ruling) for ruling in rulings]

    async def read_disclosures(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield the disclosures that the ledger recorded."""
        former = [(former.id, former.wrapped_key) for former in subject.customer.former]
        names = open_subject_names(
            subject.reading.list_ledger_keys(subject.row, former),
            subject.records,
            subject.catalogue.find_path,
        )
        subject.reading.record_extra("disclosures")
        before = None
        while True:
            entries = await self.ledger.list_by_subject(list_windows(names), before, self.batch_size)
            if entries:
                rows = [_build_disclosure_row(entry, names) for entry in entries]
                yield [row for row in rows if row is not None]
            if len(entries) < self.batch_size:
                return
            before = entries[-1].receipt

    async def read_refused_messages(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield refused messages that name an identifier of the customer."""
        identifier_entries = {
            identifier.entry for record in subject.records for identifier in record.identifiers
        }
        dead_letters = await self.dead_letters.list_naming(identifier_entries)
        for start in range(0, len(dead_letters), self.batch_size):
            yield [
                _build_refused_message_row(dead_letter)
                for dead_letter in dead_letters[start : start + self.batch_size]
            ]

    async def read_requests(self, subject: PackageSubject) -> AsyncIterator[RowBatch]:
        """Yield all rights requests of the customer, this one and refused ones too."""
        subject.reading.record_extra("requests")
        position: TimePosition | None = None
        while True:
            requests = await self.requests.of(subject.customer_ids, position, self.batch_size)
            if requests:
                yield [_build_request_row(subject, request) for request in requests]
            if len(requests) < self.batch_size:
                return
            position = requests[-1].received, requests[-1].id


def _build_event_row(subject: PackageSubject, event: StoredEvent) -> dict[str, object] | None:
    event_type = subject.catalogue.events.get(event.type)
    if event.at < max(subject.cut_offs.find_event_cut_off(event.type), subject.limits.since):
        return None
    # GDPR Art. 20(1)(a): only data processed on consent or a contract are portable.
    if subject.portable_only and not (
        event_type and any(use.purpose.basis in PORTABLE_BASES for use in event_type.uses)
    ):
        return None
    ledger_note = f"event:{event.type}"
    law = None if event_type is None else subject.limits.find_forbidding_law(event_type.category)
    properties: object = None
    # Recorded although the properties are withheld: the row still says that the event happened.
    if law is not None:
        subject.reading.record_extra(ledger_note)
    elif event.properties is not None:
        stored = subject.reading.reveal_cell(
            subject.row, event.properties, event_cell_key(event.id), ledger_note
        )
        properties, law = _select_properties(subject, event_type, stored)
    else:
        subject.reading.record_extra(ledger_note)
    return build_row(
        "events",
        name=event.type,
        channel=event.channel,
        source=event.source,
        occurred_at=format_timestamp(event.at),
        received_at=format_timestamp(event.received),
        kept_until=None if event_type is None else compute_deletion_time(event_type, event.at),
        properties=properties,
        record=subject.name_record(event.record),
        withheld=law,
    )


def _select_properties(
    subject: PackageSubject, event_type: EventType | None, stored: Mapping[str, object]
) -> tuple[object, str | None]:
    """Return the properties that may be shown, and the laws that forbid the others.

    Properties that are no longer in the catalogue are returned as stored.
    """
    properties = () if event_type is None else event_type.properties
    declared = {declared_property.name: declared_property for declared_property in properties}
    shown: dict[str, object] = {}
    laws: set[str] = set()
    for name, value in stored.items():
        declared_property = declared.get(name)
        if declared_property is None:
            shown[name] = value
        elif (law := subject.limits.find_forbidding_law(declared_property.category)) is not None:
            laws.add(law)
        else:
            members, inner_laws = _select_members(subject, declared_property)
            shown[name] = render_property(members, value)
            laws |= inner_laws
    return shown, "; ".join(sorted(laws)) or None


def _select_members(subject: PackageSubject, declared: EventProperty) -> tuple[EventProperty, set[str]]:
    """Return a property with those members that may be shown, and the laws that forbid the others."""
    forbidding = {
        member.name: law
        for member in declared.members
        if (law := subject.limits.find_forbidding_law(member.category)) is not None
    }
    members = tuple(member for member in declared.members if member.name not in forbidding)
    return replace(declared, members=members) if forbidding else declared, set(forbidding.values())


def _build_consent_row(statement: ConsentEvent, receipt: str, set_aside: str | None) -> dict[str, object]:
    notice = statement.notice
    return build_row(
        "consents",
        id=statement.record_uuid,
        purpose=statement.purpose,
        state=statement.state.value,
        at=format_timestamp(statement.at),
        received_at=format_timestamp(statement.received),
        until=format_time(statement.until),
        set_aside=set_aside,
        by=statement.by,
        method=statement.method.value,
        channel=None if statement.channel is None else statement.channel.value,
        basis=statement.basis.value,
        laws=list(statement.laws),
        notice=None
        if notice is None
        else {"version": notice.version, "language": notice.language, "sha256": notice.sha256},
        signal=statement.signal,
        guardian=statement.guardian,
        conflicts_with=None if statement.conflict is None else format_record_id(statement.conflict),
        terms=statement.terms.hex(),
        receipt=receipt,
    )


def _build_identity_event_row(
    subject: PackageSubject, identifiers: Mapping[bytes, RecordIdentifier], change: IdentityChange
) -> dict[str, object]:
    """Return a merge or split. The value of an identifier is shown only if it is the customer's own."""
    evidence = []
    for item in change.evidence:
        # A merge may rest on another customer's identifier. Its value is shown only to its owner.
        identifier = identifiers.get(item.entry)
        value = None
        if identifier is not None:
            key = identifier_cell_key(item.entry)
            value = subject.reading.reveal_cell(subject.row, identifier.cell, key, "identifiers")
        evidence.append({"type": item.type, "value": value})
    return build_row(
        "identity",
        kind=change.kind.value,
        at=format_timestamp(change.at),
        by=change.by,
        profiles=len(change.customers),
        evidence=evidence,
    )


def _build_suggestion_row(suggestion: Suggestion) -> dict[str, object]:
    """Return that another profile resembles this one, but not whose it is."""
    return build_row(
        "identity",
        kind="resembles",
        at=format_timestamp(suggestion.at),
        by=suggestion.model,
        profiles=len(suggestion.customers),
        score=suggestion.score,
        evidence=[{"type": result.name, "says": result.level} for result in suggestion.evidence],
    )


def _build_ruling_row(ruling: StoredRuling) -> dict[str, object]:
    kind = "ruled_one" if ruling.joined else "ruled_different"
    return build_row(
        "identity", kind=kind, at=format_timestamp(ruling.at), by=ruling.by, profiles=len(ruling.sides)
    )


def _build_disclosure_row(entry: LedgerEntry, names: SubjectNames) -> dict[str, object] | None:
    """Return one disclosure with the client, but not which employee of the recipient made it.

    Employees are no recipients themselves, and their names are their own personal data (CJEU C-579/21).
    """
    part = select_visible_part(names, entry)
    if not part.is_visible:
        return None
    return build_row(
        "disclosures",
        receipt=entry.receipt,
        at=format_timestamp(entry.at),
        client=entry.client,
        # Of a time when two people were taken for one, it is not known which of them it was.
        own=entry.actor == SELF and not part.is_shared,
        purposes=list(entry.purposes),
        attributes=[path for path, _ in part.attributes],
        forms=[form for _, form in part.attributes],
        also=list(part.extra),
    )


def _build_refused_message_row(dead_letter: DeadLetter) -> dict[str, object]:
    return build_row(
        "refused_messages",
        source=dead_letter.source,
        received_at=format_timestamp(dead_letter.received),
        reason=dead_letter.code,
        place=dead_letter.place,
        deleted_by=format_timestamp(dead_letter.expires),
    )


def _open_personal_parts(subject: PackageSubject, request: SubjectRequest) -> dict[str, object]:
    """Return the personal parts of a request, without changes to attributes that may not be shown."""
    parts: dict[str, object] = {}
    for name, cell in request.sealed.items():
        if name in SEALED_PART_KEYS and request.customer is not None:
            key = SEALED_PART_KEYS[name]
            parts[name] = subject.open_cell(request.customer, cell, key, f"requests.{name}")
    if isinstance(changes := parts.get("changes"), list):
        parts["changes"] = [change for change in changes if not _is_withheld(subject, change["attribute"])]
    return parts


def _is_withheld(subject: PackageSubject, path: str) -> bool:
    attribute = subject.catalogue.attributes.get(path)
    return attribute is not None and subject.limits.find_forbidding_law(attribute.category) is not None


def _build_message_entry(subject: PackageSubject, message: RequestMessage) -> dict[str, object]:
    """Return a message between the customer and the privacy office."""
    text = subject.open_cell(message.owner, message.sealed, REQUEST_MESSAGE_KEY, "requests.messages")
    return {"at": format_timestamp(message.at), "by": message.by, "text": text}


def _build_transition_entry(transition: StateTransition) -> dict[str, object]:
    reason = {} if transition.reason is None else {"reason": transition.reason.value}
    at = format_timestamp(transition.at)
    return {"state": transition.state.value, "at": at, "by": transition.by, **reason}


def _build_request_row(subject: PackageSubject, request: SubjectRequest) -> dict[str, object]:
    refusal = request.refusal
    return build_row(
        "requests",
        id=subject.reading.encode_id(REQUEST_ID_KIND, request.id),
        right=request.right.value,
        state=request.state.value,
        reason=None if request.reason is None else request.reason.value,
        received_at=format_timestamp(request.received),
        due_at=format_time(request.due),
        ended_at=format_time(request.ended),
        by=request.by,
        laws=list(request.laws),
        scope=request.scope.build_members(),
        asked=_open_personal_parts(subject, request),
        messages=[_build_message_entry(subject, message) for message in request.messages],
        history=[_build_transition_entry(transition) for transition in request.history],
        refusal=None
        if refusal is None
        else {"law": refusal.law, "words": refusal.words, "next": refusal.next},
    )
