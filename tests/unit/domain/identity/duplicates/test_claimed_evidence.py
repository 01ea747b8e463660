"""Claims are evidence of a suggestion, limited and marked; anonymous claims are none."""

from __future__ import annotations

from discretion.catalogue.assurance import Assurance
from discretion.domain.identity.duplicates.claimed_evidence import (
    MAX_PER_CUSTOMER,
    MAX_PER_SOURCE,
    SharedIdentifier,
    describe_shared_identifier,
    limit_pairs,
)
from discretion.store.identifiers import NamedIdentifier, StoredIdentifier
from discretion.store.source_record import RecordIdentifier, SourceRecord
from discretion.store.suggestions import ComparisonResult, LikelyPair

THRESHOLD = 0.95
EMAIL = b"email"
CLAIMED = SharedIdentifier(EMAIL, "email", frozenset({"web-shop"}))


def build_pair(number: int, *, name: float = 0, email: float = 0, first: bytes = b"") -> LikelyPair:
    """Build a pair of customers whose name and address have these weights."""
    weights = {"name": name, "email": email}
    evidence = tuple(ComparisonResult(key, "the same", weight) for key, weight in weights.items() if weight)
    weight = name + email
    customers = (first or f"left {number}".encode(), f"right {number}".encode())
    return LikelyPair(customers, 1 / (1 + 2.0**-weight), weight, evidence)


def limit(*pairs: LikelyPair, shared: SharedIdentifier | None = None) -> list[LikelyPair]:
    """Return the pairs that are suggested if all of them share an identifier."""
    identifiers = () if shared is None else (shared,)
    return list(limit_pairs(pairs, {pair.id: identifiers for pair in pairs}, THRESHOLD))


def test_a_pair_without_an_identifier_in_common_is_suggested_as_it_is() -> None:
    pair = build_pair(1, name=9)
    assert limit(pair) == [pair]


def test_an_anonymous_claim_counts_for_nothing() -> None:
    """With it alone nobody is suggested; what remains has its own weight."""
    anonymous = SharedIdentifier(EMAIL, "email", is_anonymous=True)
    assert limit(build_pair(1, name=1, email=9), shared=anonymous) == []
    (pair,) = limit(build_pair(1, name=9, email=9), shared=anonymous)
    assert (pair.weight, [result.name for result in pair.evidence]) == (9, ["name"])
    assert not pair.rests_on_claims


def test_a_suggestion_that_needs_a_claim_is_marked() -> None:
    assert [pair.rests_on_claims for pair in limit(build_pair(1, name=1, email=9), shared=CLAIMED)] == [True]
    assert [pair.rests_on_claims for pair in limit(build_pair(1, name=9, email=9), shared=CLAIMED)] == [False]
    proven = SharedIdentifier(EMAIL, "email")
    assert [pair.rests_on_claims for pair in limit(build_pair(1, name=1, email=9), shared=proven)] == [False]


def test_an_identifier_makes_one_suggestion() -> None:
    """Ten accounts that type one address make one suggestion, the likeliest."""
    pairs = [build_pair(number, name=1, email=9) for number in range(10)]
    assert [pair.id for pair in limit(*pairs, shared=CLAIMED)] == [pairs[0].id]


def test_a_customer_and_a_source_have_a_limit() -> None:
    """Nobody fills the list of the stewards."""
    about_one = [build_pair(number, name=9, first=b"victim") for number in range(MAX_PER_CUSTOMER + 3)]
    assert len(limit(*about_one)) == MAX_PER_CUSTOMER
    pairs = [build_pair(number, name=1, email=9) for number in range(MAX_PER_SOURCE + 3)]
    shared = {pair.id: (SharedIdentifier(pair.id, "email", CLAIMED.claimed_by),) for pair in pairs}
    assert len(list(limit_pairs(pairs, shared, THRESHOLD))) == MAX_PER_SOURCE


def build_record(name: str, customer: bytes, assurance: Assurance, *, is_login: bool) -> SourceRecord:
    """Build a record that names the address."""
    record = SourceRecord(name.encode(), "web-shop", customer, 1, 1, 1, 1)
    record.identifiers = (RecordIdentifier(EMAIL, "email", {assurance: 1}, b""),)
    record.number_assurance = Assurance.PROVEN if is_login else None
    return record


def test_how_surely_two_customers_have_an_identifier_is_read_from_their_records() -> None:
    """A proof on one side and a claim under a login on the other; an anonymous claim is named as such."""
    records = (
        build_record("a", b"ann", Assurance.PROVEN, is_login=True),
        build_record("b", b"bob", Assurance.CLAIMED, is_login=True),
        build_record("c", b"cem", Assurance.CLAIMED, is_login=False),
    )
    named = NamedIdentifier(StoredIdentifier(EMAIL, "email", 1), records)
    assert describe_shared_identifier(named, "email", (b"ann", b"bob")) == CLAIMED
    assert describe_shared_identifier(named, "email", (b"ann", b"cem")).is_anonymous
    assert describe_shared_identifier(named, "email", (b"ann",)) == SharedIdentifier(EMAIL, "email")
