"""A number means one attribute for ever: registers are compared, extended and never shortened."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from discretion.catalogue.attribute_register import (
    Register,
    RegisteredAttribute,
    extend_register,
    find_next_number,
    find_register_conflicts,
    render_register,
)

EMAIL = RegisteredAttribute(1, "contact.email", "String", sealed=True)
SIZES = RegisteredAttribute(2, "preferences.sizes", "[Int]", sealed=False)
GONE = RegisteredAttribute(3, "contact.fax", "String", sealed=True, retired=True)
BEFORE: Register = {attribute.number: attribute for attribute in (EMAIL, SIZES, GONE)}

CHANGES: tuple[tuple[str, int, dict[str, Any], str, str], ...] = (
    (
        "other attribute",
        1,
        {"path": "contact.mail"},
        "number 1 of 'contact.mail' belongs to 'contact.email'",
        "Take the next free one, 4.",
    ),
    (
        "other attribute after retirement",
        3,
        {"path": "contact.telex", "retired": False},
        "belongs to 'contact.fax', which is retired",
        "Take the next free one, 4.",
    ),
    ("revived", 3, {"retired": False}, "number 3 of 'contact.fax' is retired", "4"),
    ("type", 1, {"type": "Int"}, "'contact.email' was String under number 1 and is Int now", "number 4"),
    (
        "list",
        2,
        {"type": "Int"},
        "'preferences.sizes' was [Int] under number 2 and is Int now",
        "[Int] again",
    ),
    ("opened", 1, {"sealed": False}, "was sealed under number 1 and is open now", "'sealed: true' again"),
    ("sealed", 2, {"sealed": True}, "was open under number 2 and is sealed now", "give it number 4"),
)

attributes = st.builds(
    RegisteredAttribute,
    number=st.integers(1, 6),
    path=st.sampled_from(["contact.email", "contact.fax", "web.tags"]),
    type=st.sampled_from(["String", "[String]", "Int"]),
    sealed=st.booleans(),
)
declared_attributes = st.lists(attributes, unique_by=lambda attribute: attribute.number)


@pytest.mark.parametrize(
    ("number", "change", "fault", "advice"),
    [case[1:] for case in CHANGES],
    ids=[case[0] for case in CHANGES],
)
def test_a_changed_meaning_of_a_number_is_a_conflict(
    number: int, change: dict[str, Any], fault: str, advice: str
) -> None:
    after = {**BEFORE, number: replace(BEFORE[number], **change)}
    (conflict,) = find_register_conflicts(BEFORE, after)
    assert conflict.number == number
    assert fault in conflict.fault
    assert advice in conflict.advice


@pytest.mark.parametrize("number", list(BEFORE))
def test_a_removed_line_is_a_conflict(number: int) -> None:
    after = {key: attribute for key, attribute in BEFORE.items() if key != number}
    (conflict,) = find_register_conflicts(BEFORE, after)
    assert conflict.fault == f"number {number} of {BEFORE[number].path!r} is missing"
    assert "numbers.yaml" in conflict.advice


def test_added_and_retired_numbers_are_no_conflict() -> None:
    after = {**BEFORE, 1: replace(EMAIL, retired=True), 4: replace(EMAIL, number=4)}
    assert find_register_conflicts(BEFORE, after) == []


def test_the_next_number_is_above_all_that_were_given() -> None:
    assert find_next_number() == 1
    assert find_next_number(BEFORE, {9: replace(EMAIL, number=9)}) == 10


@given(st.lists(declared_attributes, max_size=5))
def test_no_catalogue_removes_or_changes_a_line(catalogues: list[list[RegisteredAttribute]]) -> None:
    """Whatever catalogues follow each other, earlier lines stay, and a retired one stays retired."""
    register: Register = {}
    for declared in catalogues:
        extended = extend_register(register, declared)
        assert find_register_conflicts(register, extended) == []
        assert extended.keys() == register.keys() | {attribute.number for attribute in declared}
        assert {number for number, line in extended.items() if not line.retired} <= {
            attribute.number for attribute in declared
        }
        register = extended


@given(declared_attributes)
def test_the_rendered_register_is_yaml_that_says_the_same(declared: list[RegisteredAttribute]) -> None:
    register = extend_register(BEFORE, declared)
    document = yaml.safe_load(render_register(register))
    assert document["numbers_given"] == max(register)
    assert {
        number: RegisteredAttribute(number, **line) for number, line in document["numbers"].items()
    } == register
