"""The identifiers of a record are the same in any order of their mentions."""

from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.ingest.mention import Mention
from discretion.domain.profiles.record_identifiers import (
    find_number_assurance,
    merge_mention,
    select_strongest,
)
from discretion.store.source_record import RecordIdentifier

MENTIONS = st.lists(
    st.builds(
        Mention,
        st.just(b"r"),
        st.just("email"),
        st.sampled_from([b"1", b"2"]),
        st.just("web"),
        st.integers(0, 4),
        st.sampled_from(Assurance),
        st.just(False),
        st.booleans(),
    ),
    max_size=8,
)
NUMBER = IdentifierType("user_id", "token", "", "", number=True)
EMAIL = IdentifierType("email", "email", "", "", verified_by="emailVerified")


def merge_all(mentions: list[Mention]) -> tuple[RecordIdentifier, ...]:
    """Return the identifiers that mentions result in."""
    identifiers: dict[bytes, RecordIdentifier] = {}
    for mention in mentions:
        identifiers[mention.entry] = merge_mention(identifiers.get(mention.entry), mention)
    return select_strongest(identifiers.values())


@given(MENTIONS, st.randoms(use_true_random=False))
def test_order_and_repetition_of_mentions_change_nothing(mentions: list[Mention], random: Random) -> None:
    shuffled = [*mentions, *mentions[:3]]
    random.shuffle(shuffled)
    assert merge_all(shuffled) == merge_all(mentions)


def build_identifier(
    entry: bytes, assurance: Assurance, *, at: int = 0, identifier_type: str = "user_id", is_own: bool = False
) -> RecordIdentifier:
    """Build an identifier that was mentioned once."""
    return RecordIdentifier(entry, identifier_type, {assurance: at}, b"", is_own)


def test_claims_never_displace_what_links() -> None:
    """The own id is first, then what is proven, then presented, then claimed."""
    claims = [build_identifier(bytes([number]), Assurance.CLAIMED) for number in range(3)]
    presented = build_identifier(b"p", Assurance.PRESENTED, at=5)
    proven = build_identifier(b"q", Assurance.PROVEN, at=9)
    own = build_identifier(b"o", Assurance.CLAIMED, at=9, is_own=True)
    assert select_strongest([*claims, presented, proven, own])[:3] == (own, proven, presented)


def test_a_record_has_a_number_if_one_is_proven_or_presented() -> None:
    """A claimed number and a proven address make no login."""
    types = {"user_id": NUMBER, "email": EMAIL}
    address = build_identifier(b"e", Assurance.PROVEN, identifier_type="email")
    claimed = build_identifier(b"1", Assurance.CLAIMED)
    presented = build_identifier(b"2", Assurance.PRESENTED)
    proven = build_identifier(b"3", Assurance.PROVEN)
    assert find_number_assurance([address, claimed], types) is None
    assert find_number_assurance([address, presented], types) is Assurance.PRESENTED
    assert find_number_assurance([presented, proven, claimed], types) is Assurance.PROVEN
