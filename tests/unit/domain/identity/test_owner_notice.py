"""The owners of two logins are informed before these are joined on what one of them only claims."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from discretion.catalogue.assurance import Assurance
from discretion.domain.identity.owner_notice import needs_owner_notice
from discretion.store.source_record import RecordIdentifier, SourceRecord, StatedPeriod
from tests.fixtures.platform import read_shipped_catalogue

TYPES = read_shipped_catalogue().identifiers
PROVEN, PRESENTED, CLAIMED = Assurance.PROVEN, Assurance.PRESENTED, Assurance.CLAIMED
Mention = tuple[str, bytes, Assurance]


def build_customer(name: bytes, number: Assurance | None, *mentions: Mention) -> list[SourceRecord]:
    """Return a customer with a number of their own, if any, and these mentions."""
    own: list[Mention] = [] if number is None else [("user_id", name, number)]
    identifiers = tuple(
        RecordIdentifier(entry, key, {assurance: 1}, b"") for key, entry, assurance in (*own, *mentions)
    )
    return [SourceRecord(b"r", "web-shop", b"c", 1, 1, 1, 1, identifiers=identifiers)]


SHARED = b"shared"


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ((PROVEN, PROVEN), (PROVEN, CLAIMED), True),
        ((PROVEN, CLAIMED), (PROVEN, CLAIMED), True),
        ((PROVEN, PRESENTED), (PROVEN, CLAIMED), True),
        ((PROVEN, PROVEN), (PROVEN, PROVEN), False),
        ((PROVEN, PRESENTED), (PROVEN, PROVEN), True),
        ((PROVEN, None), (PROVEN, CLAIMED), False),
        ((PROVEN, None), (PROVEN, None), False),
        ((None, PROVEN), (PROVEN, CLAIMED), False),
        ((PRESENTED, PROVEN), (PROVEN, CLAIMED), False),
    ],
)
def test_two_logins_need_a_notice_if_they_agree_on_claims_only(
    left: tuple[Assurance | None, Assurance | None],
    right: tuple[Assurance | None, Assurance | None],
    expected: bool,
) -> None:
    """Each side: how sure its number is, and how sure it is of an address in common."""
    sides = [
        build_customer(name, number, *([] if shared is None else [("email", SHARED, shared)]))
        for name, (number, shared) in ((b"left", left), (b"right", right))
    ]
    assert needs_owner_notice(sides, TYPES) is expected
    assert needs_owner_notice(sides[::-1], TYPES) is expected
    both_have_logins = left[0] is PROVEN and right[0] is PROVEN
    assert needs_owner_notice(sides, TYPES, rests_on_claims=True) is both_have_logins


def test_of_several_customers_any_two_count() -> None:
    sides = [
        build_customer(b"1", PROVEN, ("email", b"a", PROVEN), ("phone", b"p", PROVEN)),
        build_customer(b"2", PROVEN, ("phone", b"p", PROVEN)),
        build_customer(b"3", PROVEN, ("email", b"a", CLAIMED)),
    ]
    assert all(needs_owner_notice(order, TYPES) for order in permutations(sides))
    assert not needs_owner_notice(sides[:2], TYPES)


CLAIM = ("email", b"claimed", CLAIMED)


@pytest.mark.parametrize("identifier_type", ["cookie", "device_id", "anonymous_id", "card_token"])
@pytest.mark.parametrize("assurance", [PROVEN, PRESENTED])
def test_a_device_or_card_in_common_proves_nothing(identifier_type: str, assurance: Assurance) -> None:
    """Many use the browser of a shop, whatever one of them claims besides."""
    device = (identifier_type, SHARED, assurance)
    left = build_customer(b"left", PROVEN, device, ("email", b"claimed", PROVEN))
    assert needs_owner_notice([left, build_customer(b"right", PROVEN, device, CLAIM)], TYPES)
    assert needs_owner_notice([left, build_customer(b"right", PROVEN, device)], TYPES)


@pytest.mark.parametrize("assurance", [PROVEN, PRESENTED])
def test_a_number_in_common_is_certain_unless_many_share_it(assurance: Assurance) -> None:
    number = ("loyalty_id", SHARED, assurance)
    sides = [build_customer(name, PROVEN, number, CLAIM) for name in (b"left", b"right")]
    assert not needs_owner_notice(sides, TYPES)
    assert needs_owner_notice(sides, TYPES, shared={SHARED})


def test_a_replaced_address_proves_nothing() -> None:
    """A phone number that one of them gave up, and that the other has proven since."""
    current = build_customer(b"left", PROVEN, ("phone", SHARED, PROVEN))
    (record,) = build_customer(b"right", PROVEN)
    stated = [
        RecordIdentifier(entry, "phone", {PROVEN: at}, b"", stated=StatedPeriod(at, at))
        for entry, at in ((SHARED, 1), (b"new", 2))
    ]
    replaced = [replace(record, identifiers=(*record.identifiers, *stated))]
    assert needs_owner_notice([current, replaced], TYPES)
    assert not needs_owner_notice(
        [current, [replace(record, identifiers=(*record.identifiers, stated[0]))]], TYPES
    )
