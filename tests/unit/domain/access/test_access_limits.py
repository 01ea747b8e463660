"""Data that a law forbids to hand out, and how far back an access request reaches."""

from __future__ import annotations

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.domain.access.access_limits import build_access_limits
from discretion.law.load import load_lawbook
from tests.fixtures.clock import parse_ms

CATALOGUE = load_catalogue(None)
LAWBOOK = load_lawbook(None, CATALOGUE)
NOW = parse_ms("2026-11-24T12:00")


@pytest.mark.parametrize("category", ["user.government_id", "user.government_id.passport", "user.biometric"])
@pytest.mark.parametrize("law_keys", [("us-ca",), ("us-ct",), ("us-mn",), ("eu", "us-ca")])
def test_a_category_that_one_law_forbids_is_withheld(category: str, law_keys: tuple[str, ...]) -> None:
    """So are its subcategories; the limit names the law."""
    forbidding_law = build_access_limits(
        CATALOGUE, [LAWBOOK.find_jurisdiction(law_key) for law_key in law_keys], NOW
    ).find_forbidding_law(category)
    assert forbidding_law


@pytest.mark.parametrize(
    ("law_keys", "category"),
    [
        (("eu",), "user.government_id"),
        (("us-ca",), "user.contact.email"),
        (("us-ca",), "user.government_identity"),
        (("us-ca",), "user"),
    ],
)
def test_other_categories_are_not_withheld(law_keys: tuple[str, ...], category: str) -> None:
    """Neither by another law, nor in another category, nor by a common prefix of the name."""
    assert (
        build_access_limits(
            CATALOGUE, [LAWBOOK.find_jurisdiction(law_key) for law_key in law_keys], NOW
        ).find_forbidding_law(category)
        is None
    )


def test_a_law_not_in_force_yet_forbids_nothing() -> None:
    """Connecticut's rule is in force from July 2026."""
    limits = build_access_limits(
        CATALOGUE, [LAWBOOK.find_jurisdiction("us-ct")], parse_ms("2026-06-30T12:00")
    )
    assert limits.find_forbidding_law("user.government_id") is None


def test_access_reaches_as_far_back_as_the_most_generous_law() -> None:
    """California's right reaches back to 2022; the European one has no limit."""
    limits = build_access_limits(CATALOGUE, [LAWBOOK.find_jurisdiction("us-ca")], NOW)
    assert limits.since == parse_ms("2022-01-01T08:00")
    assert (
        build_access_limits(
            CATALOGUE, [LAWBOOK.find_jurisdiction("us-ca"), LAWBOOK.find_jurisdiction("eu")], NOW
        ).since
        == 0
    )
    assert build_access_limits(CATALOGUE, [], NOW).since == 0
