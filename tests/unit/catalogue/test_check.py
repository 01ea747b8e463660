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
SHOPS = "{fold: set, events: [Order Completed], property: shop}"
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
        TIER,
        TIER + f"    computed: {SHOPS}\n",
        "commerce.tier cannot be the set",
        "add 'many: true'",
        marker=f"    computed: {SHOPS}",
    ),
    BrokenCase(
        "set of money",
        SPEND + f"    computed: {SUM}",
        SPEND + f"    computed: {SUM.replace('sum', 'set')}",
        "commerce.spend cannot be the set",
        "Money is only summed",
    ),
    BrokenCase(
        "list of one value",
        TIER,
        TIER + f"    many: true\n    computed: {SHOPS.replace('set', 'most_frequent')}\n",
        "commerce.tier cannot be the most_frequent",
        "remove 'many'",
        marker=f"    computed: {SHOPS.replace('set', 'most_frequent')}",
    ),
    BrokenCase(
        "set of nothing",
        TIER,
        TIER + "    many: true\n    computed: {fold: set, events: [Order Completed]}\n",
        "cannot be the set",
        "Name the 'property'",
        marker="    computed: {fold: set",
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
    text = SMALL_CATALOGUE.replace(TIER, TIER + f"    many: true\n    computed: {SHOPS}\n")
    text = text.replace("stated_by: shop", "stated_by: order_id").replace("values: [bronze, gold]\n    ", "")
    if is_list:
        text = text.replace("  shop: {type: String,", "  shop: {type: String, many: true,")
    assert load_catalogue(write_catalogue(tmp_path, text)).attributes["commerce.tier"].many


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
