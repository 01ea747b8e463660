"""The shape of a value says its type and a class of its length, and nothing of its content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from discretion.domain.ingest.tracking_plan.value_shape import describe_shape


@pytest.mark.parametrize(
    ("value", "shape"),
    [
        ("", "text of no characters"),
        ("abc", "text of 1 to 10 characters"),
        ("x" * 11, "text of 11 to 50 characters"),
        ("x" * 500, "text of 51 to 500 characters"),
        ("x" * 501, "text of more than 500 characters"),
        (7, "whole number"),
        (7.5, "decimal number"),
        (True, "true or false"),
        (None, "null"),
        ([], "list of no items: nothing"),
        ([1, 2], "list of 1 to 10 items: whole number"),
        ([1, "a"], "list of 1 to 10 items: different types"),
        ({"Ann": 1}, "object of 1 to 10 members"),
    ],
)
def test_a_value_is_described_by_its_type_and_a_class_of_its_length(value: object, shape: str) -> None:
    assert describe_shape(value) == shape


@given(st.text("qzxw", min_size=3), st.integers(11))
def test_values_of_one_class_have_one_shape(text: str, number: int) -> None:
    assert describe_shape(text) == describe_shape(text[::-1])
    assert describe_shape(number) == describe_shape(number + 1)
    assert text not in describe_shape({"member": [text]})
