"""The checks of a signed request, in the order of Data Rights Protocol 1.0, section 3.07."""

from __future__ import annotations

import base64
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.domain.agents.agent import Kind, agent
from discretion.edge.drp.protocol_terms import FATAL, SUPPORTED
from discretion.edge.drp.request_claims import exercise
from discretion.edge.drp.signed_request import LONGEST_MS, addressed, opened, timely, verified
from discretion.errors import BadRequest, DiscretionError
from discretion.law.jurisdiction import Right

AGENT, BUSINESS = "CR_AGENT_1", "LINDGREN_MOSS"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
ISSUED, EXPIRES = 1_767_225_600_000, 1_767_226_200_000  # 2026-01-01T00:00:00Z, ten minutes later
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


def signed(change: Any = None, key: Ed25519PrivateKey = KEY) -> bytes:
    """As libsodium's combined mode gives it, in base64."""
    message = change if isinstance(change, bytes) else orjson.dumps({**CLAIMS, **(change or {})})
    return base64.b64encode(key.sign(message) + message)


def checked(body: bytes, now_ms: int = ISSUED, business: str = BUSINESS) -> dict[str, Any]:
    """The claims, after all six."""
    claims = verified(opened(body), KEY.public_key())
    addressed(claims, AGENT, business)
    timely(claims, now_ms)
    return claims


def code(body: bytes, now_ms: int = ISSUED, business: str = BUSINESS) -> str:
    """Why a body is refused."""
    with pytest.raises(DiscretionError) as refused:
        checked(body, now_ms, business)
    return refused.value.code


def test_what_holds_is_read() -> None:
    """Every member, as it was signed; a newline at the end of the body is nobody's harm."""
    assert checked(signed()) == CLAIMS
    assert checked(signed() + b"\n") == CLAIMS


FAILING = {
    "DRP_NOT_BASE64": lambda: code(b"%" + signed()[1:]),
    "DRP_SIGNATURE": lambda: code(signed(key=OTHER)),
    "DRP_AGENT": lambda: code(signed({"agent-id": "ANOTHER"})),
    "DRP_BUSINESS": lambda: code(signed({"business-id": "ANOTHER"})),
    "DRP_NOT_YET_ISSUED": lambda: code(signed(), ISSUED - 1),
    "DRP_EXPIRED": lambda: code(signed(), EXPIRES + 1),
}


@pytest.mark.parametrize("expected", FAILING)
def test_each_check_fails_alone(expected: str) -> None:
    """With everything else as it should be."""
    assert FAILING[expected]() == expected


def test_of_two_that_fail_the_first_is_told() -> None:
    """From the last pair to the first: each check hides those after it."""
    late = EXPIRES + 1
    reversed_window = signed({"issued-at": "2026-01-02T00:00:00Z"})
    assert code(reversed_window, late) == "DRP_NOT_YET_ISSUED"
    assert code(signed({"business-id": "ANOTHER"}), ISSUED - 1) == "DRP_BUSINESS"
    assert code(signed({"agent-id": "ANOTHER", "business-id": "ANOTHER"}), late) == "DRP_AGENT"
    assert code(signed({"agent-id": "ANOTHER"}, OTHER), late) == "DRP_SIGNATURE"
    assert code(signed(b"no JSON", key=OTHER)) == "DRP_SIGNATURE"
    assert code(b"%" + signed(key=OTHER)[1:], late) == "DRP_NOT_BASE64"


@pytest.mark.parametrize("now_ms", [ISSUED, ISSUED + 1, EXPIRES - 1, EXPIRES])
def test_both_edges_of_the_window_are_in_it(now_ms: int) -> None:
    """To the millisecond; a millisecond beyond either is out."""
    assert checked(signed(), now_ms)


