"""Members of objects in a cell are left out by their names, at both levels."""

from __future__ import annotations

from typing import Any

import pytest

from discretion.seal.nested_members import count_members, leave_out_members

ORDER: dict[str, Any] = {
    "order_id": "o1",
    "products": [{"sku": "a", "price": [5, "EUR"]}, {"sku": "b"}],
    "campaign": {"name": "Spring", "source": "Network"},
    "product_ids": ["a", "b"],
}


@pytest.mark.parametrize(
    ("names", "changed"),
    [
        (set(), {}),
        ({("order_id", "")}, {"order_id": None}),
        ({("products", "price")}, {"products": [{"sku": "a"}, {"sku": "b"}]}),
        ({("products", ""), ("products", "price")}, {"products": None}),
        ({("campaign", "source")}, {"campaign": {"name": "Spring"}}),
        ({("product_ids", "sku"), ("absent", "x"), ("absent", "")}, {}),
    ],
)
def test_named_members_are_left_out(names: set[tuple[str, str]], changed: dict[str, Any]) -> None:
    """A whole member, or a member of the objects in it; lists of plain values have none."""
    expected = {name: changed.get(name, value) for name, value in ORDER.items()}
    assert leave_out_members(ORDER, names) == {
        name: value for name, value in expected.items() if value is not None
    }


def test_members_of_inner_objects_are_counted() -> None:
    """Four members, three of products and two of the campaign."""
    assert count_members(ORDER) == 9
