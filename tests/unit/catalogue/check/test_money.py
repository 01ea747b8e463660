"""A catalogue with money that could not add up, or with names for two things, is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.load import load_catalogue
from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

MONEY = "money: {currency: EUR, stated_by: shop}"
SUM = "{fold: sum, events: [Order Completed], property: total}"
ORDER_ID = "  order_id: {type: String, category: user.behavior.purchase_history, description: Order.}"
TABLE = "exchange_rates: {base: EUR, source: Bank, rates: {2026-01-01: {USD: 1.1}}}\n"
COMPUTED, SPEND, TIER, RATES = "    computed:", "  commerce.spend:", "  commerce.tier:", "exchange_rates:"
NO_CURRENCY, NOT_COMPUTED = "has no sound currency", "cannot be computed by this"
LAST = "    distinct_by: [[order_id]]\n"
OBJECT = ORDER_ID.replace("String", "Object").replace("}", ", many: true}")
OTHER = "  Other:\n    aliases: [order_completed]\n    category: user.behavior\n    description: Other.\n"


def change_sum(members: str) -> str:
    """Return the rule of the small catalogue's sum with more members."""
    return SUM.replace("}", f", {members}}}")


BROKEN_CASES = (
    BrokenCase(
        "no rules of money",
        MONEY,
        "",
        "total is Money of no currency",
        "Add 'money:'",
        "  total: {type: Money",
    ),
    BrokenCase("unknown currency", MONEY, MONEY.replace("EUR", "EURO"), "'EURO' is not a currency", "EUR"),
    BrokenCase("gold", MONEY, MONEY.replace("EUR", "XAU"), "'XAU' is not a currency", ""),
    BrokenCase("stated by money", MONEY, MONEY.replace("shop", "total"), "'total' is not a property", "shop"),
    BrokenCase("no currency", "    currency: EUR\n", "", NO_CURRENCY, "Add 'currency:'", SPEND),
    BrokenCase(
        "currency of text",
        "    description: Tier.\n",
        "    description: Tier.\n    currency: EUR\n",
        NO_CURRENCY,
        "Only Money",
        TIER,
    ),
    BrokenCase("unkeyed sum", LAST, "", NOT_COMPUTED, "each order once", COMPUTED),
    BrokenCase("optional key", SUM, change_sum("key: order_id"), NOT_COMPUTED, "required property"),
    BrokenCase("less without key", SUM, change_sum("less: [Order Completed]"), NOT_COMPUTED, "needs a 'key'"),
    BrokenCase("less nothing", SUM, change_sum("key: total, less: [Order]"), NOT_COMPUTED, "Order Completed"),
    BrokenCase("no rates", SUM, change_sum("converts: true"), NO_CURRENCY, "Add rates", SPEND),
    BrokenCase("distinct by nothing", LAST, LAST.replace("order", "ordr"), "has no property", "order_id"),
    BrokenCase(
        "rates of nothing", MONEY, f"{MONEY}\n{TABLE.replace('USD', 'USX')}", "'USX' is not", "", RATES
    ),
    BrokenCase("no date", MONEY, f"{MONEY}\n{TABLE.replace('2026-01-01', 'soon')}", "soon", "date", RATES),
    BrokenCase("no members", ORDER_ID, OBJECT, "order_id has no sound members", "An object"),
    BrokenCase("event alias twice", LAST, LAST + OTHER, "is also a name of", "punctuation", "  Other:"),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_what_does_not_add_up_is_reported_with_its_line_and_a_correction(
    case: BrokenCase, tmp_path: Path
) -> None:
    assert_problem_reported(case, tmp_path)


def test_rates_are_those_of_the_date(tmp_path: Path) -> None:
    """A column is in force from its date on; before the first there is none."""
    rates = load_catalogue(write_catalogue(tmp_path, SMALL_CATALOGUE + TABLE)).money.rates
    assert (rates.base, rates.source, rates.starts) == ("EUR", "Bank", (1_767_225_600_000,))
