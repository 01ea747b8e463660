"""The canonical bytes of a ledger entry are stable, because later proofs hash the stored bytes."""

from __future__ import annotations

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from discretion.ledger.entry import LedgerEntry, parse_entry
from tests.unit.ledger.entries import GOLDEN, GOLDEN_ENTRY

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ENTRIES = st.builds(
    LedgerEntry,
    receipt=TEXTS,
    at=st.integers(0, 2**53),
    client=TEXTS,
    actor=TEXTS,
    operation=TEXTS,
    purposes=st.lists(TEXTS, max_size=3).map(tuple),
    attributes=st.lists(st.tuples(TEXTS, TEXTS), max_size=3).map(tuple),
    extra=st.lists(TEXTS, max_size=3).map(tuple),
    subjects=st.dictionaries(st.binary(min_size=16, max_size=16), st.integers(0, 2**200), max_size=5),
)


def test_the_canonical_bytes_of_an_entry_never_change() -> None:
    """The bytes were written by hand; if they change, entries of earlier releases cannot be verified."""
    assert GOLDEN_ENTRY.canonical_bytes() == GOLDEN
    assert parse_entry(GOLDEN) == GOLDEN_ENTRY


@given(ENTRIES)
def test_an_entry_survives_writing_and_parsing(entry: LedgerEntry) -> None:
    """This holds for every member and every value."""
    assert parse_entry(entry.canonical_bytes()) == entry


@given(ENTRIES, ENTRIES)
def test_different_entries_have_different_bytes(first: LedgerEntry, second: LedgerEntry) -> None:
    """One disclosure cannot be presented as another."""
    assert (first.canonical_bytes() == second.canonical_bytes()) == (first == second)


@given(ENTRIES)
def test_the_order_of_subjects_is_not_recorded(entry: LedgerEntry) -> None:
    """The order would reveal how a list was sorted, perhaps by an attribute that was withheld."""
    reordered = replace(entry, subjects=dict(reversed(list(entry.subjects.items()))))
    assert reordered.canonical_bytes() == entry.canonical_bytes()


@given(ENTRIES)
def test_any_canonical_json_writer_gives_the_same_bytes(entry: LedgerEntry) -> None:
    """A verifier needs only sorted members, no whitespace and UTF-8 (the common part of RFC 8785)."""
    body = entry.canonical_bytes()
    rewritten = json.dumps(json.loads(body), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert rewritten.encode() == body
