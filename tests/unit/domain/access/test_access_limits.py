"""What a law forbids to hand out, and how far back it looks."""

from __future__ import annotations

import pytest

from discretion.catalogue.load import load
from discretion.domain.access.access_limits import limits
from discretion.law.load import load as load_law
from tests.fixtures.clock import ms

CATALOGUE = load(None)
LAWBOOK = load_law(None, CATALOGUE)
NOW = ms("2026-11-24T12:00")


@pytest.mark.parametrize("category", ["user.government_id", "user.government_id.passport", "user.biometric"])
@pytest.mark.parametrize("laws", [("us-ca",), ("us-ct",), ("us-mn",), ("eu", "us-ca")])
def test_what_one_law_forbids_is_withheld(category: str, laws: tuple[str, ...]) -> None:
    """With those kinds below it, and with where the law says so."""
    law = limits(CATALOGUE, [LAWBOOK.of(one) for one in laws], NOW).forbids(category)
    assert law


@pytest.mark.parametrize(
    ("laws", "category"),
    [
        (("eu",), "user.government_id"),
        (("us-ca",), "user.contact.email"),
        (("us-ca",), "user.government_identity"),
        (("us-ca",), "user"),
    ],
)
def test_nothing_else_is(laws: tuple[str, ...], category: str) -> None:
    """Not by another law, not of another kind, and not what merely begins alike."""
    assert limits(CATALOGUE, [LAWBOOK.of(one) for one in laws], NOW).forbids(category) is None


def test_a_law_not_in_force_yet_forbids_nothing() -> None:
    """Connecticut's rule holds from July 2026."""
    before = limits(CATALOGUE, [LAWBOOK.of("us-ct")], ms("2026-06-30T12:00"))
    assert before.forbids("user.government_id") is None


def test_as_far_back_as_the_law_that_looks_furthest() -> None:
    """California looks back to 2022, Europe all the way."""
    california = limits(CATALOGUE, [LAWBOOK.of("us-ca")], NOW)
    assert california.since == ms("2022-01-01T08:00")
    assert limits(CATALOGUE, [LAWBOOK.of("us-ca"), LAWBOOK.of("eu")], NOW).since == 0
    assert limits(CATALOGUE, [], NOW).since == 0
