"""What is issued is accepted, as it was asked for; what would not be accepted is not issued."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.errors import BadRequest
from discretion.token.grant import Grant
from discretion.token.issue import Issuer
from discretion.token.keys import KeySet
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
    key_set,
    unb64,
    verifier,
)

LAW = settings(derandomize=True, deadline=None, max_examples=150)
GOOD: dict[str, Any] = {
    "client": "campaigns",
    "subject": "staff@shop.example",
    "scopes": (),
    "purposes": ("marketing.communications.email",),
}


def issuer(keys: KeySet = KEYS) -> Issuer:
    """An issuer at NOW, whose chance is not."""
    count = iter(range(2**20))
    known = frozenset(PURPOSES).__contains__
    return Issuer(keys, ISSUER, AUDIENCE, Clock(), lambda n: next(count).to_bytes(n), known)


def issued(**changes: Any) -> str:
    """A token that is asked for in a good way, changed."""
    return issuer().issue(**{**GOOD, **changes})


names = st.text(st.characters(exclude_categories=["C", "Z"]) | st.just(" "), min_size=1, max_size=40)
scopes = st.lists(
    st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=1, max_size=20), max_size=8
)
categories = st.none() | st.lists(names, max_size=8)


@given(names, names, scopes, st.lists(st.sampled_from(PURPOSES)), categories, st.integers(1, DAY))
@LAW
def test_what_is_issued_is_granted_word_for_word(
    client: str, subject: str, scopes: list[str], purposes: list[str], categories: list[str] | None, life: int
) -> None:
    """Under either algorithm; repeated names count once."""
    for key in (ED, EC):
        keys = key_set(key)
        text = issuer(keys).issue(client, subject, scopes, purposes, categories, lifetime_s=life)
        assert verifier(keys).verify(text) == Grant(
            client,
            subject,
            frozenset(scopes),
            frozenset(purposes),
            None if categories is None else frozenset(categories),
            NOW + life,
            "0" * 32,
        )


anything = st.text(max_size=30) | st.text("é a", max_size=600) | st.sampled_from(PURPOSES)


@given(
    anything, anything, st.lists(anything), st.lists(anything), st.none() | st.lists(anything), st.integers()
)
@LAW
def test_whatever_is_asked_for_is_refused_with_a_code_or_accepted(
    client: str, subject: str, scopes: list[str], purposes: list[str], categories: list[str] | None, life: int
) -> None:
    """The issuer signs nothing that the verifier would not take."""
    code = text = ""
    try:
        text = issuer().issue(client, subject, scopes, purposes, categories, lifetime_s=life)
    except BadRequest as refused:
        code = refused.code
    assert code == "TOKEN_REQUEST_INVALID" or verifier().verify(text).purposes == frozenset(purposes)


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("a purpose nobody knows", {"purposes": ["marketing.communications.pigeon"]}),
    ("a known and an unknown purpose", {"purposes": ["analytics", "Analytics"]}),
    ("a purpose with a space", {"purposes": ["analytics "]}),
    ("an empty purpose", {"purposes": [""]}),
    ("65 purposes", {"purposes": ["analytics"] * 65}),
    ("no client", {"client": ""}),
    ("a client of two lines", {"client": "a\nb"}),
    ("a client whose name turns around", {"client": "a\u202eb"}),
    ("half a character", {"client": "\ud800"}),
    ("no subject", {"subject": ""}),
    ("a subject too long", {"subject": "s" * 513}),
    ("a scope of two words", {"scopes": ["a b"]}),
    ("an empty scope", {"scopes": [""]}),
    ("a scope that is not ASCII", {"scopes": ["st\xe9ward"]}),
    ("scopes that are too long together", {"scopes": [f"{n}" * 100 for n in range(9)]}),
    ("an empty category", {"categories": [""]}),
    ("65 categories", {"categories": [f"c{n}" for n in range(65)]}),
    ("more than fits in a header", {"categories": [f"{n:0512}" for n in range(20)]}),
    ("a life of nothing", {"lifetime_s": 0}),
    ("a life that is over", {"lifetime_s": -1}),
    ("a life longer than a day", {"lifetime_s": DAY + 1}),
]


@pytest.mark.parametrize(("law", "changes"), REFUSED, ids=[law for law, _ in REFUSED])
def test_what_would_not_be_accepted_is_not_issued(law: str, changes: dict[str, Any]) -> None:
    """With a code, and before anything is signed."""
    with pytest.raises(BadRequest) as refused:
        issued(**changes)
    assert refused.value.code == "TOKEN_REQUEST_INVALID", law


def test_an_issued_token_is_of_rfc_9068() -> None:
    """Header and claims, member by member, as the standard lists them (section 2)."""
    head, body = (json.loads(unb64(part)) for part in issued(scopes=["steward", "x"]).split(".")[:2])
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
    """The id is what a revocation names; it comes from the entropy handed in."""
    one = issuer()
    ids = {verifier().verify(one.issue(**GOOD)).token_id for _ in range(50)}
    assert len(ids) == 50


@pytest.mark.parametrize(
    ("scopes", "purposes", "own", "steward"),
    [
        ((), ("self",), True, False),
        (("steward",), ("analytics",), False, True),
        (("Steward",), (), False, False),
    ],
)
def test_a_grant_knows_whose_it_is(
    scopes: tuple[str, ...], purposes: tuple[str, ...], own: bool, steward: bool
) -> None:
    """A customer's own by its purpose, a steward's by its scope, and neither by resemblance."""
    grant = verifier().verify(issued(scopes=scopes, purposes=purposes))
    assert (grant.is_self, grant.is_steward) == (own, steward)
