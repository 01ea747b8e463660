"""Attributes without a number, shared numbers and numbers that change their meaning are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from discretion.catalogue.attribute_register import render_register
from discretion.catalogue.load import load_catalogue
from discretion.errors import Misconfigured
from tests.unit.catalogue.broken_catalogue import BrokenCase, assert_problem_reported
from tests.unit.catalogue.small_catalogue import SMALL_CATALOGUE, write_catalogue

TIER = """\
  commerce.tier:
    number: 3
    type: String
    category: user.account.settings
    description: Tier.
    values: [bronze, gold]
    sealed: false
"""
VALUES = "    values: [bronze, gold]\n"

BROKEN_CASES = (
    BrokenCase(
        "no number",
        "  commerce.tier:\n    number: 3\n",
        "  commerce.tier:\n",
        "commerce.tier has no number",
        "Add 'number: 5', the next free one.",
        marker="  commerce.tier:",
    ),
    BrokenCase(
        "shared number",
        "number: 3\n",
        "number: 1\n",
        "number 1 of 'commerce.tier' is the number of 'contact.email'",
        "The next free one is 5.",
        marker="    number: 1\n    type: String\n    category: user.account",
    ),
    BrokenCase("zero", "number: 3", "number: 0", "number is '0'", "a number of at least 1"),
    BrokenCase("no integer", "number: 3", "number: third", "number is 'third'", "a whole number"),
    BrokenCase(
        "left out numbers", "number: 4", "number: 7", "number 7 of 'commerce.spend' leaves out 4", "Take 4"
    ),
)


@pytest.mark.parametrize("case", BROKEN_CASES, ids=lambda case: case.name)
def test_a_wrong_number_is_reported_with_line_problem_and_correction(
    case: BrokenCase, tmp_path: Path
) -> None:
    assert_problem_reported(case, tmp_path)


def test_each_attribute_without_a_number_gets_another_free_one(tmp_path: Path) -> None:
    text = SMALL_CATALOGUE.replace("    number: 2\n", "").replace("    number: 3\n", "")
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(tmp_path, text))
    message = str(refusal.value)
    assert "contact.address.postalCode has no number. Add 'number: 5'" in message
    assert "commerce.tier has no number. Add 'number: 6'" in message


REGISTERED_CASES = (
    (
        "reuse",
        SMALL_CATALOGUE.replace("commerce.tier:", "commerce.level:"),
        "small.yaml:34: number 3 of 'commerce.level' belongs to 'commerce.tier'. Take the next free one, 5.",
    ),
    (
        "type",
        SMALL_CATALOGUE.replace(
            TIER, TIER.replace("String", "Int").replace("    values: [bronze, gold]\n", "")
        ),
        "'commerce.tier' was String under number 3 and is Int now. Make it String again, or give it number 5",
    ),
    (
        "list",
        SMALL_CATALOGUE.replace(TIER, TIER + "    many: true\n"),
        "'commerce.tier' was String under number 3 and is [String] now.",
    ),
    (
        "seal",
        SMALL_CATALOGUE.replace(TIER, TIER.replace("sealed: false", "sealed: true")),
        "'commerce.tier' was open under number 3 and is sealed now. Make it 'sealed: false' again",
    ),
    (
        "seal by a default",
        SMALL_CATALOGUE.replace(TIER, TIER.replace("    sealed: false\n", "")),
        "'commerce.tier' was open under number 3 and is sealed now",
    ),
    (
        "forgotten number",
        SMALL_CATALOGUE.replace("    number: 3\n", ""),
        "commerce.tier has no number. Add 'number: 3', which the register has for it.",
    ),
)


@pytest.mark.parametrize(
    ("text", "message"), [case[1:] for case in REGISTERED_CASES], ids=[case[0] for case in REGISTERED_CASES]
)
def test_a_number_keeps_the_meaning_it_is_registered_with(tmp_path: Path, text: str, message: str) -> None:
    folder = write_catalogue(tmp_path)
    (folder / "numbers.yaml").write_text(render_register(load_catalogue(folder).register), "utf-8")
    load_catalogue(folder)
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(write_catalogue(folder, text))
    assert message in str(refusal.value)


def test_a_retired_number_is_never_given_again(tmp_path: Path) -> None:
    """Neither to another attribute nor to the same one; the next free number is beyond it."""
    folder = write_catalogue(tmp_path)
    register_file = folder / "numbers.yaml"
    register_file.write_text(render_register(load_catalogue(folder).register), "utf-8")
    without_spend = SMALL_CATALOGUE.partition("  commerce.spend:")[0] + (
        "identifiers:" + SMALL_CATALOGUE.partition("identifiers:")[2]
    )
    register_file.write_text(
        render_register(load_catalogue(write_catalogue(folder, without_spend)).register), "utf-8"
    )
    assert (
        "  4: {path: commerce.spend, type: Money EUR, sealed: false, retired: true}"
        in register_file.read_text()
    )
    assert set(load_catalogue(folder).attributes_by_key) == {"1", "2", "3"}
    for text, fault in (
        (SMALL_CATALOGUE, "number 4 of 'commerce.spend' is retired. Take the next free one, 5."),
        (
            SMALL_CATALOGUE.replace("commerce.spend", "commerce.total"),
            "belongs to 'commerce.spend', which is",
        ),
    ):
        with pytest.raises(Misconfigured) as refusal:
            load_catalogue(write_catalogue(folder, text))
        assert fault in str(refusal.value)


@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_removed_line_of_the_register_is_reported(tmp_path: Path, number: int) -> None:
    """Also the last one: the register says how many numbers were given."""
    folder = write_catalogue(tmp_path)
    lines = render_register(load_catalogue(folder).register).splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith(f"  {number}: ")]
    (folder / "numbers.yaml").write_text("".join(kept), "utf-8")
    with pytest.raises(Misconfigured) as refusal:
        load_catalogue(folder)
    assert f"the register has no line for number {number}. Restore it" in str(refusal.value)


def test_the_register_is_in_one_file(tmp_path: Path) -> None:
    folder = write_catalogue(tmp_path)
    text = render_register(load_catalogue(folder).register)
    for name in ("a.yaml", "numbers.yaml"):
        (folder / name).write_text(text, "utf-8")
    with pytest.raises(Misconfigured, match="'numbers' is declared twice"):
        load_catalogue(folder)
