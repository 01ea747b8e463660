"""Clustering of source records: proofs decide, in any order; claims and chains join nobody."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations, pairwise
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.clustering import cluster_records
from discretion.domain.identity.link import Link
from discretion.domain.identity.ruling import Ruling
from discretion.domain.profiles.identifier_index import MAX_RECORDS_PER_PERSON
from tests.fixtures.examples import scale_examples

TYPES = {
    "user": IdentifierType("user", "token", "", "", priority=1, most=1, number=True),
    "card": IdentifierType("card", "token", "", "", priority=2, most=2, number=True),
    "email": IdentifierType("email", "email", "", "", priority=3, verified_by="emailVerified"),
    "cookie": IdentifierType("cookie", "token", "", "", priority=9, shared_by=3),
}
RECORDS = ("a", "b", "c", "d", "e")


def build_link(
    record: str,
    identifier_type: str,
    entry: str,
    since: int = 0,
    *,
    until: int | None = None,
    source: str = "web",
    is_own: bool = False,
) -> Link:
    """Build a link from readable names."""
    name = f"{identifier_type}:{entry}".encode()
    return Link(record.encode(), source, identifier_type, name, since, until, is_own)


def build_account(record: str, number: str, *, source: str = "web") -> Link:
    """Build the link of an account to its own number."""
    return build_link(record, "user", number, source=source, is_own=True)


def cluster_by_name(links: list[Link], rulings: tuple[Ruling, ...] = (), names: str = "") -> set[str]:
    """Return the persons, each as the sorted names of its records; ``names`` has records without a link."""
    records = {link.record for link in links} | {name.encode() for name in names}
    persons = cluster_records(records, links, TYPES, rulings)
    return {"".join(sorted(record.decode() for record in person)) for person in persons}


def build_ruling(*sides: str, joined: bool) -> Ruling:
    """Build a ruling about records; each side is the one-letter names of its records."""
    return Ruling(joined, tuple(frozenset(name.encode() for name in side) for side in sides))


@st.composite
def draw_links(draw: st.DrawFn, max_size: int = 14) -> list[Link]:
    """Draw links of five records, one for each record and identifier, as stored records have."""
    drawn = draw(
        st.lists(
            st.tuples(
                st.sampled_from(RECORDS),
                st.sampled_from(sorted(TYPES)),
                st.sampled_from("1234"),
                st.integers(0, 3),
                st.none() | st.integers(4, 6),
            ),
            max_size=max_size,
            unique_by=lambda link: link[:3],
        )
    )
    sources = {name: draw(st.sampled_from(["web", "app"])) for name in RECORDS}
    links = [
        build_link(
            record,
            identifier_type,
            entry,
            since,
            until=until if identifier_type == "email" else None,
            source=sources[record],
        )
        for record, identifier_type, entry, since, until in drawn
    ]
    # At most one own identifier for each record.
    owned: set[bytes] = set()
    return [
        replace(link, is_own=True)
        if link.record not in owned and draw(st.booleans()) and not owned.add(link.record)  # type: ignore[func-returns-value]
        else link
        for link in links
    ]


SIDES = st.lists(st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d"]), min_size=1), min_size=2, max_size=2)
RULINGS = st.lists(st.builds(Ruling, st.booleans(), SIDES.map(tuple)), max_size=2).map(tuple)
ALL_RECORDS = [name.encode() for name in RECORDS]


@given(draw_links(), RULINGS, st.randoms(use_true_random=False))
@settings(max_examples=scale_examples(400))
def test_order_and_repetition_do_not_change_the_persons(
    links: list[Link], rulings: tuple[Ruling, ...], random: Random
) -> None:
    repeated = [*links, *(link for link in links if random.random() < 0.5)]
    random.shuffle(repeated)
    shuffled_records = random.sample(ALL_RECORDS, len(ALL_RECORDS))
    assert cluster_records(shuffled_records, repeated, TYPES, rulings) == cluster_records(
        ALL_RECORDS, links, TYPES, rulings
    )


@given(draw_links(), RULINGS)
def test_each_record_has_exactly_one_person(links: list[Link], rulings: tuple[Ruling, ...]) -> None:
    persons = cluster_records(ALL_RECORDS, links, TYPES, rulings)
    assert sorted(record for person in persons for record in person) == ALL_RECORDS


@given(draw_links(), RULINGS)
def test_no_evidence_joins_records_that_a_ruling_separates(
    links: list[Link], rulings: tuple[Ruling, ...]
) -> None:
    """Unless one record is on both sides: such a ruling separates nothing."""
    separations = [replace(ruling, joined=False) for ruling in rulings]
    for person in cluster_records(ALL_RECORDS, links, TYPES, separations):
        for separation in separations:
            first, second = (side & person for side in separation.sides)
            assert not first or not second or first & second


@given(draw_links())
def test_records_with_numbers_are_joined_by_numbers_only(links: list[Link]) -> None:
    """Two records with a number in one person are connected by common numbers."""
    numbers: dict[bytes, set[bytes]] = {}
    for link in links:
        if TYPES[link.identifier_type].number:
            numbers.setdefault(link.record, set()).add(link.entry)
    for person in cluster_records(ALL_RECORDS, links, TYPES):
        unreached = person & numbers.keys()
        reached = set(list(unreached)[:1])
        while connected := {
            record for record in unreached - reached for other in reached if numbers[record] & numbers[other]
        }:
            reached |= connected
        assert reached == unreached


@given(draw_links())
def test_a_record_without_a_number_joins_nobody_to_anybody(links: list[Link]) -> None:
    """Without it, all other records are the same persons: it takes and gives nothing."""
    numbered = {link.record for link in links if TYPES[link.identifier_type].number}
    without = sorted({link.record for link in links} - numbered)
    everybody = {frozenset(person) for person in cluster_records(ALL_RECORDS, links, TYPES)}
    for record in without:
        shared = [link for link in links if link.record == record]
        counts = [sum(other.entry == link.entry for other in links) for link in shared]
        if any(count > 3 for count in counts):
            continue  # one record less, and a cookie is shared no more
        rest = cluster_records(
            [other for other in ALL_RECORDS if other != record],
            [link for link in links if link.record != record],
            TYPES,
        )
        assert {person - {record} for person in everybody if person != {record}} == set(rest)


@given(draw_links())
def test_a_record_without_a_number_belongs_to_at_most_one_person_with_one(links: list[Link]) -> None:
    """Two records without a number are in one person only together with a record that has one."""
    numbered = {link.record for link in links if TYPES[link.identifier_type].number}
    for person in cluster_records(ALL_RECORDS, links, TYPES):
        assert len(person) == 1 or person & numbered


def test_web_shop_and_app_with_one_account_number_are_one_person() -> None:
    """The number is the own id of both; an address in common joins no two accounts."""
    assert cluster_by_name([build_account("w", "1"), build_account("a", "1", source="app")]) == {"aw"}
    two_accounts = [build_account("a", "1"), build_account("b", "2")]
    family = [build_link(name, "email", "family", at) for at, name in enumerate("ab")]
    assert cluster_by_name([*two_accounts, *family]) == {"a", "b"}


def test_an_account_that_confirms_a_card_is_one_person_with_the_till_that_scans_it() -> None:
    till = build_link("t", "card", "7", 5, source="tills", is_own=True)
    account = [build_account("w", "1"), build_link("w", "card", "7", 9)]
    assert cluster_by_name([till, *account]) == {"tw"}


def test_a_card_that_two_accounts_confirm_belongs_to_the_first() -> None:
    """A second account of the same shop would be two people."""
    till = build_link("t", "card", "7", source="tills", is_own=True)
    first = [build_account("a", "1"), build_link("a", "card", "7", 3)]
    second = [build_account("b", "2"), build_link("b", "card", "7", 4)]
    assert cluster_by_name([till, *second, *first]) == {"at", "b"}


def test_a_person_has_no_more_cards_from_one_source_than_the_catalogue_allows() -> None:
    account = build_account("w", "1")
    cards = [build_link(str(card), "card", str(card), source="tills", is_own=True) for card in range(3)]
    confirmed = [build_link("w", "card", str(card), card) for card in range(3)]
    assert cluster_by_name([account, *cards, *confirmed]) == {"01w", "2"}


def test_a_visit_before_the_login_belongs_to_the_account_that_logs_in() -> None:
    visit = build_link("v", "cookie", "x", 1, is_own=True)
    login = [build_account("w", "1"), build_link("w", "cookie", "x", 5)]
    assert cluster_by_name([visit, *login]) == {"vw"}


def test_a_shared_device_belongs_to_nobody() -> None:
    """Whoever logs in first has no right to what others did on it, before or after."""
    accounts = [build_account("a", "1"), build_account("b", "2")]
    logins = [build_link("a", "cookie", "tablet", 1), build_link("b", "cookie", "tablet", 3)]
    for at in (0, 2, 4):
        device = build_link("d", "cookie", "tablet", at, is_own=True)
        assert cluster_by_name([*accounts, *logins, device]) == {"a", "b", "d"}


def test_a_newsletter_stays_with_whoever_had_the_address_when_it_was_confirmed() -> None:
    """The address was Ann's until 5, and has been Bob's since 8."""
    ann = [build_account("a", "1"), build_link("a", "email", "x", 1, until=5)]
    bob = [build_account("b", "2"), build_link("b", "email", "x", 8)]
    for at, persons in ((3, {"an", "b"}), (6, {"a", "b", "n"}), (9, {"a", "bn"})):
        newsletter = build_link("n", "email", "x", at)
        assert cluster_by_name([*ann, *bob, newsletter]) == persons


def test_an_address_that_its_only_owner_replaced_joins_nobody_new() -> None:
    ann = [build_account("a", "1"), build_link("a", "email", "x", 1, until=5)]
    assert cluster_by_name([*ann, build_link("n", "email", "x", 0)]) == {"an"}
    assert cluster_by_name([*ann, build_link("n", "email", "x", 5)]) == {"a", "n"}


def test_identifiers_of_two_persons_join_nobody() -> None:
    """A browser with Ann's cookie and Bob's address may be either's."""
    ann = [build_account("a", "1"), build_link("a", "cookie", "x")]
    bob = [build_account("b", "2"), build_link("b", "email", "y")]
    visit = [build_link("v", "cookie", "x", is_own=True), build_link("v", "email", "y")]
    assert cluster_by_name([*ann, *bob, *visit]) == {"a", "b", "v"}
    assert cluster_by_name([*ann, *visit]) == {"av"}


