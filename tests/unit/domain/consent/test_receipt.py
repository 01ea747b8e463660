"""A receipt is verified with the published keys alone, and is accepted as nothing else."""

from __future__ import annotations

import json
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import KeySet as JoseKeys

from discretion.domain.consent.receipt import RECEIPT_TYPE, ReceiptSigner
from discretion.errors import Unauthenticated
from discretion.store.consent_event import RECORD_SCHEMA
from discretion.token.keys import KeySet
from discretion.token.verify import TokenVerifier
from tests.fixtures.examples import scale_examples
from tests.unit.domain.consent import samples
from tests.unit.token.forged_tokens import b64, unb64

ISSUER = "https://data.shop.example"
KEYS = KeySet.generate()
OTHER_KEYS = KeySet.generate()
ALGORITHMS = ["EdDSA"]
SUBJECT = "pairwise-of-ann"
PROPERTY_SETTINGS = settings(derandomize=True, max_examples=scale_examples(200))
ISO_PROCESSING_FIELDS = {
    "privacy_notice",
    "language",
    "purpose",
    "lawful_basis",
    "pii_information",
    "pii_controllers",
    "storage_locations",
    "retention_period",
    "jurisdiction",
    "recipient_third_parties",
    "withdrawal_method",
    "privacy_rights",
    "authority_party",
}
# The library prefers the algorithm names of RFC 9864, which include the curve; ours is of RFC 8037.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


def sign_receipt(keys: KeySet = KEYS, **changes: Any) -> str:
    """Sign a receipt for the sample event, with changed fields."""
    event = samples.build_event(**changes)
    return ReceiptSigner(lambda: keys, ISSUER).sign(event, samples.TERMS[event.purpose], SUBJECT)


def verify_receipt(receipt: str, keys: KeySet = KEYS) -> dict[str, Any]:
    """Verify a receipt as a third party with only the published key set; return the payload."""
    published = JoseKeys.import_key_set(json.loads(json.dumps(keys.public_jwks())))
    token = jws.deserialize_compact(receipt, published, algorithms=ALGORITHMS)
    assert token.headers()["typ"] == RECEIPT_TYPE
    payload: dict[str, Any] = json.loads(token.payload)
    return payload


def test_another_library_verifies_a_receipt_with_the_published_keys() -> None:
    payload = verify_receipt(sign_receipt())
    assert (payload["iss"], payload["sub"], payload["jti"]) == (
        ISSUER,
        SUBJECT,
        samples.build_event().record_uuid,
    )
    assert payload["iat"] == samples.NOW // 1000


def test_a_receipt_has_every_field_of_iso_27560() -> None:
    """Record, processing, parties and event, with the full text of what was agreed to."""
    payload = verify_receipt(sign_receipt())
    assert payload["schema_version"] == RECORD_SCHEMA
    assert all(payload[name] for name in ("record_id", "receipt_id", "pii_principal_id"))
    processing = payload["pii_processing"]
    assert processing.keys() >= ISO_PROCESSING_FIELDS
    assert processing["purpose"]["meaning"] == samples.CATALOGUE.purposes[samples.EMAIL].meaning
    assert processing["privacy_notice"] == {"version": "2026-09", "sha256": "ab" * 32}
    assert processing["jurisdiction"] == ["eu", "ca"]
    assert {data["pii_type"] for data in processing["pii_information"]} >= {"user.contact.email"}
    (controller,) = payload["party_identification"]
    assert all(controller[f"party_{name}"] for name in ("id", "name", "address", "contact", "type"))
    assert payload["event"] == {
        "event_time": "2026-09-21T14:13:15.000Z",
        "received_time": "2026-09-21T14:13:20.000Z",
        "validity_duration": "P3Y",
        "valid_until": "2026-09-22T14:13:20.000Z",
        "entity_id": "source:web-shop",
        "event_type": "explicit",
        "event_state": "given",
        "method": "guardian",
        "guardian": "parents/2026-17",
        "signal": samples.build_event().signal,
        "conflict_with": "6b6b6b6b-6b6b-6b6b-6b6b-6b6b6b6b6b6b",
    }


def test_a_receipt_contains_no_internal_id() -> None:
    """Two clients cannot join their receipts by a record or customer id of the database."""
    text = json.dumps(verify_receipt(sign_receipt()))
    for internal_id in (*samples.SUBJECT.records, samples.SUBJECT.customer):
        assert internal_id.hex() not in text
        assert b64(internal_id) not in text


def test_the_same_record_has_the_same_receipt() -> None:
    assert sign_receipt() == sign_receipt()


@pytest.mark.parametrize("part", [0, 1, 2])
@given(st.data())
@PROPERTY_SETTINGS
def test_a_receipt_that_was_changed_anywhere_is_refused(part: int, data: st.DataObject) -> None:
    parts = sign_receipt().split(".")
    raw = bytearray(unb64(parts[part]))
    index = data.draw(st.integers(0, len(raw) - 1))
    raw[index] ^= data.draw(st.integers(1, 255))
    parts[part] = b64(bytes(raw))
    with pytest.raises((JoseError, ValueError)):
        verify_receipt(".".join(parts))


def test_a_receipt_of_another_key_or_without_one_is_refused() -> None:
    with pytest.raises((JoseError, ValueError)):
        verify_receipt(sign_receipt(OTHER_KEYS))
    header, payload, signature = sign_receipt().split(".")
    for algorithm in ("none", "None", "HS256"):
        forged = b64(json.dumps({**json.loads(unb64(header)), "alg": algorithm}).encode())
        for proof in ("", signature):
            with pytest.raises((JoseError, ValueError)):
                verify_receipt(f"{forged}.{payload}.{proof}")


def test_a_rotated_key_still_verifies_its_receipts() -> None:
    receipt = sign_receipt()
    rotated = KeySet.from_signing_keys(KeySet.generate().active, KEYS.active)
    assert verify_receipt(receipt, rotated)["jti"] == samples.build_event().record_uuid


def test_a_receipt_is_not_accepted_as_an_access_token() -> None:
    """Its type is refused; with the type of a token, the required claims are still missing."""
    verifier = TokenVerifier(lambda: KEYS, ISSUER, "discretion", lambda: samples.NOW, lambda _: True)
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(sign_receipt())
    assert caught.value.code == "TOKEN_TYPE"
    active = KEYS.active
    claims = verify_receipt(sign_receipt())
    retyped = jwt.encode(
        claims, active.key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": active.verifying.kid}
    )
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(retyped)
    assert caught.value.code == "TOKEN_CLAIMS"
    assert not {"aud", "exp", "client_id", "scope", "purposes"} & claims.keys()
