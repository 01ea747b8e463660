"""The claims of a signed token, as a table of invalid claims, and its validity to the millisecond."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.errors import Unauthenticated
from discretion.token.grant import Grant, Login
from tests.fixtures.examples import scale_examples
from tests.unit.token.forged_tokens import (
    AUDIENCE,
    DAY,
    ED,
    ISSUER,
    LEEWAY,
    LEFT_OUT,
    NOW,
    STRANGER,
    Clock,
    build_claims,
    build_header,
    build_token,
    build_verifier,
    read_outcome,
    sign_token,
)

VERIFIER = build_verifier()
FAR_FUTURE = NOW + 2**40
INVALID_TEXTS: list[Any] = [
    LEFT_OUT,
    None,
    "",
    1,
    True,
    ["x"],
    {"x": 1},
    "x" * 513,
    "a\nb",
    "a\x00",
    "\ud800",
    "\u202eb",
]
INVALID_TIMES: list[Any] = [LEFT_OUT, None, str(NOW), True, float(NOW), -1, 2**53, 10**400, [NOW], {}]
INVALID_LISTS: list[Any] = [
    *(None, "analytics", "", 1, True, {"analytics": 1}, [None], [1], [True], [["analytics"]], [{}]),
    *([""], ["analytics", "analytics"], ["x" * 513], ["a\n"], ["\ud800"], [f"a{n}" for n in range(65)]),
]


def describe(value: object) -> str:
    """Return a value as text that is short enough for the name of a test."""
    text = "left out" if value is LEFT_OUT else ascii(value)
    return text if len(text) < 40 else f"{text[:30]}... ({len(text)})"


CLAIMS = [
    *(
        (f"{name}: {describe(value)}", {name: value})
        for name in ("iss", "sub", "client_id", "jti")
        for value in INVALID_TEXTS
    ),
    *((f"{name}: {describe(value)}", {name: value}) for name in ("exp", "iat") for value in INVALID_TIMES),
    *((f"nbf: {describe(value)}", {"nbf": value}) for value in INVALID_TIMES if value is not LEFT_OUT),
    *(
        (f"aud: {describe(value)}", {"aud": value})
        for value in (LEFT_OUT, None, [], 1, True, {AUDIENCE: 1}, [AUDIENCE, 1], [None])
    ),
    *(
        (f"login_type: {describe(value)}", {"purposes": ["self"], "login_type": value})
        for value in INVALID_TEXTS
    ),
    ("aud: 65 of them", {"aud": [AUDIENCE] * 65}),
    *((f"purposes: {describe(value)}", {"purposes": value}) for value in (LEFT_OUT, *INVALID_LISTS)),
    *((f"categories: {describe(value)}", {"categories": value}) for value in INVALID_LISTS),
    *(
        (f"scope: {describe(value)}", {"scope": value})
        for value in (LEFT_OUT, None, 1, ["steward"], {}, "s" * 513, "a\tb", "st\xe9", "a\0")
    ),
    *(
        (f"the catalogue has no purpose {name!r}", {"purposes": ["analytics", name]})
        for name in (
            *(
                "marketing.communications.pigeon",
                "marketing.communications",
                "market",
                "marketing.",
                ".marketing",
            ),
            *("Marketing", "marketing ", "*", "marketing.*", "\uff4darketing", "self.self", "essential"),
        )
    ),
    ("valid a second longer than a day", {"exp": NOW + DAY + 1}),
    ("valid for very long", {"exp": FAR_FUTURE}),
    ("expires before it is issued", {"iat": NOW + 4, "exp": NOW - 4}),
    ("expires the second it is issued", {"exp": NOW}),
    ("expires before it begins", {"nbf": NOW + 4, "exp": NOW + 3}),
]
OTHERS = [
    *(
        (f"iss {text!r} is not {ISSUER!r}", {"iss": text}, "TOKEN_ISSUER")
        for text in (
            ISSUER + "/",
            ISSUER[:-1],
            ISSUER.upper(),
            "http" + ISSUER[5:],
            ISSUER.replace("a", "\u0430"),
        )
    ),
    *(
        (f"aud {describe(value)} is not for us", {"aud": value}, "TOKEN_AUDIENCE")
        for value in ("", "discretio", "Discretion", "discretion ", "https://discretion", ["a", "b"], [""])
    ),
    ("expired for an hour", {"iat": NOW - 7200, "exp": NOW - 3600}, "TOKEN_EXPIRED"),
    ("expired in 1970", {"iat": 0, "exp": 0}, "TOKEN_EXPIRED"),
    ("begins in an hour", {"nbf": NOW + 3600, "exp": NOW + 7200}, "TOKEN_NOT_YET_VALID"),
    ("issued in an hour", {"iat": NOW + 3600, "exp": NOW + 7200}, "TOKEN_NOT_YET_VALID"),
    (
        "issued in an hour, but valid earlier",
        {"iat": NOW + 3600, "nbf": 0, "exp": NOW + 7200},
        "TOKEN_NOT_YET_VALID",
    ),
]
TABLE = [*((case, changes, "TOKEN_CLAIMS") for case, changes in CLAIMS), *OTHERS]


@pytest.mark.parametrize(("case", "changes", "code"), TABLE, ids=[case for case, _, _ in TABLE])
def test_an_invalid_claim_is_refused_with_its_code(case: str, changes: dict[str, Any], code: str) -> None:
    """A valid signature is not enough: each claim is required, with its type and its limits."""
    with pytest.raises(Unauthenticated) as refusal:
        VERIFIER.verify(build_token(**changes))
    assert refusal.value.code == code, case
    assert refusal.value.message.isascii()
    assert len(refusal.value.message) < 200


ACCEPTED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("aud: one of several", {"aud": ["another", AUDIENCE]}, {}),
    ("aud: a list of one", {"aud": [AUDIENCE]}, {}),
    ("no purpose at all", {"purposes": []}, {"purposes": frozenset()}),
    (
        "a purpose that has others below it",
        {"purposes": ["marketing"]},
        {"purposes": frozenset({"marketing"})},
    ),
    (
        "several purposes",
        {"purposes": ["marketing", "analytics"]},
        {"purposes": frozenset({"marketing", "analytics"})},
    ),
    (
        "a customer's own",
        {"purposes": ["self"], "sub": "a-17", "login_type": "user_id"},
        {"purposes": frozenset({"self"}), "subject": "a-17", "login": Login(ISSUER, "user_id", "a-17")},
    ),
    ("a login type without the purpose self", {"login_type": "user_id"}, {"login": None}),
    ("categories left out: not narrowed", {}, {"categories": None}),
    ("categories empty: narrowed to nothing", {"categories": []}, {"categories": frozenset()}),
    ("categories", {"categories": ["user.contact"]}, {"categories": frozenset({"user.contact"})}),
    ("no scope", {"scope": ""}, {"scopes": frozenset()}),
    ("a scope", {"scope": "steward"}, {"scopes": frozenset({"steward"})}),
    ("scopes, and stray spaces", {"scope": " a  b a "}, {"scopes": frozenset({"a", "b"})}),
    ("a name that is not ASCII", {"sub": "Zo\xeb"}, {"subject": "Zo\xeb"}),
    ("a name of 512 characters", {"client_id": "c" * 512}, {"client": "c" * 512}),
    ("valid for exactly a day", {"exp": NOW + DAY}, {"expires": NOW + DAY}),
]


@pytest.mark.parametrize(("case", "changes", "granted"), ACCEPTED, ids=[case for case, _, _ in ACCEPTED])
def test_a_grant_equals_the_claims(case: str, changes: dict[str, Any], granted: dict[str, Any]) -> None:
    """A grant has neither more nor less than the claims of its token."""
    grant = VERIFIER.verify(build_token(**changes))
    defaults: dict[str, Any] = {
        "client": "campaigns",
        "subject": "staff@shop.example",
        "scopes": frozenset(),
        "purposes": frozenset({"marketing.communications.email"}),
        "categories": None,
        "expires": NOW + 600,
        "token_id": "0123456789abcdef",
    }
    assert grant == Grant(**{**defaults, **granted}), case


VALIDITY_EDGES = [
    # claims, ms from NOW at which the token becomes valid, ms from NOW at which it has expired
    ({"exp": NOW + 600}, -LEEWAY * 1000, (600 + LEEWAY) * 1000),
    ({"exp": NOW + 1}, -LEEWAY * 1000, (1 + LEEWAY) * 1000),
    ({"nbf": NOW + 60}, (60 - LEEWAY) * 1000, (600 + LEEWAY) * 1000),
    ({"nbf": NOW - 60}, -LEEWAY * 1000, (600 + LEEWAY) * 1000),
    ({"iat": NOW - 60, "nbf": NOW - 30}, (-30 - LEEWAY) * 1000, (600 + LEEWAY) * 1000),
    ({"iat": NOW - 60}, (-60 - LEEWAY) * 1000, (600 + LEEWAY) * 1000),
]


@pytest.mark.parametrize(("changes", "valid_from_ms", "valid_until_ms"), VALIDITY_EDGES)
def test_the_leeway_is_exact_at_both_ends(
    changes: dict[str, Any], valid_from_ms: int, valid_until_ms: int
) -> None:
    """A token is valid from five seconds before its start until before five seconds after its end."""
    text = build_token(**changes)
    for ms, expected in (
        (valid_from_ms - 1, "TOKEN_NOT_YET_VALID"),
        (valid_from_ms, None),
        (valid_until_ms - 1, None),
        (valid_until_ms, "TOKEN_EXPIRED"),
    ):
        result = read_outcome(build_verifier(clock=Clock(NOW * 1000 + ms)), text)
        assert (result if isinstance(result, str) else None) == expected, ms


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CHANGES = st.dictionaries(
    st.sampled_from(sorted({*build_claims(), "nbf", "categories", "act"})), JSON_VALUES, max_size=4
)


@given(CHANGES)
@settings(derandomize=True, max_examples=scale_examples(300))
def test_any_claims_give_a_grant_or_a_refusal(changes: dict[str, Any]) -> None:
    """No claim makes the verifier fail, and a grant never has more than its claims."""
    result = read_outcome(VERIFIER, build_token(**changes))
    sent_claims = build_claims(**changes)
    if isinstance(result, Grant):
        assert (result.client, result.subject, result.token_id) == (
            sent_claims["client_id"],
            sent_claims["sub"],
            sent_claims["jti"],
        )
        assert sorted(result.purposes) == sorted(sent_claims["purposes"])
        assert result.scopes <= set(sent_claims["scope"].split())
    else:
        assert result.startswith("TOKEN_")


@given(CHANGES)
@settings(derandomize=True, max_examples=scale_examples(150))
def test_a_forger_learns_nothing_about_claims(changes: dict[str, Any]) -> None:
    """Claims are checked after the signature, so every forgery gets the same refusal."""
    forged = sign_token(build_header(), build_claims(**changes), STRANGER.sign)
    assert read_outcome(VERIFIER, forged) == "TOKEN_SIGNATURE"
    assert ED.kid != STRANGER.kid


@pytest.mark.parametrize(
    ("authenticated", "is_fresh"),
    [(None, False), (NOW, True), (NOW - 600, True), (NOW - 601, False), (NOW + 1, False), (0, False)],
)
def test_a_login_is_fresh_for_ten_minutes(authenticated: int | None, is_fresh: bool) -> None:
    """A token that does not say when its subject logged in shows no fresh login."""
    claims = {} if authenticated is None else {"auth_time": authenticated}
    assert VERIFIER.verify(build_token(**claims)).has_fresh_login(NOW * 1000) is is_fresh
