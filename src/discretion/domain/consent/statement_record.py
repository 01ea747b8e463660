"""Consent events: the evidence that a person made one statement about one purpose.

One event is one record in the sense of ISO/IEC TS 27560:2023. The terms that applied are stored separately
(``terms.py``). An event refers to source records and not only to a customer: a later merge or unmerge moves
the records to another customer, and the history follows them without being changed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from discretion.catalogue.model import Basis, Channel
from discretion.domain.ingest.statement_context import NoticeReference, StatementMethod
from discretion.store.document import MutableDocument

RECORD_SCHEMA = "iso-27560:2023"
MAX_SIGNAL_CHARS = 4096
"""Most characters of a signal's own text that are stored; longer texts are cut off."""


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


AGREEING_STATES = frozenset(
    {ConsentState.GIVEN, ConsentState.RENEWED, ConsentState.UNOBJECTED, ConsentState.UNRESTRICTED}
)
"""States in which the person's own statement permits the purpose."""


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

    def build_document(self) -> MutableDocument:
        """Build the document that is stored in MongoDB. Fields without a value are left out."""
        document: MutableDocument = {
            "_id": self.id,
            "schema": RECORD_SCHEMA,
            "records": list(self.records),
            "customer": self.customer,
            "purpose": self.purpose,
            "catalogue": self.catalogue,
            "basis": self.basis.value,
            "laws": list(self.laws),
            "state": self.state.value,
            "at": self.at,
            "received": self.received,
            "method": self.method.value,
            "by": self.by,
            "terms": self.terms,
        }
        if self.notice is not None:
            document["notice"] = {
                "version": self.notice.version,
                "language": self.notice.language,
                "sha256": self.notice.sha256,
            }
        optional = {
            "until": self.until,
            "channel": None if self.channel is None else self.channel.value,
            "signal": self.signal,
            "guardian": self.guardian,
            "conflict": self.conflict,
        }
        return {**document, **{name: value for name, value in optional.items() if value is not None}}


def parse_consent_event(document: Mapping[str, Any]) -> ConsentEvent:
    """Parse a document that ``ConsentEvent.build_document`` built."""
    notice, channel = document.get("notice"), document.get("channel")
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
        until=document.get("until"),
        notice=None if notice is None else NoticeReference(**notice),
        channel=None if channel is None else Channel(channel),
        signal=document.get("signal"),
        guardian=document.get("guardian"),
        conflict=document.get("conflict"),
    )


def build_record_id(message: bytes, purpose: str) -> bytes:
    """Return the id of the event for one purpose of one message; a repeated message has the same id.

    A UUID of version 8 (RFC 9562, section 5.8) over SHA-256.
    """
    uuid_bytes = bytearray(hashlib.sha256(message + b"|" + purpose.encode()).digest()[:16])
    uuid_bytes[6] = uuid_bytes[6] & 0x0F | 0x80
    uuid_bytes[8] = uuid_bytes[8] & 0x3F | 0x80
    return bytes(uuid_bytes)


def format_record_id(record: bytes) -> str:
    """Return an event's id as the text of a UUID."""
    return str(UUID(bytes=record))
