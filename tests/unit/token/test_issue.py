"""Issued tokens are accepted with the requested rights; no other tokens are issued."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.errors import BadRequest
from discretion.token.grant import SELF, Grant, Login
from discretion.token.issue import TokenIssuer
from discretion.token.keys import KeySet
from tests.fixtures.examples import scale_examples
from tests.unit.token.forged_tokens import (
    AUDIENCE,
    DAY,
    EC,
    ED,
    ISSUER,
    KEYS,
    NOW,
    PURPOSES,
    Clock,
    build_key_set,
    build_verifier,
    unb64,
)

SETTINGS = settings(derandomize=True, max_examples=scale_examples(150))
VALID_REQUEST: dict[str, Any] = {
    "client": "campaigns",
    "subject": "staff@shop.example",
    "scopes": (),
    "purposes": ("marketing.communications.email",),
}


def build_issuer(keys: KeySet = KEYS) -> TokenIssuer:
    """Return an issuer at NOW whose random bytes are a counter."""
    count = iter(range(2**20))
    is_known_purpose = frozenset(PURPOSES).__contains__
    return TokenIssuer(
        lambda: keys, ISSUER, AUDIENCE, Clock(), lambda size: next(count).to_bytes(size), is_known_purpose
    )


def issue_changed(**changes: Any) -> str:
    """Return a token for a valid request with changes."""
    return build_issuer().issue_token(**{**VALID_REQUEST, **changes})


names = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=40)
scopes = st.lists(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20), max_size=8
)
categories = st.none() | st.lists(names, max_size=8)


@given(names, names, scopes, st.lists(st.sampled_from(PURPOSES)), categories, st.integers(1, DAY))
@SETTINGS
def test_an_issued_token_grants_exactly_what_was_requested(
    client: str,
    subject: str,
    scopes: list[str],
    purposes: list[str],
    categories: list[str] | None,
    lifetime_s: int,
) -> None:
    """This holds for both algorithms; repeated names count once."""
    for key in (ED, EC):
        keys = build_key_set(key)
        text = build_issuer(keys).issue_token(
            client,
            subject,
            scopes,
            purposes,
            categories,
            lifetime_s=lifetime_s,
            login_type="user_id" if SELF in purposes else None,
        )
        assert build_verifier(keys).verify(text) == Grant(
            client,
            subject,
            frozenset(scopes),
            frozenset(purposes),
            None if categories is None else frozenset(categories),
            NOW + lifetime_s,
            "0" * 32,
            login=Login(ISSUER, "user_id", subject) if SELF in purposes else None,
        )


anything = st.text(max_size=30) | st.text("é a", max_size=600) | st.sampled_from(PURPOSES)


@given(
    anything,
    anything,
    st.lists(anything),
    st.lists(anything),
    st.none() | st.lists(anything),
    st.integers(),
    st.none() | anything,
)
@SETTINGS
def test_any_request_for_a_token_is_refused_or_accepted(
    client: str,
    subject: str,
    scopes: list[str],
    purposes: list[str],
    categories: list[str] | None,
    lifetime_s: int,
    login_type: str | None,
) -> None:
    """The issuer signs nothing that the verifier would refuse."""
    code = text = ""
    try:
        text = build_issuer().issue_token(
            client, subject, scopes, purposes, categories, lifetime_s=lifetime_s, login_type=login_type
        )
    except BadRequest as refusal:
        code = refusal.code
    assert code == "TOKEN_REQUEST_INVALID" or build_verifier().verify(text).purposes == frozenset(purposes)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("an unknown purpose", {"purposes": ["marketing.communications.pigeon"]}),
    ("a known and an unknown purpose", {"purposes": ["analytics", "Analytics"]}),
    ("a purpose with a space", {"purposes": ["analytics "]}),
    ("an empty purpose", {"purposes": [""]}),
    ("65 purposes", {"purposes": ["analytics"] * 65}),
    ("no client", {"client": ""}),
    ("a client of two lines", {"client": "a\nb"}),
    ("a client with a right-to-left override", {"client": "a\u202eb"}),
    ("a lone surrogate", {"client": "\ud800"}),
    ("no subject", {"subject": ""}),
    ("a subject too long", {"subject": "s" * 513}),
    ("a scope of two words", {"scopes": ["a b"]}),
    ("an empty scope", {"scopes": [""]}),
    ("a scope that is not ASCII", {"scopes": ["st\xe9ward"]}),
    ("scopes that are too long together", {"scopes": [f"{n}" * 100 for n in range(9)]}),
    ("an empty category", {"categories": [""]}),
    ("65 categories", {"categories": [f"c{n}" for n in range(65)]}),
    ("more than fits in a header", {"categories": [f"{n:0512}" for n in range(20)]}),
    ("a customer's own token without a login type", {"purposes": ["self"]}),
    ("a login type in the token of nobody's own", {"login_type": "user_id"}),
    ("a login type of two lines", {"purposes": ["self"], "login_type": "user\nid"}),
    ("a lifetime of zero", {"lifetime_s": 0}),
    ("a negative lifetime", {"lifetime_s": -1}),
    ("a lifetime longer than a day", {"lifetime_s": DAY + 1}),
]


@pytest.mark.parametrize(("case", "changes"), REFUSED, ids=[case for case, _ in REFUSED])
def test_a_token_that_would_be_refused_is_not_issued(case: str, changes: dict[str, Any]) -> None:
    """The request is refused with a code before a token is signed."""
    with pytest.raises(BadRequest) as refusal:
        issue_changed(**changes)
    assert refusal.value.code == "TOKEN_REQUEST_INVALID", case


def test_an_issued_token_follows_rfc_9068() -> None:
    """Header and claims have exactly the members that section 2 lists."""
    head, body = (json.loads(unb64(part)) for part in issue_changed(scopes=["steward", "x"]).split(".")[:2])
    assert head == {"alg": "EdDSA", "typ": "at+jwt", "kid": ED.kid}
    assert body == {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "staff@shop.example",
        "client_id": "campaigns",
        "scope": "steward x",
        "purposes": ["marketing.communications.email"],
        "iat": NOW,
        "exp": NOW + 3600,
        "jti": "0" * 32,
    }


def test_no_two_tokens_have_one_id() -> None:
    """A revocation names the id; it comes from the random bytes that the issuer receives."""
    issuer = build_issuer()
    ids = {build_verifier().verify(issuer.issue_token(**VALID_REQUEST)).token_id for _ in range(50)}
    assert len(ids) == 50


@pytest.mark.parametrize(
    ("scopes", "purposes", "is_self", "is_steward"),
    [
        ((), ("self",), True, False),
        (("steward",), ("analytics",), False, True),
        (("Steward",), (), False, False),
    ],
)
def test_a_grant_is_a_customers_by_purpose_and_a_stewards_by_scope(
    scopes: tuple[str, ...], purposes: tuple[str, ...], is_self: bool, is_steward: bool
) -> None:
    """The purpose ``self`` marks a customer's token, the scope ``steward`` a steward's."""
    login_type = "user_id" if is_self else None
    grant = build_verifier().verify(issue_changed(scopes=scopes, purposes=purposes, login_type=login_type))
    assert (grant.is_self, grant.is_steward) == (is_self, is_steward)
