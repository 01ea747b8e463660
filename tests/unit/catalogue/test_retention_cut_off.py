"""How long anything may be kept, and how long it serves one purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.duration import lapse
from discretion.catalogue.load import load
from discretion.catalogue.model import Attribute, Form, Purpose, Use
from discretion.catalogue.retention_cut_off import cut_offs, longest, serves
from tests.fixtures.clock import ms

CATALOGUE = load(None)
EMAIL = CATALOGUE.attributes["contact.email"]
LIMITS = st.lists(st.sampled_from(["", "P1M", "P30D", "P2Y", "P10Y"]), max_size=4)
TIMES = st.integers(ms("1990-01-01"), ms("2060-01-01"))


def use(limit: str) -> Use:
    """A use for a purpose with a retention of its own, or none."""
    purpose: Purpose = EMAIL.uses[0].purpose
    return Use(replace(purpose, retention=limit), Form.CLEAR)


def email(own: str, *limits: str) -> Attribute:
    """An attribute with a retention, for purposes with theirs."""
    return replace(EMAIL, retention=own, uses=tuple(use(one) for one in limits))


@pytest.mark.parametrize(
    ("now", "own", "limits", "since"),
    [
        ("2026-03-31T12:00", "P1M", [""], "2026-02-28T12:00"),
        ("2028-03-31T12:00", "P1M", [""], "2028-02-29T12:00"),
        ("2027-01-31", "P13M", [""], "2025-12-31"),
        ("2025-02-28", "P1Y", [""], "2024-02-28"),
        ("2024-02-29", "P3Y", [""], "2021-02-28"),
        ("2026-03-31", "P3Y", ["P1M", "P30D"], "2026-02-28"),
        ("2026-03-31", "P3Y", ["P1M", ""], "2023-03-31"),
        ("2026-03-31", "P3Y", ["P8Y"], "2023-03-31"),
        ("2026-03-31", "P3Y", [], "2023-03-31"),
    ],
)
def test_its_own_retention_and_no_longer_than_its_longest_purpose(
    now: str, own: str, limits: list[str], since: str
) -> None:
    """Of a month and thirty days, on the last of March, the month is longer: February has no such day."""
    assert longest(email(own, *limits), ms(now)) == ms(since)


@given(st.sampled_from(["P1M", "P13M", "P3Y"]), LIMITS, TIMES)
def test_what_serves_no_purpose_any_more_is_kept_for_none(own: str, limits: list[str], now: int) -> None:
    """It may be kept exactly as long as its attribute says and one of its purposes still has a use for it."""
    kept = email(own, *limits)
    served = [serves(one, kept, now) for one in kept.uses]
    assert longest(kept, now) == min(served, default=lapse(own, now))
    assert all(since >= lapse(own, now) for since in served)


def test_what_nobody_declares_any_more_stays_as_long_as_the_longest() -> None:
    """And not for ever."""
    now = ms("2026-11-24")
    cuts = cut_offs(CATALOGUE, now)
    assert cuts.attribute("contact/fax") == cuts.event("Fax Sent") == lapse("P8Y", now)
    assert cuts.attribute("contact/email") == lapse("P3Y", now)
    assert cuts.event("Product Viewed") == lapse("P13M", now)
