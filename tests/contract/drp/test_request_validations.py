"""The checks of a signed request, in the order of section 3.07 of the Data Rights Protocol 1.0."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.agents.agent import build_agent
from discretion.edge.drp.protocol_terms import FATAL, SUPPORTED
from discretion.edge.drp.request_claims import parse_exercise
from discretion.edge.drp.signed_request import (
    MAX_VALIDITY_MS,
    check_parties,
    check_validity,
    decode_envelope,
    verify_envelope,
)
from discretion.errors import BadRequest, DiscretionError
from discretion.law.jurisdiction import Right
from discretion.store.agents import AgentKind

AGENT, BUSINESS = "CR_AGENT_1", "LINDGREN_MOSS"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ISSUED_MS, EXPIRES_MS = 1_767_225_600_000, 1_767_226_200_000  # 2026-01-01T00:00:00Z, ten minutes later
CLAIMS: dict[str, Any] = {
    "agent-id": AGENT,
    "business-id": BUSINESS,
    "agent-request-id": "0d0c2a3e",
    "issued-at": "2026-01-01T00:00:00Z",
    "expires-at": "2026-01-01T00:10:00Z",
    "drp.version": "1.0",
    "exercise": "deletion",
    "regime": "ccpa",
    "relationships": ["customer"],
    "status_callback": "https://agent.example/status",
    "name": "Ada Lovelace",
    "email": "Ada@Example.org",
    "email_verified": True,
}


def sign_claims(changes: Any = None, key: Ed25519PrivateKey = KEY) -> bytes:
    """Sign claims or bytes in the form of libsodium's combined mode, encoded in base64."""
    message = changes if isinstance(changes, bytes) else orjson.dumps({**CLAIMS, **(changes or {})})
    return base64.b64encode(key.sign(message) + message)


def verify_message(body: bytes, now_ms: int = ISSUED_MS, business: str = BUSINESS) -> dict[str, Any]:
    """Return the claims of a message that passes all six checks."""
    claims = verify_envelope(decode_envelope(body), KEY.public_key())
    check_parties(claims, AGENT, business)
    check_validity(claims, now_ms)
    return claims


def find_refusal_code(body: bytes, now_ms: int = ISSUED_MS, business: str = BUSINESS) -> str:
    """Return the code with which a body is refused."""
    with pytest.raises(DiscretionError) as refused:
        verify_message(body, now_ms, business)
    return refused.value.code


def test_a_valid_message_yields_its_claims() -> None:
    """All members are as they were signed. A newline at the end of the body is accepted."""
    assert verify_message(sign_claims()) == CLAIMS
    assert verify_message(sign_claims() + b"\n") == CLAIMS


FAILING_CHECKS = {
    "DRP_NOT_BASE64": lambda: find_refusal_code(b"%" + sign_claims()[1:]),
    "DRP_SIGNATURE": lambda: find_refusal_code(sign_claims(key=OTHER_KEY)),
    "DRP_AGENT": lambda: find_refusal_code(sign_claims({"agent-id": "ANOTHER"})),
    "DRP_BUSINESS": lambda: find_refusal_code(sign_claims({"business-id": "ANOTHER"})),
    "DRP_NOT_YET_ISSUED": lambda: find_refusal_code(sign_claims(), ISSUED_MS - 1),
    "DRP_EXPIRED": lambda: find_refusal_code(sign_claims(), EXPIRES_MS + 1),
}


@pytest.mark.parametrize("expected", FAILING_CHECKS)
def test_each_check_has_its_own_code(expected: str) -> None:
    """Every other check passes."""
    assert FAILING_CHECKS[expected]() == expected


def test_the_first_failing_check_determines_the_code() -> None:
    """Each pair of failing checks, from the last to the first: the earlier check determines the code."""
    late = EXPIRES_MS + 1
    reversed_window = sign_claims({"issued-at": "2026-01-02T00:00:00Z"})
    assert find_refusal_code(reversed_window, late) == "DRP_NOT_YET_ISSUED"
    assert find_refusal_code(sign_claims({"business-id": "ANOTHER"}), ISSUED_MS - 1) == "DRP_BUSINESS"
    assert (
        find_refusal_code(sign_claims({"agent-id": "ANOTHER", "business-id": "ANOTHER"}), late) == "DRP_AGENT"
    )
    assert find_refusal_code(sign_claims({"agent-id": "ANOTHER"}, OTHER_KEY), late) == "DRP_SIGNATURE"
    assert find_refusal_code(sign_claims(b"no JSON", key=OTHER_KEY)) == "DRP_SIGNATURE"
    assert find_refusal_code(b"%" + sign_claims(key=OTHER_KEY)[1:], late) == "DRP_NOT_BASE64"


@pytest.mark.parametrize("now_ms", [ISSUED_MS, ISSUED_MS + 1, EXPIRES_MS - 1, EXPIRES_MS])
def test_both_ends_of_the_validity_window_are_inclusive(now_ms: int) -> None:
    """To the millisecond. FAILING_CHECKS covers a millisecond before the start and after the end."""
    assert verify_message(sign_claims(), now_ms)


