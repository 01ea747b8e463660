"""The jurisdiction of a place; an unknown or ambiguous place has the jurisdiction ``unknown``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.law.load import load_lawbook
from discretion.law.place_index import Territory, build_place_index, find_jurisdiction_key
from tests.unit.law.small_law import CATALOGUE

BOOK = load_lawbook(None, CATALOGUE)


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
def test_a_place_has_its_jurisdiction(country: str | None, region: str | None, key: str) -> None:
    assert BOOK.find_key_of_place(country, region) == key


@pytest.mark.parametrize(
    ("country", "region"),
    [
        (None, None),
        ("", ""),
        ("US", None),  # several laws, and no state is given
        ("US", "Nevada"),  # no law in the lawbook
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
        ("DE", "US-CA"),  # a contradiction
        ("US-TX", "US-CA"),
        ("US-TX", "California"),
        (None, "California"),
        (None, "Germany"),
        ("EU", None),
        ("unknown", None),
        ("eu-", "-"),
    ],
)
def test_an_unknown_or_ambiguous_place_is_unknown(country: str | None, region: str | None) -> None:
    assert BOOK.find_key_of_place(country, region) == "unknown"


@given(st.text(max_size=12), st.one_of(st.none(), st.text(max_size=12)))
def test_any_text_gives_an_existing_jurisdiction(country: str, region: str | None) -> None:
    assert BOOK.find_key_of_place(country, region) in BOOK.jurisdictions


@pytest.mark.parametrize("order", [1, -1])
def test_a_place_that_one_law_excludes_has_the_law_that_includes_it(order: int) -> None:
    """In any order of the files."""
    country = Territory("country", ("AA",), ("AA-1", "AA-2"), {"AA": ("Aland",), "AA-1": ("Isle",)})
    part = Territory("part", ("AA-1",), (), {"AA-1": ("Island",)})
    place_index = build_place_index([country, part][::order])
    assert find_jurisdiction_key(place_index, "AA", "Isle") == "part"
    assert find_jurisdiction_key(place_index, "AA", "Island") == "part"
    assert find_jurisdiction_key(place_index, "AA", "AA-2") == "unknown"
    assert find_jurisdiction_key(place_index, "AA", "AA-3") == "country"
