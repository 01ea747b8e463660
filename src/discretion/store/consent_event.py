"""The document of ``consents``, typed: the evidence that a person made one statement about one purpose.

One event is one record in the sense of ISO/IEC TS 27560:2023. The terms that applied are stored separately
(``store.consent_terms``). An event refers to source records and not only to a customer: a later merge or
unmerge moves the records to another customer, and the history follows them without being changed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from discretion.catalogue.model import Basis, Channel
from discretion.store.document import Document, MutableDocument, drop_unset

RECORD_SCHEMA = "iso-27560:2023"


class ConsentState(StrEnum):
    """The state of a purpose after an event. The first seven are those of the W3C Data Privacy Vocabulary."""

    GIVEN = "given"
    RENEWED = "renewed"  # given again
    REFUSED = "refused"  # never given
    WITHDRAWN = "withdrawn"  # given before, by the person themselves or for them
    EXPIRED = "expired"
    INVALIDATED = "invalidated"  # an authority or a court decided that it was never valid
    REVOKED = "revoked"  # ended by the retailer
    OBJECTED = "objected"  # GDPR Art. 21
    UNOBJECTED = "unobjected"  # an objection is taken back
    OPTED_OUT = "opted_out"  # of sale and sharing (Cal. Civ. Code 1798.120)
    RESTRICTED = "restricted"  # GDPR Art. 18
    UNRESTRICTED = "unrestricted"


class StatementMethod(StrEnum):
    """How a statement reached the platform. The values are stored."""

    CLICK = "explicit_click"
    GPC = "gpc"
    GPP = "gpp"
    TCF = "tcf"
    IMPORT = "import"
    AGENT = "agent"  # an authorised agent acted for the customer
    GUARDIAN = "guardian"
    SOURCE = "source"  # a source reported the statement


@dataclass(frozen=True, slots=True)
class NoticeReference:
    """The privacy notice that was shown: version, language (BCP 47), and SHA-256 of its text in hex."""

    version: str
    language: str
    sha256: str


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One statement about one purpose. Times are in ms since 1970.

    Attributes:
        records: Source records to which the statement applies.
        customer: The customer to whom they belonged at that time.
        catalogue: Version of the catalogue.
        laws: Keys of the jurisdictions that protected the customer at that time.
        at: When the statement was made; ``received`` is when it arrived here.
        by: Who made it, such as ``self:customer-app``, ``steward:privacy-office`` or ``source:web-shop``.
        terms: Digest of the terms that were agreed to or refused.
        until: When a consent ends, if the person limited it.
        signal: The text of a browser's or device's signal, if it was one.
        guardian: The retailer's own reference to the person who agreed for a child.
        conflict: Id of an earlier event in which another author stated the contrary.
    """

    id: bytes
    records: tuple[bytes, ...] = field(repr=False)
    customer: bytes = field(repr=False)
    purpose: str
    catalogue: str
    basis: Basis
    laws: tuple[str, ...]
    state: ConsentState
    at: int
    received: int
    method: StatementMethod
    by: str
    terms: bytes
    until: int | None = None
    notice: NoticeReference | None = None
    channel: Channel | None = None
    signal: str | None = None
    guardian: str | None = None
    conflict: bytes | None = None

    @property
    def record_uuid(self) -> str:
        """The id as text: a UUID (RFC 9562)."""
        return format_record_id(self.id)


def parse_consent_event(document: Document) -> ConsentEvent:
    """Parse a stored event."""
    get = document.get
    notice, channel = get("notice"), get("channel")
    return ConsentEvent(
        id=document["_id"],
        records=tuple(document["records"]),
        customer=document["customer"],
        purpose=document["purpose"],
        catalogue=document["catalogue"],
        basis=Basis(document["basis"]),
        laws=tuple(document["laws"]),
        state=ConsentState(document["state"]),
        at=document["at"],
        received=document["received"],
        method=StatementMethod(document["method"]),
        by=document["by"],
        terms=document["terms"],
        until=get("until"),
        notice=None if notice is None else NoticeReference(**notice),
        channel=None if channel is None else Channel(channel),
        signal=get("signal"),
        guardian=get("guardian"),
        conflict=get("conflict"),
    )


def build_consent_document(event: ConsentEvent) -> MutableDocument:
    """Build the stored document of an event. Members without a value are left out."""
    notice = event.notice
    optional = {
        "notice": None
        if notice is None
        else {"version": notice.version, "language": notice.language, "sha256": notice.sha256},
        "until": event.until,
        "channel": None if event.channel is None else event.channel.value,
        "signal": event.signal,
        "guardian": event.guardian,
        "conflict": event.conflict,
    }
    return {
        "_id": event.id,
        "schema": RECORD_SCHEMA,
        "records": list(event.records),
        "customer": event.customer,
        "purpose": event.purpose,
        "catalogue": event.catalogue,
        "basis": event.basis.value,
        "laws": list(event.laws),
        "state": event.state.value,
        "at": event.at,
        "received": event.received,
        "method": event.method.value,
        "by": event.by,
        "terms": event.terms,
        **drop_unset(optional),
    }


def format_record_id(record: bytes) -> str:
    """Return an event's id as the text of a UUID."""
    return str(UUID(bytes=record))