def test_records_without_a_number_are_not_joined_with_each_other() -> None:
    """Two browsers confirmed one address, and nobody with a number has it."""
    assert cluster_by_name([build_link(name, "email", "x") for name in "ab"]) == {"a", "b"}


def test_a_cookie_of_too_many_records_joins_nobody() -> None:
    account = [build_account("w", "1"), build_link("w", "cookie", "x")]
    visits = [build_link(name, "cookie", "x") for name in "ab"]
    assert cluster_by_name([*account, *visits]) == {"abw"}
    assert cluster_by_name([*account, *visits, build_link("c", "cookie", "x")]) == {"a", "b", "c", "w"}


def test_a_chain_of_numbers_is_split() -> None:
    """A sender of endlessly chained numbers creates persons of a limited number of records."""
    names = [f"{number:04}" for number in range(MAX_RECORDS_PER_PERSON + 100)]
    own = [build_link(name, "card", name, source=name, is_own=True) for name in names]
    links = [build_link(name, "card", former, source=name) for former, name in pairwise(names)]
    sizes = [len(person) for person in cluster_records([n.encode() for n in names], [*own, *links], TYPES)]
    assert max(sizes) <= MAX_RECORDS_PER_PERSON
    assert sum(sizes) == len(names)


def test_a_ruling_overrides_limits_and_evidence() -> None:
    """Records are joined in spite of two accounts, and separated in spite of a common number."""
    links = [
        build_account("a", "1"),
        build_account("b", "2"),
        build_link("c", "card", "7", source="tills", is_own=True),
        build_link("d", "card", "7", source="app", is_own=True),
    ]
    rulings = (build_ruling("a", "b", joined=True), build_ruling("c", "d", joined=False))
    assert cluster_by_name(links, rulings) == {"ab", "c", "d"}