@pytest.mark.parametrize("name", ["issued-at", "expires-at"])
@pytest.mark.parametrize("time", [None, "", "soon", 1_767_225_600, "2026-13-01T00:00:00Z", ["2026-01-01"]])
def test_an_unreadable_time_is_refused(name: str, time: Any) -> None:
    """Each of the two members has a code of its own."""
    expected = {"issued-at": "DRP_ISSUED_AT", "expires-at": "DRP_EXPIRES_AT"}[name]
    assert find_refusal_code(sign_claims({name: time})) == expected


def test_a_request_is_valid_for_a_day_at_most() -> None:
    """The server stores a message for that long to refuse replays."""
    assert MAX_VALIDITY_MS == 24 * 3600 * 1000
    assert verify_message(sign_claims({"expires-at": "2026-01-02T00:00:00Z"}))
    assert find_refusal_code(sign_claims({"expires-at": "2026-01-02T00:00:00.001Z"})) == "DRP_EXPIRES_AT"


@pytest.mark.parametrize(
    "message",
    [
        b"no JSON",
        b"[]",
        b'"text"',
        b'{"agent-id":"CR_AGENT_1","agent-id":"ANOTHER"}',
        b"\xff\xfe{}",
        b"[" * 5000,
    ],
)
def test_an_ambiguous_message_is_refused(message: bytes) -> None:
    """Parsers disagree about duplicate members: some take the first and some the last."""
    assert find_refusal_code(sign_claims(message)) == "DRP_MESSAGE"


@given(st.integers(0, len(base64.b64decode(sign_claims())) - 1), st.integers(1, 255))
def test_a_changed_byte_invalidates_the_signature(offset: int, change: int) -> None:
    """Both in the signature and in the message."""
    raw = bytearray(base64.b64decode(sign_claims()))
    raw[offset] ^= change
    assert find_refusal_code(base64.b64encode(bytes(raw))) == "DRP_SIGNATURE"


@given(st.binary(max_size=200))
def test_an_arbitrary_body_is_refused_with_a_stable_code(body: bytes) -> None:
    """Any bytes give one of two codes."""
    assert find_refusal_code(body) in {"DRP_NOT_BASE64", "DRP_SIGNATURE"}


def test_every_refusal_except_a_premature_one_is_fatal() -> None:
    """Section 3.06: an agent may repeat a request whose error is not fatal."""
    assert set(FAILING_CHECKS) - FATAL == {"DRP_NOT_YET_ISSUED"}


def test_a_parsed_request_contains_only_identifiers_and_the_right() -> None:
    """The name and other members are dropped. The e-mail address is normalised for the lookup."""
    exercise = parse_exercise(CLAIMS)
    assert (exercise.right, exercise.regime, exercise.reference) == (Right.ERASURE, "ccpa", "0d0c2a3e")
    assert [(claim.identifier_type, claim.value.value, claim.is_verified) for claim in exercise.claims] == [
        ("email", "ada@example.org", True)
    ]
    assert "Ada" not in repr(exercise)
    assert "ada" not in repr(exercise)


@pytest.mark.parametrize("action", SUPPORTED)
def test_a_request_without_a_regime_is_accepted(action: str) -> None:
    """Section 3.01: the regime is optional. Such a request is voluntary."""
    claims = {name: value for name, value in CLAIMS.items() if name != "regime"}
    assert parse_exercise({**claims, "exercise": action}).regime is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"drp.version": "0.9.4"}, "DRP_VERSION"),
        ({"drp.version": 1.0}, "DRP_VERSION"),
        ({"exercise": "sale:opt_out"}, "DRP_EXERCISE"),  # the term of version 0.9
        ({"exercise": "sale:opt-in"}, "DRP_EXERCISE"),  # only the person can opt in
        ({"exercise": ["deletion"]}, "DRP_EXERCISE"),
        ({"regime": "gdpr"}, "DRP_REGIME"),
        ({"regime": ["ccpa"]}, "DRP_REGIME"),
        ({"regime": {"ccpa": True}}, "DRP_REGIME"),
        ({"relationships": "customer"}, "DRP_RELATIONSHIPS"),
        ({"agent-request-id": "ada@example.org"}, "DRP_REFERENCE"),
        ({"status_callback": 5}, "DRP_CALLBACK"),
        ({"email": "nobody"}, "DRP_IDENTITY"),
        ({"email": None}, "DRP_IDENTITY"),
        ({"email_verified": "true"}, "DRP_IDENTITY"),
        ({"phone_number": "0701"}, "DRP_IDENTITY"),
        ({"power_of_attorney": ""}, "DRP_MANDATE"),
    ],
)
def test_an_invalid_claim_is_refused_with_a_code_and_without_its_value(
    change: dict[str, Any], expected: str
) -> None:
    """The message does not contain the value."""
    with pytest.raises(BadRequest) as refused:
        parse_exercise({**CLAIMS, **change})
    assert refused.value.code == expected
    assert "ada" not in str(refused.value).lower()


@pytest.mark.parametrize(
    "key",
    ["", "AAAA", "%%%", base64.b64encode(bytes(32)).decode(), base64.b64encode(b"\x01" + bytes(31)).decode()],
)
def test_a_weak_verify_key_is_refused(key: str) -> None:
    """With a public key of small order one signature is valid for every message."""
    with pytest.raises(BadRequest) as refused:
        build_agent(AGENT, AgentKind.AGENT, "An agent", verify_key=key)
    assert refused.value.code == "AGENT_KEY"
