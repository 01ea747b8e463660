"""Receipts: signed copies of consent records for the person they are about.

A receipt is a JSON Web Signature in compact form (RFC 7515) of the type ``consent-receipt+jwt``. It contains
the whole record under the field names of ISO/IEC TS 27560:2023, including the full terms, so that it is
evidence without access to this installation. Any library can verify it, also offline: with the keys at
``/.well-known/jwks.json``, and when its key is retired with those at ``/.well-known/receipt-keys.json``. It
cannot be used as an access token: it has another type and no audience.
"""

from __future__ import annotations

from collections.abc import Callable

from discretion.domain.consent.statement_record import AGREEING_STATES
from discretion.reveal.forms import format_timestamp
from discretion.store.consent_event import RECORD_SCHEMA, ConsentEvent, format_record_id
from discretion.store.consent_terms import ConsentTerms, ControllerParty
from discretion.token.keys import KeySet

RECEIPT_TYPE = "consent-receipt+jwt"


class ReceiptSigner:
    """Signs receipts with the installation's keys.

    Receipts are reproducible: until the key is rotated, the same record, person and client give the same
    receipt, because Ed25519 is deterministic and the receipt is dated with the time when the statement was
    received.
    """

    def __init__(self, select_keys: Callable[[], KeySet], issuer: str) -> None:
        self._select_keys = select_keys
        self.issuer = issuer

    def sign(self, event: ConsentEvent, terms: ConsentTerms, subject: str) -> str:
        """Sign the receipt of an event.

        Args:
            event: The event.
            terms: Its terms.
            subject: The customer's id for the client that gets the receipt.

        Returns:
            A JSON Web Signature in compact form.
        """
        payload = build_receipt_payload(event, terms, subject, self.issuer)
        return self._select_keys().active.sign_jwt(payload, RECEIPT_TYPE)


def build_receipt_payload(
    event: ConsentEvent, terms: ConsentTerms, subject: str, issuer: str
) -> dict[str, object]:
    """Build the payload of a receipt; see ``ReceiptSigner.sign`` for the arguments."""
    return {
        "iss": issuer,
        "sub": subject,
        "iat": event.received // 1000,
        "jti": event.record_uuid,
        "schema_version": RECORD_SCHEMA,
        "record_id": event.record_uuid,
        "receipt_id": event.record_uuid,
        "pii_principal_id": subject,
        "pii_processing": _build_processing(event, terms, issuer),
        "party_identification": [_build_party(terms.controller, issuer)],
        "event": _build_event(event, terms),
    }


def _build_processing(event: ConsentEvent, terms: ConsentTerms, issuer: str) -> dict[str, object]:
    notice = event.notice
    return {
        "privacy_notice": None if notice is None else {"version": notice.version, "sha256": notice.sha256},
        "language": None if notice is None else notice.language,
        "purpose": {
            "purpose": terms.purpose,
            "label": terms.label,
            "description": terms.description,
            "meaning": terms.meaning,
        },
        "catalogue": event.catalogue,
        "terms": event.terms.hex(),
        "lawful_basis": event.basis.value,
        "pii_information": [
            {
                "pii_type": item.category,
                "retention_period": list(item.retention),
                "sensitive_pii_category": list(item.sensitive),
            }
            for item in terms.data
        ],
        "pii_controllers": [issuer],
        "collection_method": None if event.channel is None else event.channel.value,
        "storage_locations": [terms.storage],
        "retention_period": sorted({item for category in terms.data for item in category.retention}),
        "jurisdiction": list(event.laws),
        "recipient_third_parties": list(terms.recipients),
        "withdrawal_method": {"how": terms.withdrawal, "url": terms.withdrawal_url},
        "privacy_rights": terms.rights_url,
        "authority_party": terms.authority,
    }


def _build_party(controller: ControllerParty, issuer: str) -> dict[str, object]:
    return {
        "party_id": issuer,
        "party_name": controller.name,
        "party_address": controller.address,
        "party_contact": controller.contact,
        "party_type": "controller",
    }


def _build_event(event: ConsentEvent, terms: ConsentTerms) -> dict[str, object]:
    """Build ``event``: ``validity_duration`` is the purpose's, ``valid_until`` the person's own limit."""
    event_payload: dict[str, object] = {
        "event_time": format_timestamp(event.at),
        "received_time": format_timestamp(event.received),
        "validity_duration": terms.lasts or None,
        "valid_until": None if event.until is None else format_timestamp(event.until),
        "entity_id": event.by,
        "event_type": "explicit" if event.state in AGREEING_STATES else "none",
        "event_state": event.state.value,
        "method": event.method.value,
    }
    if event.guardian is not None:
        event_payload["guardian"] = event.guardian
    if event.signal is not None:
        event_payload["signal"] = event.signal
    if event.conflict is not None:
        event_payload["conflict_with"] = format_record_id(event.conflict)
    return event_payload
