"""A receipt proves itself to anybody who has our public keys, and passes for nothing else."""

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

from discretion.domain.consent.receipt import TYPE, Receipts
from discretion.domain.consent.statement_record import SCHEMA
from discretion.errors import Unauthenticated
from discretion.token.keys import KeySet
from discretion.token.verify import Verifier
from tests.unit.domain.consent import samples
from tests.unit.token.forged_tokens import b64, unb64

ISSUER = "https://data.shop.example"
KEYS = KeySet.generate()
OTHERS = KeySet.generate()
ALGORITHMS = ["EdDSA"]
SUBJECT = "pairwise-of-ann"
LAW = settings(derandomize=True, deadline=None, max_examples=200)
ISO_PROCESSING = {
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
# The library would have the curve in the algorithm's name (RFC 9864); ours is the one of RFC 8037.
pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


def signed(keys: KeySet = KEYS, **change: Any) -> str:
    """A receipt."""
    event = samples.event(**change)
    return Receipts(keys, ISSUER).sign(event, samples.TERMS[event.purpose].document(), SUBJECT)


def opened(receipt: str, keys: KeySet = KEYS) -> dict[str, Any]:
    """What somebody else's library reads, who has nothing but the published key set."""
    published = JoseKeys.import_key_set(json.loads(json.dumps(keys.public_jwks())))
    found = jws.deserialize_compact(receipt, published, algorithms=ALGORITHMS)
    assert found.headers()["typ"] == TYPE
    payload: dict[str, Any] = json.loads(found.payload)
    return payload


def test_another_library_verifies_it_with_the_published_keys_alone() -> None:
    found = opened(signed())
    assert (found["iss"], found["sub"], found["jti"]) == (ISSUER, SUBJECT, samples.event().name)
    assert found["iat"] == samples.NOW // 1000


def test_it_has_every_field_that_iso_27560_wants() -> None:
    """Of the record, the processing, the parties and the event; with what was agreed to in full."""
    found = opened(signed())
    assert found["schema_version"] == SCHEMA
    assert all(found[name] for name in ("record_id", "receipt_id", "pii_principal_id"))
    processing = found["pii_processing"]
    assert processing.keys() >= ISO_PROCESSING
    assert processing["purpose"]["meaning"] == samples.CATALOGUE.purposes[samples.EMAIL].meaning
    assert processing["privacy_notice"] == {"version": "2026-09", "sha256": "ab" * 32}
    assert processing["jurisdiction"] == ["eu", "ca"]
    assert {one["pii_type"] for one in processing["pii_information"]} >= {"user.contact.email"}
    (controller,) = found["party_identification"]
    assert all(controller[f"party_{name}"] for name in ("id", "name", "address", "contact", "type"))
    assert found["event"] == {
        "event_time": "2026-09-21T14:13:15.000Z",
        "received_time": "2026-09-21T14:13:20.000Z",
        "validity_duration": "P3Y",
        "valid_until": "2026-09-22T14:13:20.000Z",
        "entity_id": "source:web-shop",
        "event_type": "explicit",
        "event_state": "given",
        "method": "guardian",
        "guardian": "parents/2026-17",
        "signal": samples.event().signal,
        "conflict_with": "6b6b6b6b-6b6b-6b6b-6b6b-6b6b6b6b6b6b",
    }


def test_it_names_no_record_and_no_customer_of_ours() -> None:
    """Whoever holds two receipts for two clients cannot join them by an id of the database."""
    text = json.dumps(opened(signed()))
    for inner in (*samples.SUBJECT.records, samples.SUBJECT.customer):
        assert inner.hex() not in text
        assert b64(inner) not in text


def test_the_same_record_has_the_same_receipt() -> None:
    assert signed() == signed()


@pytest.mark.parametrize("part", [0, 1, 2])
@given(st.data())
@LAW
def test_a_receipt_that_was_touched_anywhere_is_refused(part: int, data: st.DataObject) -> None:
    parts = signed().split(".")
    raw = bytearray(unb64(parts[part]))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= data.draw(st.integers(1, 255))
    parts[part] = b64(bytes(raw))
    with pytest.raises((JoseError, ValueError)):
        opened(".".join(parts))


def test_a_receipt_of_another_key_or_of_none_is_refused() -> None:
    with pytest.raises((JoseError, ValueError)):
        opened(signed(OTHERS))
    header, payload, signature = signed().split(".")
    for algorithm in ("none", "None", "HS256"):
        forged = b64(json.dumps({**json.loads(unb64(header)), "alg": algorithm}).encode())
        for proof in ("", signature):
            with pytest.raises((JoseError, ValueError)):
                opened(f"{forged}.{payload}.{proof}")


def test_a_rotated_key_still_verifies_what_it_signed() -> None:
    receipt = signed()
    assert opened(receipt, KEYS.rotated())["jti"] == samples.event().name


def test_a_receipt_is_no_access_token() -> None:
    """By its type; and if the type were another, by everything else that a token has and it has not."""
    verifier = Verifier(KEYS, ISSUER, "discretion", lambda: samples.NOW, lambda _: True)
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(signed())
    assert caught.value.code == "TOKEN_TYPE"
    active = KEYS.active
    claims = opened(signed())
    retyped = jwt.encode(
        claims, active.key, algorithm="EdDSA", headers={"typ": "at+jwt", "kid": active.verifying.kid}
    )
    with pytest.raises(Unauthenticated) as caught:
        verifier.verify(retyped)
    assert caught.value.code == "TOKEN_CLAIMS"
    assert not {"aud", "exp", "client_id", "scope", "purposes"} & claims.keys()
