"""What the claims of a signed token must be: a table, and the edges of time to the second."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.errors import Unauthenticated
from discretion.token.grant import Grant
from tests.unit.token.forged_tokens import (
    AUDIENCE,
    DAY,
    ED,
    GONE,
    ISSUER,
    LEEWAY,
    NOW,
    STRANGER,
    Clock,
    claims,
    header,
    outcome,
    signed,
    token,
    verifier,
)

VERIFIER = verifier()
FAR = NOW + 2**40
NO_TEXT: list[Any] = [
    GONE,
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
NO_TIME: list[Any] = [GONE, None, str(NOW), True, float(NOW), -1, 2**53, 10**400, [NOW], {}]
NO_LIST: list[Any] = [
    *(None, "analytics", "", 1, True, {"analytics": 1}, [None], [1], [True], [["analytics"]], [{}]),
    *([""], ["analytics", "analytics"], ["x" * 513], ["a\n"], ["\ud800"], [f"a{n}" for n in range(65)]),
]


def shown(value: object) -> str:
    """A value, short enough for a test's name."""
    text = "left out" if value is GONE else ascii(value)
    return text if len(text) < 40 else f"{text[:30]}... ({len(text)})"


CLAIMS = [
    *((f"{name}: {shown(v)}", {name: v}) for name in ("iss", "sub", "client_id", "jti") for v in NO_TEXT),
    *((f"{name}: {shown(v)}", {name: v}) for name in ("exp", "iat") for v in NO_TIME),
    *((f"nbf: {shown(v)}", {"nbf": v}) for v in NO_TIME if v is not GONE),
    *(
        (f"aud: {shown(v)}", {"aud": v})
        for v in (GONE, None, [], 1, True, {AUDIENCE: 1}, [AUDIENCE, 1], [None])
    ),
    ("aud: 65 of them", {"aud": [AUDIENCE] * 65}),
    *((f"purposes: {shown(v)}", {"purposes": v}) for v in (GONE, *NO_LIST)),
    *((f"categories: {shown(v)}", {"categories": v}) for v in NO_LIST),
    *(
        (f"scope: {shown(v)}", {"scope": v})
        for v in (GONE, None, 1, ["steward"], {}, "s" * 513, "a\tb", "st\xe9", "a\0")
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
    ("held a second longer than a day", {"exp": NOW + DAY + 1}),
    ("held for ages", {"exp": FAR}),
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
        (f"aud {shown(value)} is not for us", {"aud": value}, "TOKEN_AUDIENCE")
        for value in ("", "discretio", "Discretion", "discretion ", "https://discretion", ["a", "b"], [""])
    ),
    ("expired for an hour", {"iat": NOW - 7200, "exp": NOW - 3600}, "TOKEN_EXPIRED"),
    ("expired in 1970", {"iat": 0, "exp": 0}, "TOKEN_EXPIRED"),
    ("begins in an hour", {"nbf": NOW + 3600, "exp": NOW + 7200}, "TOKEN_NOT_YET_VALID"),
    ("issued in an hour", {"iat": NOW + 3600, "exp": NOW + 7200}, "TOKEN_NOT_YET_VALID"),
    (
        "issued in an hour, said to begin before",
        {"iat": NOW + 3600, "nbf": 0, "exp": NOW + 7200},
        "TOKEN_NOT_YET_VALID",
    ),
]
TABLE = [*((law, changes, "TOKEN_CLAIMS") for law, changes in CLAIMS), *OTHERS]


@pytest.mark.parametrize(("law", "changes", "code"), TABLE, ids=[law for law, _, _ in TABLE])
def test_a_claim_that_is_not_as_it_must_be_is_refused(law: str, changes: dict[str, Any], code: str) -> None:
    """Our own signature does not excuse it: each claim is required, with its type and its bounds."""
    with pytest.raises(Unauthenticated) as refused:
        VERIFIER.verify(token(**changes))
    assert refused.value.code == code, law
    assert refused.value.message.isascii()
    assert len(refused.value.message) < 200


