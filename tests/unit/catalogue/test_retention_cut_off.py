"""How long a value may be stored, and how long it may be used for one purpose."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.duration import subtract_duration
from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, Form, Purpose, Use
from discretion.catalogue.retention_cut_off import compute_cut_off, compute_cut_offs, compute_use_cut_off
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.clock import parse_ms

CATALOGUE = load_catalogue(None)
EMAIL = CATALOGUE.attributes["contact.email"]
PURPOSE_RETENTIONS = st.lists(st.sampled_from(["", "P1M", "P30D", "P2Y", "P10Y"]), max_size=4)
TIMES = st.integers(parse_ms("1990-01-01"), parse_ms("2060-01-01"))


def build_use(purpose_retention: str) -> Use:
    """Build a use for a purpose with this retention; an empty text is none."""
    purpose: Purpose = EMAIL.uses[0].purpose
    return Use(replace(purpose, retention=purpose_retention), Form.CLEAR)


def build_email(retention: str, *purpose_retentions: str) -> Attribute:
    """Build an e-mail attribute with a retention, for purposes with these retentions."""
    return replace(
        EMAIL,
        retention=retention,
        uses=tuple(build_use(purpose_retention) for purpose_retention in purpose_retentions),
    )


@pytest.mark.parametrize(
    ("now", "retention", "purpose_retentions", "cut_off"),
    [
        ("2026-03-31T12:00", "P1M", [""], "2026-03-01"),
        ("2028-03-31T12:00", "P1M", [""], "2028-03-01"),
        ("2027-01-31", "P13M", [""], "2025-12-31"),
        ("2025-02-28", "P1Y", [""], "2024-02-28"),
        ("2024-02-29", "P3Y", [""], "2021-03-01"),
        ("2026-03-31", "P3Y", ["P1M", "P20D"], "2026-03-01"),
        ("2026-03-31", "P3Y", ["P1M", ""], "2023-03-31"),
        ("2026-03-31", "P3Y", ["P8Y"], "2023-03-31"),
        ("2026-03-31", "P3Y", [], "2023-03-31"),
    ],
)
def test_retention_is_limited_by_the_longest_purpose(
    now: str, retention: str, purpose_retentions: list[str], cut_off: str
) -> None:
    """On 31 March, one month reaches back to the end of February, which has no such day."""
    assert compute_cut_off(build_email(retention, *purpose_retentions), parse_ms(now)) == parse_ms(cut_off)


@given(st.sampled_from(["P1M", "P13M", "P3Y"]), PURPOSE_RETENTIONS, TIMES)
def test_a_value_is_stored_only_while_a_purpose_uses_it(
    retention: str, purpose_retentions: list[str], now: int
) -> None:
    """It is stored as long as both its attribute and one of its purposes allow it."""
    attribute = build_email(retention, *purpose_retentions)
    use_cut_offs = [compute_use_cut_off(use, attribute, now) for use in attribute.uses]
    assert compute_cut_off(attribute, now) == min(use_cut_offs, default=subtract_duration(retention, now))
    assert all(cut_off >= subtract_duration(retention, now) for cut_off in use_cut_offs)


def test_undeclared_data_has_the_longest_retention() -> None:
    """It is not stored for ever."""
    now = parse_ms("2026-11-24")
    cut_offs = compute_cut_offs(CATALOGUE, now)
    assert (
        cut_offs.find_attribute_cut_off("9999")
        == cut_offs.find_event_cut_off("Fax Sent")
        == subtract_duration("P8Y", now)
    )
    assert cut_offs.find_attribute_cut_off(KEYS["contact.email"]) == subtract_duration("P3Y", now)
    assert cut_offs.find_event_cut_off("Product Viewed") == subtract_duration("P13M", now)
