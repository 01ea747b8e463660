"""Who is one person: the strongest evidence holds, in any order, and protection is kept."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.model import IdentifierType
from discretion.domain.identity.clustering import MAX_RECORDS, resolve
from discretion.domain.identity.evidence import Person, Ruling
from discretion.domain.ingest.mention import Mention, Voice

FREE = IdentifierType("email", "email", "", "", priority=3)
TYPES = {
    "user": IdentifierType("user", "token", "", "", priority=1, most=1),
    "email": replace(FREE, most=2),
    "cookie": IdentifierType("cookie", "token", "", "", priority=9, most=2, within="P1D", shared_by=3),
}
DAY = 86_400_000


def said(
    record: str, kind: str, entry: str, at: int = 0, voice: Voice = Voice.SAID, source: str = "web"
) -> Mention:
    """A mention, in words."""
    return Mention(record.encode(), kind, f"{kind}:{entry}".encode(), source, at, voice)


def people(
    mentions: list[Mention], rulings: tuple[Ruling, ...] = (), types: dict[str, IdentifierType] = TYPES
) -> set[frozenset[str]]:
    """Who is one person, by the names of records."""
    found = resolve({one.record for one in mentions}, mentions, types, rulings)
    return {frozenset(record.decode() for record in person.records) for person in found}


def apart(*sides: str) -> Ruling:
    """Told apart."""
    return Ruling(False, tuple(frozenset({side.encode()}) for side in sides))


MENTION = st.builds(
    Mention,
    st.sampled_from([b"a", b"b", b"c", b"d", b"e"]),
    st.sampled_from(sorted(TYPES)),
    st.sampled_from([b"1", b"2", b"3", b"4"]),
    st.sampled_from(["web", "app"]),
    st.integers(0, 3),
    st.sampled_from(Voice),
).map(lambda one: replace(one, entry=one.kind.encode() + one.entry))
SIDES = st.lists(st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1), min_size=2, max_size=2)
RULING = st.builds(Ruling, st.booleans(), SIDES.map(tuple))


@given(
    st.lists(MENTION, max_size=14), st.lists(RULING, max_size=2).map(tuple), st.randoms(use_true_random=False)
)
@settings(max_examples=400)
def test_order_and_repetition_change_nobody(
    mentions: list[Mention], rulings: tuple[Ruling, ...], random: Random
) -> None:
    """Shuffled and told again, the same people with the same identifiers."""
    records = {one.record for one in mentions}
    again = [*mentions, *(one for one in mentions if random.random() < 0.5)]
    random.shuffle(again)
    assert resolve(records, again, TYPES, rulings) == resolve(records, mentions, TYPES, rulings)


@given(st.lists(MENTION, max_size=14), st.lists(RULING, max_size=2).map(tuple))
def test_every_record_is_somebody_and_every_identifier_at_most_one(
    mentions: list[Mention], rulings: tuple[Ruling, ...]
) -> None:
    """A partition of the records; no identifier leads to two."""
    found = resolve({one.record for one in mentions}, mentions, TYPES, rulings)
    assert sorted(record for one in found for record in one.records) == sorted(
        {one.record for one in mentions}
    )
    held = [entry for one in found for entry in one.identifiers]
    assert len(held) == len(set(held))


@given(st.lists(MENTION, max_size=14), RULING)
def test_whom_a_steward_told_apart_no_evidence_joins(mentions: list[Mention], ruling: Ruling) -> None:
    """Unless one record is on both sides, which tells nobody from themselves."""
    parted = replace(ruling, joined=False)
    for person in resolve({one.record for one in mentions}, mentions, TYPES, [parted]):
        met = [side & person.records for side in parted.sides]
        assert not all(met) or set.intersection(*(set(one) for one in met)) or _own_name_joins(mentions)


def _own_name_joins(mentions: list[Mention]) -> bool:
    """Two records of one own name; the generator makes them, a source record's key does not."""
    own = [(one.record, one.entry) for one in mentions if one.voice is Voice.OWN]
    return any(a[0] == b[0] or a[1] == b[1] for a, b in combinations(set(own), 2))


@given(st.lists(MENTION, max_size=14))
def test_without_protection_a_chain_of_identifiers_joins(mentions: list[Mention]) -> None:
    """No chain, no link: resemblance is not identity."""
    free = {kind: replace(FREE, key=kind) for kind in TYPES}
    closed = {
        one.record: {one.entry} | {e.entry for e in mentions if e.record == one.record} for one in mentions
    }
    changed = True
    while changed:
        changed = False
        for one, two in combinations(closed, 2):
            if closed[one] & closed[two] and closed[one] != closed[two]:
                closed[one] = closed[two] = closed[one] | closed[two]
                changed = True
    wanted = {frozenset(r.decode() for r in closed if closed[r] == closed[one]) for one in closed}
    assert people(mentions, types=free) == wanted


