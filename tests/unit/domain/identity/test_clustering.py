"""Clustering of source records: the strongest evidence decides, in any order, within merge protection."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.clustering import cluster_records
from discretion.domain.identity.ruling import PersonCluster, Ruling
from discretion.domain.ingest.mention import Mention
from tests.fixtures.examples import scale_examples

UNLIMITED_EMAIL = IdentifierType("email", "email", "", "", priority=3)
TYPES = {
    "user": IdentifierType("user", "token", "", "", priority=1, most=1),
    "email": replace(UNLIMITED_EMAIL, most=2),
    "cookie": IdentifierType("cookie", "token", "", "", priority=9, most=2, within="P1D", shared_by=3),
}
DAY = 86_400_000


def build_mention(
    record: str,
    identifier_type: str,
    entry: str,
    at: int = 0,
    source: str = "web",
    *,
    is_own: bool = False,
) -> Mention:
    """Build a mention from readable names."""
    return Mention(
        record.encode(),
        identifier_type,
        f"{identifier_type}:{entry}".encode(),
        source,
        at,
        Assurance.PROVEN,
        is_own,
    )


def cluster_by_name(
    mentions: list[Mention], rulings: tuple[Ruling, ...] = (), types: dict[str, IdentifierType] = TYPES
) -> set[frozenset[str]]:
    """Return the persons as sets of record names."""
    persons = cluster_records({mention.record for mention in mentions}, mentions, types, rulings)
    return {frozenset(record.decode() for record in person.records) for person in persons}


def build_separation(*sides: str) -> Ruling:
    """Build a steward's ruling that the records are different persons."""
    return Ruling(False, tuple(frozenset({side.encode()}) for side in sides))


MENTION = st.builds(
    Mention,
    st.sampled_from([b"a", b"b", b"c", b"d", b"e"]),
    st.sampled_from(sorted(TYPES)),
    st.sampled_from([b"1", b"2", b"3", b"4"]),
    st.sampled_from(["web", "app"]),
    st.integers(0, 3),
    st.sampled_from(Assurance),
    st.booleans(),
).map(lambda mention: replace(mention, entry=mention.identifier_type.encode() + mention.entry))
SIDES = st.lists(st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1), min_size=2, max_size=2)
RULING = st.builds(Ruling, st.booleans(), SIDES.map(tuple))


@given(
    st.lists(MENTION, max_size=14), st.lists(RULING, max_size=2).map(tuple), st.randoms(use_true_random=False)
)
@settings(max_examples=scale_examples(400))
def test_order_and_repetition_do_not_change_the_persons(
    mentions: list[Mention], rulings: tuple[Ruling, ...], random: Random
) -> None:
    """Shuffled and repeated mentions give the same persons with the same identifiers."""
    records = {mention.record for mention in mentions}
    repeated = [*mentions, *(mention for mention in mentions if random.random() < 0.5)]
    random.shuffle(repeated)
    assert cluster_records(records, repeated, TYPES, rulings) == cluster_records(
        records, mentions, TYPES, rulings
    )


@given(st.lists(MENTION, max_size=14), st.lists(RULING, max_size=2).map(tuple))
def test_each_record_has_one_person_and_each_identifier_at_most_one(
    mentions: list[Mention], rulings: tuple[Ruling, ...]
) -> None:
    """The persons are a partition of the records; no identifier leads to two persons."""
    persons = cluster_records({mention.record for mention in mentions}, mentions, TYPES, rulings)
    assert sorted(record for person in persons for record in person.records) == sorted(
        {mention.record for mention in mentions}
    )
    entries = [entry for person in persons for entry in person.identifiers]
    assert len(entries) == len(set(entries))


@given(st.lists(MENTION, max_size=14), RULING)
def test_no_evidence_joins_records_that_a_steward_separated(mentions: list[Mention], ruling: Ruling) -> None:
    """Unless one record is on both sides: such a ruling separates nothing."""
    separation = replace(ruling, joined=False)
    for person in cluster_records({mention.record for mention in mentions}, mentions, TYPES, [separation]):
        members_by_side = [side & person.records for side in separation.sides]
        assert (
            not all(members_by_side)
            or set.intersection(*(set(members) for members in members_by_side))
            or _own_name_joins(mentions)
        )