@pytest.mark.parametrize("name", ["issued-at", "expires-at"])
@pytest.mark.parametrize("time", [None, "", "soon", 1_767_225_600, "2026-13-01T00:00:00Z", ["2026-01-01"]])
def test_a_time_that_is_none_is_never_in_time(name: str, time: Any) -> None:
    """Fail closed, with a code for each of the two."""
    expected = {"issued-at": "DRP_ISSUED_AT", "expires-at": "DRP_EXPIRES_AT"}[name]
    assert code(signed({name: time})) == expected


def test_a_request_holds_for_a_day_at_most() -> None:
    """For so long it is remembered, so that it is not heard twice."""
    assert LONGEST_MS == 24 * 3600 * 1000
    assert checked(signed({"expires-at": "2026-01-02T00:00:00Z"}))
    assert code(signed({"expires-at": "2026-01-02T00:00:00.001Z"})) == "DRP_EXPIRES_AT"


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
def test_what_is_signed_can_be_read_in_one_way_only(message: bytes) -> None:
    """A parser that takes the first of two members and one that takes the last would see two requests."""
    assert code(signed(message)) == "DRP_MESSAGE"


@settings(deadline=None)
@given(st.integers(0, len(base64.b64decode(signed())) - 1), st.integers(1, 255))
def test_a_changed_byte_is_never_signed(place: int, change: int) -> None:
    """Wherever it is: in the signature or in the message."""
    raw = bytearray(base64.b64decode(signed()))
    raw[place] ^= change
    assert code(base64.b64encode(bytes(raw))) == "DRP_SIGNATURE"


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_body_is_more_than_refused(body: bytes) -> None:
    """Whatever bytes come, the answer is one of ours."""
    assert code(body) in {"DRP_NOT_BASE64", "DRP_SIGNATURE"}


def test_what_can_never_hold_is_fatal_and_an_early_one_may_come_again() -> None:
    """Section 3.06: whatever is not fatal is taken for something to try again."""
    assert set(FAILING) - FATAL == {"DRP_NOT_YET_ISSUED"}


def test_only_the_person_ids_and_the_right_are_kept() -> None:
    """Name and hints are left; the address is folded, so that it is found."""
    asked = exercise(CLAIMS)
    assert (asked.right, asked.regime, asked.reference) == (Right.ERASURE, "ccpa", "0d0c2a3e")
    assert [(one.kind, one.value.value, one.vouched) for one in asked.claims] == [
        ("email", "ada@example.org", True)
    ]
    assert "Ada" not in repr(asked)
    assert "ada" not in repr(asked)


@pytest.mark.parametrize("action", SUPPORTED)
def test_a_request_without_a_regime_is_a_favour(action: str) -> None:
    """Section 3.01: voluntary, and read all the same."""
    claims = {name: value for name, value in CLAIMS.items() if name != "regime"}
    assert exercise({**claims, "exercise": action}).regime is None


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"drp.version": "0.9.4"}, "DRP_VERSION"),
        ({"drp.version": 1.0}, "DRP_VERSION"),
        ({"exercise": "sale:opt_out"}, "DRP_EXERCISE"),  # the word of 0.9
        ({"exercise": "sale:opt-in"}, "DRP_EXERCISE"),  # only the person can say it
        ({"exercise": ["deletion"]}, "DRP_EXERCISE"),
        ({"regime": "gdpr"}, "DRP_REGIME"),
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
def test_a_claim_that_does_not_fit_is_told_by_its_name(change: dict[str, Any], expected: str) -> None:
    """And never by its value."""
    with pytest.raises(BadRequest) as refused:
        exercise({**CLAIMS, **change})
    assert refused.value.code == expected
    assert "ada" not in str(refused.value).lower()


@pytest.mark.parametrize(
    "key",
    ["", "AAAA", "%%%", base64.b64encode(bytes(32)).decode(), base64.b64encode(b"\x01" + bytes(31)).decode()],
)
def test_no_agent_has_a_key_that_everybody_can_sign_with(key: str) -> None:
    """Under a point of small order one signature is good for every message."""
    with pytest.raises(BadRequest) as refused:
        agent(AGENT, Kind.AGENT, "An agent", verify_key=key)
    assert refused.value.code == "AGENT_KEY"
