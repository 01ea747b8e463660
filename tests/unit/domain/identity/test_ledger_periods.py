"""Which records get which ledger periods when customers are merged and split."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.identity.ledger_periods import (
    CustomerRecords,
    OpenPeriod,
    list_changed_customers,
    list_new_periods,
)

A, B, C = b"customer a", b"customer b", b"customer c"
FIRST, SECOND, THIRD = b"record 1", b"record 2", b"record 3"
PSEUDONYM_A, PSEUDONYM_B = b"pseudonym a", b"pseudonym b"
Periods = dict[bytes, list[OpenPeriod]]


def build_period(pseudonym: bytes, since: int, until: int, *, is_shared: bool = False) -> OpenPeriod:
    """Return a period without contents."""
    return OpenPeriod(pseudonym, since, until, (), (), is_shared)


def build_person(customer: bytes | None, records_before: Mapping[bytes, Sequence[bytes]]) -> ResolvedPerson:
    """Return a person with these records, by the customer they belonged to."""
    records = frozenset(record for before in records_before.values() for record in before)
    return ResolvedPerson(records, customer, records_before, ())


def split(customer: CustomerRecords, earlier: Periods, closed: Mapping[bytes, OpenPeriod]) -> Periods:
    """Return the periods of all records after a split; those without earlier ones have none."""
    return list_new_periods(
        customer, {record: earlier.get(record, []) for record in customer.concerned}, closed
    )


def test_only_customers_that_lose_records_are_concerned() -> None:
    """Messages, edits and new customers change nobody's customer."""
    persons = [build_person(A, {A: [FIRST]}), build_person(None, {}), build_person(B, {B: [SECOND]})]
    assert list_changed_customers(persons) == []


def test_a_merge_concerns_the_records_that_move() -> None:
    (merged,) = list_changed_customers([build_person(A, {A: [FIRST], B: [SECOND, THIRD]})])
    assert (merged.customer, merged.is_split) == (B, False)
    assert merged.concerned == {SECOND, THIRD}


def test_a_split_concerns_all_records() -> None:
    persons = [build_person(A, {A: [FIRST]}), build_person(None, {A: [SECOND]})]
    (parted,) = list_changed_customers(persons)
    assert (parted.customer, parted.is_split) == (A, True)
    assert parted.moved == {SECOND}
    assert parted.concerned == {FIRST, SECOND}


def test_a_merged_record_was_named_by_its_customer_alone() -> None:
    customer = CustomerRecords(B, (frozenset({SECOND}),), frozenset({SECOND}))
    closed = build_period(PSEUDONYM_B, 10, 20)
    assert split(customer, {}, {SECOND: closed}) == {SECOND: [closed]}


def test_both_parts_share_the_time_that_they_were_together() -> None:
    """The record that stays was alone before the other came; that time is not shared."""
    customer = CustomerRecords(A, (frozenset({FIRST}), frozenset({SECOND})), frozenset({SECOND}))
    before = build_period(PSEUDONYM_B, 10, 20)
    closed = {FIRST: build_period(PSEUDONYM_A, 5, 30), SECOND: build_period(PSEUDONYM_A, 20, 30)}
    together = build_period(PSEUDONYM_A, 20, 30, is_shared=True)
    assert split(customer, {SECOND: [before]}, closed) == {
        FIRST: [together],
        SECOND: [before, build_period(PSEUDONYM_A, 20, 30), together],
    }


def test_records_that_part_after_a_merge_share_the_time_before_it_too() -> None:
    """The second and third record were one customer, then the first joined, now all three are separated."""
    customer = CustomerRecords(
        A, (frozenset({FIRST}), frozenset({SECOND}), frozenset({THIRD})), frozenset({SECOND, THIRD})
    )
    earlier = {
        SECOND: [build_period(PSEUDONYM_B, 10, 20)],
        THIRD: [build_period(PSEUDONYM_B, 15, 20)],
    }
    closed = {
        FIRST: build_period(PSEUDONYM_A, 5, 30),
        SECOND: build_period(PSEUDONYM_A, 20, 30),
        THIRD: build_period(PSEUDONYM_A, 20, 30),
    }
    periods = split(customer, earlier, closed)
    together = build_period(PSEUDONYM_B, 15, 20, is_shared=True)
    assert together in periods[SECOND]
    assert together in periods[THIRD]
    assert not any(period.pseudonym == PSEUDONYM_B for period in periods[FIRST])


def test_a_second_split_leaves_the_first_as_it_was() -> None:
    """What a record has got since the first split was not disclosed before it."""
    customer = CustomerRecords(A, (frozenset({FIRST}), frozenset({SECOND})), frozenset({SECOND}))
    closed = {FIRST: build_period(PSEUDONYM_A, 5, 30), SECOND: build_period(PSEUDONYM_A, 20, 30)}
    once = split(customer, {}, closed)
    later = replace(build_period(PSEUDONYM_A, 5, 50), attributes=("12",))
    again = split(customer, once, {FIRST: later, SECOND: build_period(PSEUDONYM_A, 40, 50)})
    assert again[FIRST] == [
        build_period(PSEUDONYM_A, 20, 30, is_shared=True),
        replace(later, since=40, is_shared=True),
    ]
    assert again[SECOND] == [
        *once[SECOND],
        build_period(PSEUDONYM_A, 40, 50),
        build_period(PSEUDONYM_A, 40, 50, is_shared=True),
    ]


def test_what_is_shared_with_a_third_begins_after_what_was_shared_before() -> None:
    """The second record left at 30; the third was there from 25 on and leaves at 50."""
    customer = CustomerRecords(A, (frozenset({FIRST}), frozenset({THIRD})), frozenset({THIRD}))
    shared = build_period(PSEUDONYM_A, 20, 30, is_shared=True)
    closed = {FIRST: build_period(PSEUDONYM_A, 5, 50), THIRD: build_period(PSEUDONYM_A, 25, 50)}
    periods = split(customer, {FIRST: [shared]}, closed)
    assert periods[FIRST] == [shared, build_period(PSEUDONYM_A, 31, 50, is_shared=True)]
