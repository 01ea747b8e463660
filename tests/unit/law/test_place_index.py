"""Which jurisdiction a place is in; what is not sure is unknown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.load import load
from tests.unit.law.small_law import CATALOGUE

BOOK = load(None, CATALOGUE)


@pytest.mark.parametrize(
    ("country", "region", "key"),
    [
        ("DE", None, "eu"),
        ("de", "", "eu"),
        ("Deutschland", "Bayern", "eu"),
        (" germany ", None, "eu"),
        ("DE", "BY", "eu"),
        ("NO", None, "eu"),
        ("IS", None, "eu"),
        ("Österreich", None, "eu"),
        ("osterreich", None, "eu"),
        ("GB", None, "gb"),
        ("UK", "Scotland", "gb"),
        ("CH", "Genève", "ch"),
        ("US", "California", "us-ca"),
        ("US", "CA", "us-ca"),
        ("us", "us-ca", "us-ca"),
        ("United  States", "CALIFORNIA", "us-ca"),
        ("US-TX", None, "us-tx"),
        (None, "US-TX", "us-tx"),
        ("US-TX", "Texas", "us-tx"),
        ("CA", "QC", "ca-qc"),
        ("CA-QC", None, "ca-qc"),
        ("Canada", "Québec", "ca-qc"),
        ("Canada", "quebec", "ca-qc"),
        ("CA", "ON", "ca"),
        ("IN", "Kerala", "in"),
        ("BR", None, "br"),
        ("日本", None, "jp"),
        ("CN", "Guangdong", "cn"),
    ],
)
def test_a_place_has_its_law(country: str | None, region: str | None, key: str) -> None:
    assert BOOK.of_place(country, region) == key


@pytest.mark.parametrize(
    ("country", "region"),
    [
        (None, None),
        ("", ""),
        ("US", None),  # many laws, and nobody said which
        ("US", "Nevada"),  # none is written down
        ("US", "NV"),
        ("US", "Californai"),
        ("CA", None),  # it may be Québec
        ("CA", "Kebek"),
        ("HK", None),
        ("CN", "Hong Kong"),
        ("CN", "CN-TW"),
        ("FR", "Nouvelle-Calédonie"),
        ("GG", None),
        ("ZZ", None),
        ("Atlantis", None),
        ("Atlantis", "US-CA"),
        ("DE", "US-CA"),  # it cannot be both
        ("US-TX", "US-CA"),
        ("US-TX", "California"),
        (None, "California"),
        (None, "Germany"),
        ("EU", None),
        ("unknown", None),
        ("eu-", "-"),
    ],
)
def test_what_is_no_place_or_two_is_unknown(country: str | None, region: str | None) -> None:
    assert BOOK.of_place(country, region) == "unknown"


@given(st.text(max_size=12), st.one_of(st.none(), st.text(max_size=12)))
def test_any_words_lead_to_a_jurisdiction_that_there_is(country: str, region: str | None) -> None:
    assert BOOK.of_place(country, region) in BOOK.jurisdictions
