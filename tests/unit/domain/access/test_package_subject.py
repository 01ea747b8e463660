"""Stored values are shown in their clear form."""

from __future__ import annotations

from discretion.catalogue.model import Attribute, ValueType
from discretion.domain.access.package_subject import format_clear


def build_attribute(value_type: ValueType, *, many: bool = False, currency: str = "") -> Attribute:
    """Return an attribute of a type."""
    return Attribute("a.b", 1, value_type, "user", "", (), "P1Y", sealed=False, many=many, currency=currency)


def test_a_time_and_each_of_several_are_shown_as_text() -> None:
    assert format_clear(build_attribute(ValueType.DATETIME), 0) == "1970-01-01T00:00:00.000Z"
    assert format_clear(build_attribute(ValueType.DATETIME, many=True), [0, 1]) == [
        "1970-01-01T00:00:00.000Z",
        "1970-01-01T00:00:00.001Z",
    ]


def test_money_is_shown_with_its_currency() -> None:
    assert format_clear(build_attribute(ValueType.MONEY, currency="JPY"), 1000) == {
        "amount": "1000",
        "currency": "JPY",
    }
    assert format_clear(build_attribute(ValueType.MONEY, many=True), [[5, "EUR"], [5, "KWD"]]) == [
        {"amount": "0.05", "currency": "EUR"},
        {"amount": "0.005", "currency": "KWD"},
    ]


def test_text_is_shown_as_it_is_stored() -> None:
    assert format_clear(build_attribute(ValueType.STRING), "gold") == "gold"


def test_a_value_that_the_person_removed_is_none_of_any_type() -> None:
    attributes = [build_attribute(value_type) for value_type in ValueType]
    assert [format_clear(attribute, None) for attribute in attributes] == [None] * len(ValueType)