def test_two_accounts_with_one_address_stay_two_people() -> None:
    """A family's address belongs to whoever gave it first."""
    own = [said("ann", "user", "1", voice=Voice.OWN), said("bob", "user", "2", voice=Voice.OWN)]
    shared = [said("bob", "email", "family", 1), said("ann", "email", "family", 2)]
    found = resolve([b"ann", b"bob"], [*own, *shared], TYPES)
    assert found == [
        Person(frozenset({b"ann"}), frozenset({b"user:1"})),
        Person(frozenset({b"bob"}), frozenset({b"user:2", b"email:family"})),
    ]


def test_accounts_of_two_systems_are_no_contradiction() -> None:
    """The web shop's number and the app's may be one person's."""
    mentions = [
        said("w", "user", "1", voice=Voice.OWN),
        said("a", "user", "2", voice=Voice.OWN, source="app"),
        said("w", "email", "x"),
        said("a", "email", "x", source="app"),
    ]
    assert people(mentions) == {frozenset({"w", "a"})}


def test_a_tablet_in_the_shop_joins_nobody() -> None:
    """Three share a cookie and are one; with the fourth it is nobody's, and they are four."""
    three = [said(name, "cookie", "tablet") for name in "abc"]
    assert people(three) == {frozenset("abc")}
    assert people([*three, said("d", "cookie", "tablet")]) == {frozenset(name) for name in "abcd"}


def test_a_limit_in_a_window_counts_in_any_stretch_of_it() -> None:
    """Two cookies a day are too few for three in an hour, and enough for three in a week."""
    rushed = [said("a", "cookie", str(n), n) for n in range(3)]
    slow = [said("a", "cookie", str(n), n * DAY) for n in range(3)]
    assert [len(one.identifiers) for one in resolve([b"a"], rushed, TYPES)] == [2]
    assert [len(one.identifiers) for one in resolve([b"a"], slow, TYPES)] == [3]


def test_aliases_chain_and_may_go_in_circles() -> None:
    """An older name is not a second account, however many there were."""
    own = [said(name, "user", name, voice=Voice.OWN) for name in "abc"]
    chain = [said("b", "user", "a", voice=Voice.ALIAS), said("c", "user", "b", voice=Voice.ALIAS)]
    assert people([*own, *chain]) == {frozenset("abc")}
    assert people([*own, *chain, said("a", "user", "c", voice=Voice.ALIAS)]) == {frozenset("abc")}


def test_an_alias_that_a_steward_contradicts_weakens_nothing() -> None:
    """The account it calls an older name counts again: an address does not make it a third one's."""
    own = [said(name, "user", name, voice=Voice.OWN) for name in "abc"]
    mail = [said("b", "email", "x"), said("c", "email", "x", 1)]
    alias = said("a", "user", "b", voice=Voice.ALIAS)
    apart_ab = apart("a", "b")
    assert people([*own, *mail, alias], (apart_ab,)) == people([*own, *mail], (apart_ab,))


def test_a_chain_without_end_is_cut() -> None:
    """Whoever sends names that each lead to the next makes persons of so many records and no more."""
    chain = [f"{n:04}" for n in range(MAX_RECORDS + 100)]
    own = [said(name, "user", name, voice=Voice.OWN) for name in chain]
    links = [said(b, "user", a, voice=Voice.ALIAS) for a, b in pairwise(chain)]
    sizes = sorted(map(len, people([*own, *links])))
    assert max(sizes) <= MAX_RECORDS
    assert sum(sizes) == len(chain)


def test_two_cannot_both_have_been_one_name() -> None:
    """The first alias holds; the other account stays its own."""
    own = [said(name, "user", name, voice=Voice.OWN) for name in "abc"]
    claims = [said("b", "user", "a", 5, Voice.ALIAS), said("c", "user", "a", 9, Voice.ALIAS)]
    assert people([*own, *claims]) == {frozenset("ab"), frozenset("c")}


def test_a_stewards_word_goes_before_limits_and_can_be_taken_back() -> None:
    """Joined in spite of two accounts; told apart in spite of a common address."""
    mentions = [
        said("a", "user", "1", voice=Voice.OWN),
        said("b", "user", "2", voice=Voice.OWN),
        said("c", "email", "x"),
        said("d", "email", "x"),
    ]
    joined = Ruling(True, (frozenset({b"a"}), frozenset({b"b"})))
    assert people(mentions, (joined, apart("c", "d"))) == {frozenset("ab"), frozenset("c"), frozenset("d")}
