"""Who is believed, and what is computed from lists: a catalogue that contradicts itself is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load
from discretion.catalogue.model import COMPUTED, CORRECTIONS
from tests.unit.catalogue.broken_catalogue import Break, assert_told
from tests.unit.catalogue.small_catalogue import SMALL, written

TIER = "    values: [bronze, gold]\n"
SPEND = "    description: Spend.\n    sealed: false\n"
SUM = "{fold: sum, events: [Order Completed], property: total}"
SHOP = "  shop: {channel: web, label: Shop, user_id: email, anonymous_id: cookie}"

BREAKS = (
    *(
        Break(f"source {name}", SHOP, SHOP.replace("shop", name), f"no source can be called {name!r}", "name")
        for name in (CORRECTIONS.key, COMPUTED)
    ),
    Break(
        "unknown source",
        TIER,
        TIER + "    precedence: [shp]\n",
        "'shp' is not a source of this catalogue",
        "Did you mean 'shop'?",
    ),
    Break(
        "source twice",
        TIER,
        TIER + "    precedence: [shop, shop]\n",
        "commerce.tier names 'shop' twice",
        "Name each source once.",
    ),
    Break(
        "corrections named",
        TIER,
        TIER + "    precedence: [self]\n",
        "'self' always goes first",
        "Take it out.",
    ),
    Break(
        "source of another channel",
        TIER,
        TIER + "    channels: [app]\n    precedence: [shop]\n",
        "commerce.tier never comes from web",
        "It comes from app; take 'shop' out.",
        at="    precedence: [shop]",
    ),
    Break(
        "computed with precedence",
        SUM,
        SUM + "\n    precedence: [shop]",
        "commerce.spend is computed and has a precedence",
        "one of the two",
    ),
    Break("not a list", TIER, TIER + "    precedence: shop\n", "precedence is 'shop'", "a list"),
    Break(
        "set of one",
        SPEND + f"    computed: {SUM}",
        SPEND + f"    computed: {SUM.replace('sum', 'set')}",
        "commerce.spend cannot be the set",
        "add 'many: true'",
    ),
    Break(
        "sum of many",
        SPEND + f"    computed: {SUM}",
        SPEND + f"    computed: {SUM}\n    many: true",
        "commerce.spend cannot be the sum",
        "take 'many' out",
        at="    computed:",
    ),
    Break(
        "set of nothing",
        SPEND + f"    computed: {SUM}",
        SPEND + "    computed: {fold: set, events: [Order Completed]}\n    many: true",
        "cannot be the set",
        "Name the 'property'",
    ),
)


@pytest.mark.parametrize("case", BREAKS, ids=lambda case: case.name)
def test_an_order_that_cannot_be_is_told_by_file_line_wrong_and_right(case: Break, tmp_path: Path) -> None:
    assert_told(case, tmp_path)


def test_sources_are_believed_in_the_order_an_attribute_names_them(tmp_path: Path) -> None:
    known = load(written(tmp_path, SMALL.replace(TIER, TIER + "    precedence: [shop]\n")))
    assert known.attributes["commerce.tier"].precedence == ("shop",)
    assert known.attributes["contact.email"].precedence == ()


@pytest.mark.parametrize("many", [False, True])
def test_a_set_gathers_values_that_come_one_by_one_or_in_lists(many: bool, tmp_path: Path) -> None:
    text = SMALL.replace(SUM, "{fold: set, events: [Order Completed], property: total}\n    many: true")
    if many:
        text = text.replace("  total: {type: Money,", "  total: {type: Money, many: true,")
    assert load(written(tmp_path, text)).attributes["commerce.spend"].many


def test_only_what_adds_up_in_any_order_is_summed(tmp_path: Path) -> None:
    """Not binary fractions: 0.1 + 0.2 + 0.3 is not 0.3 + 0.2 + 0.1."""
    wrong = Break(
        "sum of fractions",
        "  total: {type: Money, category",
        "  total: {type: Float, category",
        "commerce.spend cannot be the sum",
        "only Int and Money add up in any order",
        at="    computed:",
    )
    assert_told(wrong, tmp_path)