def test_records_that_a_ruling_joins_count_as_one() -> None:
    """Two visits that a steward joined belong to the one person that either of them names."""
    account = [build_account("w", "1"), build_link("w", "cookie", "x")]
    visits = [build_link("u", "cookie", "x"), build_link("v", "cookie", "y")]
    assert cluster_by_name([*account, *visits]) == {"uw", "v"}
    assert cluster_by_name([*account, *visits], (build_ruling("u", "v", joined=True),)) == {"uvw"}


def test_a_visit_that_a_ruling_separates_from_its_person_does_not_go_to_another() -> None:
    account = [build_account("w", "1"), build_link("w", "cookie", "x")]
    visits = [build_link(name, "cookie", "x", at) for at, name in enumerate("uv")]
    apart = build_ruling("u", "v", joined=False)
    assert cluster_by_name([*account, *visits], (apart,)) == {"uw", "v"}
    assert cluster_by_name([*account, *visits], (build_ruling("w", "u", joined=False),)) == {"u", "vw"}


def test_all_pairs_of_accounts_stay_apart_whatever_devices_they_share() -> None:
    """No chain of addresses, cards and devices joins two logins."""
    accounts = [build_account(name, name) for name in "abc"]
    devices = [
        build_link(name, kind, f"{first}{second}", at)
        for at, (first, second) in enumerate(combinations("abc", 2))
        for name in (first, second)
        for kind in ("email", "cookie")
    ]
    assert cluster_by_name([*accounts, *devices]) == {"a", "b", "c"}
