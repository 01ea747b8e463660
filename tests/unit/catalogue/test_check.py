"""Precedence of sources and computed lists: a catalogue that contradicts itself is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.reserved_source import COMPUTED_SOURCE, CORRECTION_SOURCE
from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

TIER = "    values: [bronze, gold]\n"
SPEND = "    description: Spend.\n    sealed: false\n"
SUM = "{fold: sum, events: [Order Completed], property: total}"
SHOP = "  shop: {channel: web, label: Shop, user_id: email, anonymous_id: cookie}"

BROKEN_CASES = (
    *(
        BrokenCase(
            f"source {name}", SHOP, SHOP.replace("shop", name), f"no source can be called {name!r}", "name"
        )
        for name in (CORRECTION_SOURCE.key, COMPUTED_SOURCE)
    ),
    BrokenCase(
        "unknown source",
        TIER,
        TIER + "    precedence: [shp]\n",
        "'shp' is not a source of this catalogue",
        "Did you mean 'shop'?",
    ),
    BrokenCase(
        "source twice",
        TIER,
        TIER + "    precedence: [shop, shop]\n",
        "commerce.tier names 'shop' twice",
        "Name each source once.",
    ),
    BrokenCase(
        "corrections named",
        TIER,
        TIER + "    precedence: [self]\n",
        "'self' always has precedence",
        "Remove it.",
    ),
    BrokenCase(
        "source of another channel",
        TIER,
        TIER + "    channels: [app]\n    precedence: [shop]\n",
        "commerce.tier never comes from web",
        "It comes from app; remove 'shop'.",
        marker="    precedence: [shop]",
    ),
    BrokenCase(
        "computed with precedence",
        SUM,
        SUM + "\n    precedence: [shop]",
        "commerce.spend is computed and has a precedence",
        "one of the two",
    ),
    BrokenCase("not a list", TIER, TIER + "    precedence: shop\n", "precedence is 'shop'", "a list"),
    BrokenCase(
        "set of one",
        SPEND + f"    computed: {SUM}",
        SPEND + f"    computed: {SUM.replace('sum', 'set')}",
        "commerce.spend cannot be the set",
        "add 'many: true'",
    ),
    BrokenCase(
        "sum of many",
        SPEND + f"    computed: {SUM}",
        SPEND + f"    computed: {SUM}\n    many: true",
        "commerce.spend cannot be the sum",
        "remove 'many'",
        marker="    computed:",
    ),
    BrokenCase(
        "set of nothing",
        SPEND + f"    computed: {SUM}",
        SPEND + "    computed: {fold: set, events: [Order Completed]}\n    many: true",
        "cannot be the set",
        "Name the 'property'",
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_an_invalid_precedence_is_reported_with_line_problem_and_correction(
    case: BrokenCase, tmp_path: Path
) -> None:
    assert_problem_reported(case, tmp_path)


def test_an_attribute_has_the_precedence_of_sources_it_declares(tmp_path: Path) -> None:
    catalogue = load_catalogue(
        write_catalogue(tmp_path, SMALL_CATALOGUE.replace(TIER, TIER + "    precedence: [shop]\n"))
    )
    assert catalogue.attributes["commerce.tier"].precedence == ("shop",)
    assert catalogue.attributes["contact.email"].precedence == ()


@pytest.mark.parametrize("is_list", [False, True])
def test_a_set_is_computed_from_single_values_or_lists(is_list: bool, tmp_path: Path) -> None:
    text = SMALL_CATALOGUE.replace(
        SUM, "{fold: set, events: [Order Completed], property: total}\n    many: true"
    )
    if is_list:
        text = text.replace("  total: {type: Money,", "  total: {type: Money, many: true,")
    assert load_catalogue(write_catalogue(tmp_path, text)).attributes["commerce.spend"].many


def test_only_types_with_an_order_independent_sum_are_summed(tmp_path: Path) -> None:
    """Binary fractions are refused: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    case = BrokenCase(
        "sum of fractions",
        "  total: {type: Money, category",
        "  total: {type: Float, category",
        "commerce.spend cannot be the sum",
        "only Int and Money add up in any order",
        marker="    computed:",
    )
    assert_problem_reported(case, tmp_path)
