"""A message asserts how certain its identifiers are, never more than its source may."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.catalogue.assurance import Assurance
from tests.unit.domain.ingest.messages import build_fact

CLAIMED, PRESENTED, PROVEN = Assurance.CLAIMED, Assurance.PRESENTED, Assurance.PROVEN


def read_assurances(source: str, **members: Any) -> dict[str, Assurance]:
    """Return the strongest assurance by identifier type in a message."""
    assurances: dict[str, Assurance] = {}
    for identifier in build_fact(source, **members).identifiers:
        before = assurances.get(identifier.type, identifier.assurance)
        assurances[identifier.type] = min(before, identifier.assurance)
    return assurances


def list_lowered(source: str, **members: Any) -> list[tuple[str, str]]:
    """Return place and code of what was left out of a message."""
    return [(part.place, part.code) for part in build_fact(source, **members).left_out]


@pytest.mark.parametrize(
    ("source", "members", "expected"),
    [
        ("web-shop", {"userId": "w-1"}, {"user_id": PROVEN}),
        ("web-shop", {"userId": "w-1", "anonymousId": "c-1"}, {"user_id": PROVEN, "cookie": PRESENTED}),
        ("tills", {"userId": "L-1"}, {"loyalty_id": PRESENTED}),
        ("ios-app", {"userId": "w-1", "context": {"device": {"id": "d-1"}}}, {"device_id": PRESENTED}),
        ("web-shop", {"userId": "w-1", "traits": {"email": "a@b.example"}}, {"email": CLAIMED}),
        (
            "web-shop",
            {"userId": "w-1", "traits": {"email": "a@b.example", "emailVerified": True}},
            {"email": PROVEN},
        ),
        (
            "web-shop",
            {"userId": "w-1", "traits": {"email": "a@b.example", "emailVerified": False}},
            {"email": CLAIMED},
        ),
        (
            "web-shop",
            {"userId": "w-1", "traits": {"phone": "+4930123456", "phoneVerified": True}},
            {"phone": PROVEN},
        ),
        (
            "web-shop",
            {"type": "alias", "userId": "w-1", "previousId": "c-1"},
            {"user_id": PROVEN, "cookie": PRESENTED},
        ),
    ],
)
def test_members_imply_an_assurance(
    source: str, members: dict[str, Any], expected: dict[str, Assurance]
) -> None:
    """A login is proven, a browser or a card presented, a typed address claimed until it is verified."""
    members = {"type": "identify", **members}
    assert expected.items() <= read_assurances(source, **members).items()
    assert list_lowered(source, **members) == []


@pytest.mark.parametrize(
    ("assertion", "assurance"),
    [
        ({}, CLAIMED),
        ({"assurance": "claimed"}, CLAIMED),
        ({"assurance": "presented"}, PRESENTED),
        ({"assurance": "proven"}, PROVEN),
    ],
)
def test_an_external_id_counts_as_it_is_asserted(assertion: dict[str, Any], assurance: Assurance) -> None:
    """An account that confirmed a card says so; without an assertion it is a claim."""
    context = {"externalIds": [{"id": "L-1", "type": "loyalty_id", **assertion}]}
    assert read_assurances("web-shop", userId="w-1", context=context)["loyalty_id"] is assurance
    assert list_lowered("web-shop", userId="w-1", context=context) == []


@pytest.mark.parametrize(
    ("source", "identifier_type", "assertion", "assurance"),
    [
        ("tills", "loyalty_id", "proven", PRESENTED),
        ("tills", "email", "proven", CLAIMED),
        ("web-shop", "cookie", "proven", PRESENTED),
        ("web-shop", "email", "PROVEN", CLAIMED),
        ("web-shop", "email", True, CLAIMED),
    ],
)
def test_an_assertion_beyond_the_source_is_lowered_and_named(
    source: str, identifier_type: str, assertion: object, assurance: Assurance
) -> None:
    """The message is accepted, and its answer says what does not count."""
    external_id = {"id": "till@post.example", "type": identifier_type, "assurance": assertion}
    external_id["id"] = "ann@post.example" if identifier_type == "email" else "X-1"
    members = {"userId": "u-1", "context": {"externalIds": [external_id]}}
    assert read_assurances(source, **members)[identifier_type] is assurance
    assert list_lowered(source, **members) == [("context.externalIds.0.assurance", "ASSURANCE_LOWERED")]


def test_a_source_that_cannot_verify_an_address_is_named() -> None:
    """The address of a till stays a claim, whatever the till says."""
    members = {"userId": "L-1", "traits": {"email": "ann@post.example", "emailVerified": True}}
    assert read_assurances("tills", **members)["email"] is CLAIMED
    assert list_lowered("tills", **members) == [("traits.emailVerified", "ASSURANCE_LOWERED")]
