"""A customer is the same after the codec, and a change touches only what was read and differs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from discretion.store.customer_codec import (
    ContestedValue,
    CustomerDocument,
    FormerCustomer,
    StoredPermissions,
    build_customer_change,
    build_customer_document,
    build_projection,
    parse_customer,
)
from discretion.store.document import OpenValue

SEALED_KEYS, OPEN_KEYS = ("1", "7", "12"), ("2", "23", "52")
OPEN_VALUES: st.SearchStrategy[OpenValue] = st.one_of(
    st.text(), st.integers(), st.booleans(), st.lists(st.text(), max_size=2)
)


@st.composite
def customers(draw: st.DrawFn) -> CustomerDocument:
    """Draw a customer whose values, of two groups of attributes, are in one map each."""
    sealed = draw(st.dictionaries(st.sampled_from(SEALED_KEYS), st.binary(min_size=1)))
    open_values = draw(st.dictionaries(st.sampled_from(OPEN_KEYS), OPEN_VALUES))
    contested_keys = draw(st.sets(st.sampled_from((*SEALED_KEYS, *OPEN_KEYS)))) - {*sealed, *open_values}
    return CustomerDocument(
        id=b"i",
        version=draw(st.integers(1, 9)),
        wrapped_key=b"k",
        permissions=StoredPermissions(
            draw(st.integers(0, 2**62)), 2, 3, {"health": (draw(st.integers(0, 9)), 5)}, "v", ("eu",), False
        ),
        created=1,
        updated=draw(st.integers(1, 9)),
        former=(FormerCustomer(b"f", b"l"),) if draw(st.booleans()) else (),
        contests=bool(contested_keys),
        sealed=sealed,
        open=open_values,
        observed=dict.fromkeys(open_values, 9),
        provenance=dict.fromkeys((*sealed, *open_values), "web-shop"),
        ranks={key: draw(st.integers(1, 3)) for key in sealed},
        contested={
            key: ContestedValue(4, "tills", sealed=b"c")
            if key in SEALED_KEYS
            else ContestedValue(4, "tills", value="v")
            for key in contested_keys
        },
    )


@given(customers())
def test_a_customer_is_parsed_as_it_was_built(customer: CustomerDocument) -> None:
    """The attributes are in the order of their numbers, whatever order they were given in."""
    document = build_customer_document(customer)
    assert parse_customer(document) == customer
    numbers = [int(name) for name in document if name.isdigit()]
    assert numbers == sorted(numbers)


@given(customers(), customers())
def test_a_change_turns_one_state_into_the_other(before: CustomerDocument, after: CustomerDocument) -> None:
    after = replace(after, version=before.version)
    document = build_customer_document(before)
    assert parse_customer(apply_change(document, build_customer_change(before, after))) == after


@given(customers(), customers(), st.sets(st.sampled_from((*SEALED_KEYS, *OPEN_KEYS))))
def test_a_partial_change_leaves_other_attributes(
    before: CustomerDocument, after: CustomerDocument, keys: set[str]
) -> None:
    """What was not read is neither written nor removed."""
    change = build_customer_change(before.keep_attributes(keys), after.keep_attributes(keys))
    changed = parse_customer(apply_change(build_customer_document(before), change))
    others = {*SEALED_KEYS, *OPEN_KEYS} - keys
    for kept, source in ((keys, after), (others, before)):
        part = changed.keep_attributes(kept)
        expected = source.keep_attributes(kept)
        assert (part.sealed, part.open, part.contested) == (
            expected.sealed,
            expected.open,
            expected.contested,
        )
        assert part.provenance == expected.provenance


def test_a_projection_names_everything_of_its_attributes_and_no_other() -> None:
    """Of attribute 7: the value, the time, the source, the contested value and the rank of an address."""
    names = build_projection(["7"]).keys() - build_projection([]).keys()
    assert names == {"7", "7t", "p.7", "c.7", "h.7"}


def apply_change(document: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """Return a document after ``$set`` and ``$unset``, as MongoDB applies them."""
    changed = {name: dict(value) if isinstance(value, dict) else value for name, value in document.items()}
    for path, value in change.get("$set", {}).items():
        *parents, name = path.split(".")
        target = changed
        for parent in parents:
            target = target.setdefault(parent, {})
        target[name] = value
    for path in change.get("$unset", {}):
        *parents, name = path.split(".")
        target = changed
        for parent in parents:
            target = target.get(parent, {})
        target.pop(name, None)
    return changed
