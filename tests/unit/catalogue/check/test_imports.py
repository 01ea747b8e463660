"""Imports: a mapping that names something undeclared, identifies nobody or fills nothing is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.check.imports import STATEMENT_METHODS
from discretion.catalogue.load import load_catalogue
from discretion.store.consent_event import StatementMethod
from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

TIME = "time: {column: day, format: '%d.%m.%Y'}"
USER = "    user_id: mail\n"
ZIP = "      address.postalCode: zip\n"
AMOUNT = "properties: {total: amount}"
WANTED = "      - purposes: {functional.service: {column: wanted, codes: {J: 'true'}}}\n"
ORDER = "      Order Completed:\n        properties: {total"

BROKEN_CASES = (
    BrokenCase(
        "unknown source", "source: shop\n", "source: shp\n", "'shp' is not a source", "Did you mean 'shop'?"
    ),
    BrokenCase("nobody", USER, "", "past names nobody", "Add 'user_id' or 'anonymous_id'", marker="  past:"),
    BrokenCase(
        "a trait of no attribute",
        ZIP,
        "      address.postcode: zip\n",
        "'address.postcode' is not a trait that web supplies",
        "Did you mean 'address.postalCode'?",
    ),
    BrokenCase(
        "events without a key",
        "    key: [number]\n",
        "",
        "past has events and no 'key'",
        "so that an event counts once",
        marker="    events:\n      Order Completed:\n        properties: {total",
    ),
    BrokenCase(
        "an unknown event",
        ORDER,
        ORDER.replace("Completed", "Complete"),
        "'Order Complete' is not an event of this catalogue",
        "Did you mean 'Order Completed'?",
    ),
    BrokenCase(
        "an event of another channel",
        "    channels: [web]\n    required",
        "    channels: [app]\n    required",
        "'Order Completed' never comes from web",
        "It comes from app.",
        marker="      Order Completed:\n        properties: {total",
    ),
    BrokenCase(
        "a required property without a column",
        AMOUNT,
        "properties: {shop: amount}",
        "Order Completed has no 'total', which it always has",
        "Add it",
    ),
    BrokenCase(
        "a property of another event",
        AMOUNT,
        "properties: {total: amount, shp: s}",
        "'shp' is not a property of Order Completed",
        "Did you mean 'shop'?",
    ),
    BrokenCase(
        "a day without a year",
        TIME,
        TIME.replace(".%Y", "."),
        "time has the format '%d.%m.', which reads no day",
        "such as %d.%m.%Y",
    ),
    BrokenCase(
        "a format of text",
        ZIP,
        "      address.postalCode: {column: zip, format: '%Y'}\n",
        "has a format and is String",
        "remove it",
    ),
    BrokenCase(
        "a separator of a single value",
        ZIP,
        "      address.postalCode: {column: zip, separator: '|'}\n",
        "has a separator and is no list",
        "Remove it.",
    ),
    BrokenCase(
        "a column and a value",
        ZIP,
        "      address.postalCode: {column: zip, value: x}\n",
        "has a column and a value",
        "Remove one of the two.",
    ),
    BrokenCase(
        "neither a column nor a value",
        ZIP,
        "      address.postalCode: {separator: x}\n",
        "has no 'column'",
        "Add it",
    ),
    BrokenCase(
        "a misspelt key",
        ZIP,
        "      address.postalCode: {colum: zip}\n",
        "has an unknown key 'colum'",
        "Did you mean 'column'?",
    ),
    BrokenCase(
        "an unknown purpose",
        WANTED,
        WANTED.replace("functional", "functionl"),
        "'functionl.service' is not a purpose of this catalogue",
        "Did you mean 'functional.service'?",
    ),
    BrokenCase(
        "a code that is neither yes nor no",
        WANTED,
        WANTED.replace("'true'", "maybe"),
        "turns 'J' into 'maybe'",
        "It takes true or false.",
    ),
    BrokenCase(
        "a constant that is neither yes nor no",
        WANTED,
        "      - purposes: {functional.service: {value: J}}\n",
        "is 'J'",
        "It takes true or false.",
    ),
    BrokenCase(
        "an unknown method",
        WANTED,
        WANTED + "        method: {value: clik}\n",
        "'clik' is not how a statement is made",
        "explicit_click",
    ),
    BrokenCase(
        "a guardian at a source that may not report them",
        WANTED,
        WANTED + "        guardian: file\n",
        "the source may not report choices of guardians",
        "guardians: true",
    ),
    BrokenCase(
        "an unknown identifier type",
        USER,
        USER + "    identifiers: {emal: mail}\n",
        "'emal' is not an identifier type of this catalogue",
        "Did you mean 'email'?",
    ),
    BrokenCase(
        "an assurance above that of the source",
        USER,
        USER + "    identifiers: {email: {column: c, assurance: proven}}\n",
        "'shop' may not assert that 'email' is proven",
        "Make it claimed",
    ),
    BrokenCase(
        "an unknown assurance",
        USER,
        USER + "    identifiers: {cookie: {column: c, assurance: prooven}}\n",
        "assurance is 'prooven'",
        "Did you mean 'proven'?",
    ),
    BrokenCase(
        "an unknown zone", USER, USER + "    zone: Mars/Base\n", "'Mars/Base' is not a time zone", "Europe"
    ),
    BrokenCase(
        "an unknown encoding", USER, USER + "    encoding: utf-9\n", "'utf-9' is not an encoding", "utf-8"
    ),
    BrokenCase("a decimal mark", USER, USER + "    decimal: x\n", "decimal is 'x'", "It takes . or ,"),
    BrokenCase(
        "a long delimiter", USER, USER + "    delimiter: '||'\n", "delimiter is '||'", "one character"
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_a_broken_mapping_is_refused_with_its_line_and_a_correction(case: BrokenCase, tmp_path: Path) -> None:
    assert_problem_reported(case, tmp_path)


def test_a_mapping_that_fills_nothing_is_refused(tmp_path: Path) -> None:
    text = SMALL_CATALOGUE[: SMALL_CATALOGUE.index("    traits:\n" + ZIP)]
    with pytest.raises(Exception, match="past fills nothing"):
        load_catalogue(write_catalogue(tmp_path, text))


def test_a_mapping_names_each_column_that_it_needs_once(tmp_path: Path) -> None:
    mapping = load_catalogue(write_catalogue(tmp_path)).imports["past"]
    assert sorted(mapping.columns) == ["amount", "day", "mail", "number", "wanted", "zip"]


def test_a_mapping_does_not_change_the_rules(tmp_path: Path) -> None:
    """A new mapping needs no ``discretion rules activate``, but is another mapping to the import."""
    before = load_catalogue(write_catalogue(tmp_path))
    after = load_catalogue(write_catalogue(tmp_path, SMALL_CATALOGUE.replace("total: amount", "total: sum")))
    assert after.version == before.version
    assert after.imports["past"].version != before.imports["past"].version


def test_every_method_of_a_statement_may_be_imported() -> None:
    assert set(STATEMENT_METHODS) == {method.value for method in StatementMethod}
