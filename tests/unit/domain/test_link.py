"""Linking: exact identifiers, transitively, in any order, and nothing else."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.identity.link import Component, link

MARKS = st.lists(st.sets(st.sampled_from([bytes([n]) for n in range(12)]), max_size=4), max_size=12)
KNOWN = st.dictionaries(st.sampled_from([bytes([n]) for n in range(12)]), st.sampled_from([b"X", b"Y", b"Z"]))


def together(marks: list[set[bytes]], known: dict[bytes, bytes]) -> set[tuple[int, int]]:
    """Pairs of messages that are one person, by the definition: closed until nothing changes."""
    traits = [
        marks_of | {b"customer " + known[one] for one in marks_of if one in known} for marks_of in marks
    ]
    while True:
        merged = [set.union(*(other for other in traits if other & mine), mine) for mine in traits]
        if merged == traits:
            break
        traits = merged
    return {(a, b) for a, b in combinations(range(len(marks)), 2) if traits[a] & traits[b]}


def pairs(components: list[Component]) -> set[tuple[int, int]]:
    """The same of an answer."""
    return {pair for one in components for pair in combinations(one.messages, 2)}


@given(MARKS, KNOWN)
def test_messages_are_one_person_if_a_chain_of_identifiers_joins_them(
    marks: list[set[bytes]], known: dict[bytes, bytes]
) -> None:
    """No chain, no link: resemblance is not identity."""
    found = link(marks, known)
    assert pairs(found) == together(marks, known)
    assert sorted(message for one in found for message in one.messages) == list(range(len(marks)))


@given(MARKS, KNOWN)
def test_a_person_is_known_as_whom_their_identifiers_lead_to(
    marks: list[set[bytes]], known: dict[bytes, bytes]
) -> None:
    """All such customers, so that they can become one; nobody else."""
    for one in link(marks, known):
        met = {known[mark] for message in one.messages for mark in marks[message] if mark in known}
        assert one.customers == met


@given(MARKS, KNOWN, st.randoms(use_true_random=False))
def test_the_order_of_messages_changes_nothing(
    marks: list[set[bytes]], known: dict[bytes, bytes], random: object
) -> None:
    """Shuffled, the same people."""
    order = list(range(len(marks)))
    random.shuffle(order)  # type: ignore[attr-defined]
    shuffled = link([marks[position] for position in order], known)
    people = {frozenset(order[position] for position in one.messages) for one in shuffled}
    assert people == {frozenset(one.messages) for one in link(marks, known)}
