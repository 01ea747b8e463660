"""A consent event: somebody said something about one purpose, once. The evidence that they did.

One event is one record in the terms of ISO/IEC TS 27560:2023, with what was agreed to kept beside it
(``terms.py``). It is about source records rather than a customer: who is one person may be found out or
undone later, and the history then follows the records without being touched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from uuid import UUID

from discretion.catalogue.model import Basis, Channel
from discretion.domain.ingest.statement_context import Method, Notice

SCHEMA = "iso-27560:2023"
MAX_SIGNAL = 4096
"""Characters of a signal's own text that are kept; longer ones are kept as their beginning."""

Document = dict[str, Any]


class State(StrEnum):
    """What a purpose came to by an event. The first seven are the W3C Data Privacy Vocabulary's."""

    GIVEN = "given"
    RENEWED = "renewed"  # given again
    REFUSED = "refused"  # never given
    WITHDRAWN = "withdrawn"  # given before, by the person themselves or for them
    EXPIRED = "expired"
    INVALIDATED = "invalidated"  # it never counted, as an authority or court found
    REVOKED = "revoked"  # ended by the retailer
    OBJECTED = "objected"  # GDPR Art. 21
    UNOBJECTED = "unobjected"  # an objection is taken back
    OPTED_OUT = "opted_out"  # of sale and sharing (Cal. Civ. Code 1798.120)
    RESTRICTED = "restricted"  # GDPR Art. 18
    UNRESTRICTED = "unrestricted"


AGREEING = frozenset({State.GIVEN, State.RENEWED, State.UNOBJECTED, State.UNRESTRICTED})
"""States after which the person lets the purpose be pursued, as far as their word goes."""


@dataclass(frozen=True, slots=True)
class ConsentEvent:
    """One word about one purpose. Times in ms since 1970.

    ``records`` are the source records that heard it, ``customer`` whom they belonged to then. ``by``
    says who spoke, such as ``self:customer-app``, ``steward:privacy-office`` or ``source:web-shop``;
    ``conflict`` is the id of an earlier event in which another voice had said the contrary. ``terms`` is
    the digest of what was agreed to, ``guardian`` the retailer's own reference to who agreed for a child.
    """

    id: bytes
    records: tuple[bytes, ...] = field(repr=False)
    customer: bytes = field(repr=False)
    purpose: str
    catalogue: str
    basis: Basis
    laws: tuple[str, ...]
    state: State
    at: int
    received: int
    method: Method
    by: str
    terms: bytes
    until: int | None = None
    notice: Notice | None = None
    channel: Channel | None = None
    signal: str | None = None
    guardian: str | None = None
    conflict: bytes | None = None

    @property
    def name(self) -> str:
        """The record's id as text: a UUID (RFC 9562)."""
        return text(self.id)

    def document(self) -> Document:
        """As it is kept."""
        told: Document = {
            "_id": self.id,
            "schema": SCHEMA,
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
            told["notice"] = {
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
        return {**told, **{name: value for name, value in optional.items() if value is not None}}


def event(document: Mapping[str, Any]) -> ConsentEvent:
    """What ``ConsentEvent.document`` gave."""
    notice, channel = document.get("notice"), document.get("channel")
    return ConsentEvent(
        id=document["_id"],
        records=tuple(document["records"]),
        customer=document["customer"],
        purpose=document["purpose"],
        catalogue=document["catalogue"],
        basis=Basis(document["basis"]),
        laws=tuple(document["laws"]),
        state=State(document["state"]),
        at=document["at"],
        received=document["received"],
        method=Method(document["method"]),
        by=document["by"],
        terms=document["terms"],
        until=document.get("until"),
        notice=None if notice is None else Notice(**notice),
        channel=None if channel is None else Channel(channel),
        signal=document.get("signal"),
        guardian=document.get("guardian"),
        conflict=document.get("conflict"),
    )


def record_id(message: bytes, purpose: str) -> bytes:
    """The id of what one message says of one purpose: told twice, it is one record.

    A UUID of version 8 (RFC 9562, section 5.8) over SHA-256.
    """
    raw = bytearray(hashlib.sha256(message + b"|" + purpose.encode()).digest()[:16])
    raw[6] = raw[6] & 0x0F | 0x80
    raw[8] = raw[8] & 0x3F | 0x80
    return bytes(raw)


def text(record: bytes) -> str:
    """A record's id, as people write it."""
    return str(UUID(bytes=record))