def _own_name_joins(mentions: list[Mention]) -> bool:
    """Return whether two records share an own name: generated mentions may, real source records do not."""
    own_names = [(mention.record, mention.entry) for mention in mentions if mention.is_own]
    return any(
        first[0] == second[0] or first[1] == second[1] for first, second in combinations(set(own_names), 2)
    )


@given(st.lists(MENTION, max_size=14))
def test_without_protection_a_chain_of_identifiers_joins(mentions: list[Mention]) -> None:
    """Without a chain of identifiers there is no link: similarity is not identity."""
    unlimited_types = {
        identifier_type: replace(UNLIMITED_EMAIL, key=identifier_type) for identifier_type in TYPES
    }
    entries_by_record = {
        mention.record: {mention.entry}
        | {other.entry for other in mentions if other.record == mention.record}
        for mention in mentions
    }
    has_changed = True
    while has_changed:
        has_changed = False
        for first, second in combinations(entries_by_record, 2):
            if (
                entries_by_record[first] & entries_by_record[second]
                and entries_by_record[first] != entries_by_record[second]
            ):
                entries_by_record[first] = entries_by_record[second] = (
                    entries_by_record[first] | entries_by_record[second]
                )
                has_changed = True
    expected = {
        frozenset(
            record.decode()
            for record in entries_by_record
            if entries_by_record[record] == entries_by_record[reference]
        )
        for reference in entries_by_record
    }
    assert cluster_by_name(mentions, types=unlimited_types) == expected


def test_two_accounts_with_one_address_stay_two_persons() -> None:
    """A shared address belongs to the person who gave it first."""
    accounts = [
        build_mention("ann", "user", "1", is_own=True),
        build_mention("bob", "user", "2", is_own=True),
    ]
    shared = [build_mention("bob", "email", "family", 1), build_mention("ann", "email", "family", 2)]
    persons = cluster_records([b"ann", b"bob"], [*accounts, *shared], TYPES)
    assert persons == [
        PersonCluster(frozenset({b"ann"}), frozenset({b"user:1"})),
        PersonCluster(frozenset({b"bob"}), frozenset({b"user:2", b"email:family"})),
    ]


def test_accounts_of_two_systems_may_be_one_person() -> None:
    """The web shop's account id and the app's are independent."""
    mentions = [
        build_mention("w", "user", "1", is_own=True),
        build_mention("a", "user", "2", is_own=True, source="app"),
        build_mention("w", "email", "x"),
        build_mention("a", "email", "x", source="app"),
    ]
    assert cluster_by_name(mentions) == {frozenset({"w", "a"})}


def test_a_cookie_of_too_many_records_joins_nobody() -> None:
    """Three records share a tablet's cookie and are one person; with a fourth, they are four persons."""
    three = [build_mention(name, "cookie", "tablet") for name in "abc"]
    assert cluster_by_name(three) == {frozenset("abc")}
    assert cluster_by_name([*three, build_mention("d", "cookie", "tablet")]) == {
        frozenset(name) for name in "abcd"
    }


def test_a_limit_holds_in_every_window_of_its_length() -> None:
    """At two cookies a day, three at once exceed the limit; one on each of three days do not."""
    rushed = [build_mention("a", "cookie", str(number), number) for number in range(3)]
    slow = [build_mention("a", "cookie", str(number), number * DAY) for number in range(3)]
    assert [len(person.identifiers) for person in cluster_records([b"a"], rushed, TYPES)] == [2]
    assert [len(person.identifiers) for person in cluster_records([b"a"], slow, TYPES)] == [3]


def test_a_stewards_ruling_overrides_limits_and_evidence() -> None:
    """Records are joined in spite of two accounts, and separated in spite of a common address."""
    mentions = [
        build_mention("a", "user", "1", is_own=True),
        build_mention("b", "user", "2", is_own=True),
        build_mention("c", "email", "x"),
        build_mention("d", "email", "x"),
    ]
    join_ruling = Ruling(True, (frozenset({b"a"}), frozenset({b"b"})))
    assert cluster_by_name(mentions, (join_ruling, build_separation("c", "d"))) == {
        frozenset("ab"),
        frozenset("c"),
        frozenset("d"),
    }