HELD: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("aud: one of several", {"aud": ["another", AUDIENCE]}, {}),
    ("aud: a list of one", {"aud": [AUDIENCE]}, {}),
    ("no purpose at all", {"purposes": []}, {"purposes": frozenset()}),
    (
        "a purpose that has others below it",
        {"purposes": ["marketing"]},
        {"purposes": frozenset({"marketing"})},
    ),
    ("several purposes", {"purposes": ["self", "analytics"]}, {"purposes": frozenset({"self", "analytics"})}),
    ("categories left out: not narrowed", {}, {"categories": None}),
    ("categories empty: narrowed to nothing", {"categories": []}, {"categories": frozenset()}),
    ("categories", {"categories": ["user.contact"]}, {"categories": frozenset({"user.contact"})}),
    ("no scope", {"scope": ""}, {"scopes": frozenset()}),
    ("a scope", {"scope": "steward"}, {"scopes": frozenset({"steward"})}),
    ("scopes, and stray spaces", {"scope": " a  b a "}, {"scopes": frozenset({"a", "b"})}),
    ("a name that is not ASCII", {"sub": "Zo\xeb"}, {"subject": "Zo\xeb"}),
    ("a name of 512 characters", {"client_id": "c" * 512}, {"client": "c" * 512}),
    ("held for exactly a day", {"exp": NOW + DAY}, {"expires": NOW + DAY}),
]


@pytest.mark.parametrize(("law", "changes", "granted"), HELD, ids=[law for law, _, _ in HELD])
def test_a_grant_is_what_the_claims_say(law: str, changes: dict[str, Any], granted: dict[str, Any]) -> None:
    """Nothing is added and nothing is lost between a token and its grant."""
    grant = VERIFIER.verify(token(**changes))
    usual: dict[str, Any] = {
        "client": "campaigns",
        "subject": "staff@shop.example",
        "scopes": frozenset(),
        "purposes": frozenset({"marketing.communications.email"}),
        "categories": None,
        "expires": NOW + 600,
        "token_id": "0123456789abcdef",
    }
    assert grant == Grant(**{**usual, **granted}), law


EDGES = [
    # claims, ms from NOW at which it first holds, ms from NOW at which it no longer does
    ({"exp": NOW + 600}, -LEEWAY * 1000, (600 + LEEWAY) * 1000),
    ({"exp": NOW + 1}, -LEEWAY * 1000, (1 + LEEWAY) * 1000),
    ({"nbf": NOW + 60}, (60 - LEEWAY) * 1000, (600 + LEEWAY) * 1000),
    ({"nbf": NOW - 60}, -LEEWAY * 1000, (600 + LEEWAY) * 1000),
    ({"iat": NOW - 60, "nbf": NOW - 30}, (-30 - LEEWAY) * 1000, (600 + LEEWAY) * 1000),
    ({"iat": NOW - 60}, (-60 - LEEWAY) * 1000, (600 + LEEWAY) * 1000),
]


@pytest.mark.parametrize(("changes", "first", "last"), EDGES)
def test_the_leeway_is_exact_at_both_ends(changes: dict[str, Any], first: int, last: int) -> None:
    """From five seconds before it begins until, and not at, five seconds after it expires."""
    text = token(**changes)
    for ms, expected in (
        (first - 1, "TOKEN_NOT_YET_VALID"),
        (first, None),
        (last - 1, None),
        (last, "TOKEN_EXPIRED"),
    ):
        met = outcome(verifier(clock=Clock(NOW * 1000 + ms)), text)
        assert (met if isinstance(met, str) else None) == expected, ms


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
CHANGES = st.dictionaries(st.sampled_from(sorted({*claims(), "nbf", "categories", "act"})), JSON, max_size=4)


@given(CHANGES)
@settings(derandomize=True, deadline=None, max_examples=300)
def test_whatever_the_claims_are_there_is_a_grant_or_a_refusal(changes: dict[str, Any]) -> None:
    """No claim makes the verifier stumble, and a grant never says more than its claims."""
    met = outcome(VERIFIER, token(**changes))
    said = claims(**changes)
    if isinstance(met, Grant):
        assert (met.client, met.subject, met.token_id) == (said["client_id"], said["sub"], said["jti"])
        assert sorted(met.purposes) == sorted(said["purposes"])
        assert met.scopes <= set(said["scope"].split())
    else:
        assert met.startswith("TOKEN_")


@given(CHANGES)
@settings(derandomize=True, deadline=None, max_examples=150)
def test_who_cannot_sign_learns_nothing_about_claims(changes: dict[str, Any]) -> None:
    """Claims are judged after the signature, so a forger hears the same whatever is claimed."""
    forged = signed(header(), claims(**changes), STRANGER.sign)
    assert outcome(VERIFIER, forged) == "TOKEN_SIGNATURE"
    assert ED.kid != STRANGER.kid
