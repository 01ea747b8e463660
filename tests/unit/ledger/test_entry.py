"""An entry's canonical bytes are a promise: what is hashed and proven later is what is written now."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from discretion.ledger.entry import Entry, parse

GOLDEN_ENTRY = Entry(
    receipt="0193fe2a4c0000112233445566778899",
    at=1_732_000_000_000,
    client="campaigns",
    actor='staff "Zoë"@shop.example',
    operation="Who",
    purposes=("marketing.advertising.first_party", "marketing.communications.email"),
    attributes=(("contact.email", "clear"), ("demographics.birthDate", "coarse")),
    extra=("filter:contact.address.country",),
    subjects={b"\xff" * 16: 3, b"\x00" * 15 + b"\x01": 1, b"\x10" * 16: 0},
)
GOLDEN = (
    '{"actor":"staff \\"Zoë\\"@shop.example","at":1732000000000,'
    '"attributes":[["contact.email","clear"],["demographics.birthDate","coarse"]],'
    '"client":"campaigns","extra":["filter:contact.address.country"],"operation":"Who",'
    '"purposes":["marketing.advertising.first_party","marketing.communications.email"],'
    '"receipt":"0193fe2a4c0000112233445566778899",'
    '"subjects":[["00000000000000000000000000000001","1"],["10101010101010101010101010101010","0"],'
    '["ffffffffffffffffffffffffffffffff","3"]],"v":1}'
).encode()

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ENTRIES = st.builds(
    Entry,
    receipt=WORDS,
    at=st.integers(0, 2**53),
    client=WORDS,
    actor=WORDS,
    operation=WORDS,
    purposes=st.lists(WORDS, max_size=3).map(tuple),
    attributes=st.lists(st.tuples(WORDS, WORDS), max_size=3).map(tuple),
    extra=st.lists(WORDS, max_size=3).map(tuple),
    subjects=st.dictionaries(st.binary(min_size=16, max_size=16), st.integers(0, 2**200), max_size=5),
)


def test_the_bytes_of_an_entry_never_change() -> None:
    """Written down by hand; if this fails, entries of earlier releases prove nothing any more."""
    assert GOLDEN_ENTRY.canonical() == GOLDEN
    assert parse(GOLDEN) == GOLDEN_ENTRY


@given(ENTRIES)
def test_an_entry_is_read_back_as_it_was(entry: Entry) -> None:
    """Every member, whatever it holds."""
    assert parse(entry.canonical()) == entry


@given(ENTRIES, ENTRIES)
def test_different_entries_have_different_bytes(one: Entry, two: Entry) -> None:
    """Nobody can pass one disclosure off as another."""
    assert (one.canonical() == two.canonical()) == (one == two)


@given(ENTRIES)
def test_the_order_in_which_people_were_met_is_not_recorded(entry: Entry) -> None:
    """It would say how a list was sorted, by an attribute that was perhaps not shown."""
    same = replace(entry, subjects=dict(reversed(list(entry.subjects.items()))))
    assert same.canonical() == entry.canonical()


@given(ENTRIES)
def test_any_careful_json_writer_gives_the_same_bytes(entry: Entry) -> None:
    """A verifier needs no code of ours: sorted members, no space, UTF-8 (the common part of RFC 8785)."""
    body = entry.canonical()
    again = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert again.encode() == body
