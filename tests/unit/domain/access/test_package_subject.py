"""Stored values are shown in their clear form."""

from __future__ import annotations

from discretion.catalogue.model import ValueType
from discretion.domain.access.package_subject import format_clear


def test_a_time_and_each_of_several_are_shown_as_text() -> None:
    assert format_clear(ValueType.DATETIME, 0) == "1970-01-01T00:00:00.000Z"
    assert format_clear(ValueType.DATETIME, [0, 1]) == [
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:00.001Z",
    ]


def test_text_is_shown_as_it_is_stored() -> None:
    assert format_clear(ValueType.STRING, "gold") == "gold"


def test_a_value_that_the_person_removed_is_none_of_any_type() -> None:
    assert [format_clear(value_type, None) for value_type in ValueType] == [None] * len(ValueType)
