"""Receipts: a consent record signed for the person it is about, to keep and to show to anybody.

A receipt is a JSON Web Signature in compact form (RFC 7515) of the type ``consent-receipt+jwt``. It
carries the whole record by the field names of ISO/IEC TS 27560:2023 with what was agreed to in full, so
that it proves something by itself; the keys at ``/.well-known/jwks.json`` verify it, also offline and with
any library. It is no access token: type and audience are not those of one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import jwt

from discretion.domain.consent.statement_record import AGREEING, SCHEMA, ConsentEvent, text
from discretion.token.keys import KeySet

TYPE = "consent-receipt+jwt"

Document = Mapping[str, Any]


class Receipts:
    """Signs receipts with the installation's keys.

    The same record gives the same person the same receipt at the same client: Ed25519 has no chance in it,
    and a receipt is dated when the word came.
    """

    def __init__(self, keys: KeySet, issuer: str) -> None:
        self._keys = keys
        self.issuer = issuer

    def sign(self, event: ConsentEvent, terms: Document, subject: str) -> str:
        """The receipt of an event; ``subject`` is the person's id for whom it is given to."""
        active = self._keys.active
        return jwt.encode(
            payload(event, terms, subject, self.issuer),
            active.key,
            algorithm=active.verifying.algorithm,
            headers={"typ": TYPE, "kid": active.verifying.kid},
        )


def payload(event: ConsentEvent, terms: Document, subject: str, issuer: str) -> dict[str, Any]:
    """What a receipt says."""
    return {
        "iss": issuer,
        "sub": subject,
        "iat": event.received // 1000,
        "jti": event.name,
        "schema_version": SCHEMA,
        "record_id": event.name,
        "receipt_id": event.name,
        "pii_principal_id": subject,
        "pii_processing": _processing(event, terms, issuer),
        "party_identification": [_party(terms["controller"], issuer)],
        "event": _said(event, terms),
    }


def _processing(event: ConsentEvent, terms: Document, issuer: str) -> dict[str, Any]:
    notice = event.notice
    return {
        "privacy_notice": None if notice is None else {"version": notice.version, "sha256": notice.sha256},
        "language": None if notice is None else notice.language,
        "purpose": {name: terms[name] for name in ("purpose", "label", "description", "meaning")},
        "catalogue": event.catalogue,
        "terms": event.terms.hex(),
        "lawful_basis": event.basis.value,
        "pii_information": [
            {
                "pii_type": one["category"],
                "retention_period": one["retention"],
                "sensitive_pii_category": one["sensitive"],
            }
            for one in terms["data"]
        ],
        "pii_controllers": [issuer],
        "collection_method": None if event.channel is None else event.channel.value,
        "storage_locations": [terms["storage"]],
        "retention_period": sorted({one for kept in terms["data"] for one in kept["retention"]}),
        "jurisdiction": list(event.laws),
        "recipient_third_parties": terms["recipients"],
        "withdrawal_method": {"how": terms["withdrawal"], "url": terms["withdrawal_url"]},
        "privacy_rights": terms["rights_url"],
        "authority_party": terms["authority"],
    }


def _party(controller: Document, issuer: str) -> dict[str, Any]:
    return {
        "party_id": issuer,
        "party_name": controller["name"],
        "party_address": controller["address"],
        "party_contact": controller["contact"],
        "party_type": "controller",
    }


def _said(event: ConsentEvent, terms: Document) -> dict[str, Any]:
    """The event; ``validity_duration`` is the purpose's own, ``valid_until`` what was agreed besides."""
    told = {
        "event_time": moment(event.at),
        "received_time": moment(event.received),
        "validity_duration": terms["lasts"] or None,
        "valid_until": None if event.until is None else moment(event.until),
        "entity_id": event.by,
        "event_type": "explicit" if event.state in AGREEING else "none",
        "event_state": event.state.value,
        "method": event.method.value,
    }
    if event.guardian is not None:
        told["guardian"] = event.guardian
    if event.signal is not None:
        told["signal"] = event.signal
    if event.conflict is not None:
        told["conflict_with"] = text(event.conflict)
    return told


def moment(ms: int) -> str:
    """RFC 3339, to the millisecond."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
