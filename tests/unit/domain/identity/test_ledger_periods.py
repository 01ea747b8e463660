"""Which records get which ledger periods when customers are merged and split."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import cast

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from discretion.catalogue.assurance import Assurance
from discretion.domain.identity.assignment import ResolvedPerson
from discretion.domain.identity.ledger_periods import (
    CustomerRecords,
    OpenPeriod,
    PeriodLog,
    list_changed_customers,
    list_new_periods,
)
from discretion.seal.cell_transfer import CellOwner
from discretion.seal.ledger_pseudonym import build_ledger_key, seal_ledger_pseudonym
from discretion.store.events import EventStore, StoredEvent
from discretion.store.ledger_names import LedgerPeriod
from discretion.store.source_record import Cell, RecordIdentifier, SourceRecord, Total
from discretion.store.transactions import Session
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.platform import read_shipped_catalogue

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
    longer = closed | {THIRD: build_period(PSEUDONYM_A, 10, 50)}
    assert split(customer, {FIRST: [shared]}, longer)[FIRST] == [
        shared,
        build_period(PSEUDONYM_A, 10, 19, is_shared=True),
        build_period(PSEUDONYM_A, 31, 50, is_shared=True),
    ]


def test_what_was_shared_is_not_shared_again_with_others() -> None:
    """The first record has shared its time before, and was with the third in a part of it and later."""
    customer = CustomerRecords(A, (frozenset({FIRST}), frozenset({THIRD})), frozenset({THIRD}))
    shared = build_period(PSEUDONYM_B, 20, 30, is_shared=True)
    closed = {FIRST: build_period(PSEUDONYM_A, 30, 50), THIRD: build_period(PSEUDONYM_B, 25, 50)}
    assert split(customer, {FIRST: [shared]}, closed)[FIRST] == [shared]


def test_times_within_a_longer_one_do_not_end_it() -> None:
    """Of two others, one was there for the whole time, and the other for a part of it."""
    customer = CustomerRecords(
        A, (frozenset({FIRST}), frozenset({SECOND, THIRD})), frozenset({SECOND, THIRD})
    )
    closed = {
        FIRST: build_period(PSEUDONYM_A, 5, 50),
        SECOND: build_period(PSEUDONYM_A, 10, 50),
        THIRD: build_period(PSEUDONYM_A, 15, 20),
    }
    assert split(customer, {}, closed)[FIRST] == [build_period(PSEUDONYM_A, 10, 50, is_shared=True)]


DATA_KEY, NOW = bytes(32), 100
KEY = build_ledger_key(A, DATA_KEY)


def seal_period(record: bytes, pseudonym: bytes, since: int, until: int) -> LedgerPeriod:
    """Return an earlier period of a record of the customer."""
    sealed = seal_ledger_pseudonym(AESGCM(DATA_KEY), A, record, pseudonym, bytes(12))
    return LedgerPeriod(sealed, since, until)


async def close_split(first: SourceRecord, second: SourceRecord) -> dict[bytes, list[LedgerPeriod]]:
    """Return the new periods of two records of which the second leaves the customer."""

    async def list_properties(
        _customer: bytes, records: Collection[bytes], _session: Session
    ) -> list[StoredEvent]:
        return [StoredEvent(b"e1", A, SECOND, type="Order Completed")] if SECOND in records else []

    async def list_types(
        _customer: bytes, records: Collection[bytes], _session: Session
    ) -> list[StoredEvent]:
        return [StoredEvent(b"e2", A, FIRST, type="Product Viewed")] if FIRST in records else []

    events = cast(EventStore, SimpleNamespace(list_properties=list_properties, list_types=list_types))
    log = PeriodLog(read_shipped_catalogue(), events, cast(Session, None), NOW, bytes)
    customer = CustomerRecords(A, (frozenset({FIRST}), frozenset({SECOND})), frozenset({SECOND}))
    before = {record.id: list(record.ledger_periods) for record in (first, second)}
    await log.close_periods(customer, {FIRST: first, SECOND: second}, KEY)
    assert log.add_periods([first, second], CellOwner(A, DATA_KEY)) == {FIRST, SECOND}
    return {
        record.id: [
            period
            for period in record.ledger_periods
            if period.since >= max((each.until for each in before[record.id]), default=0)
        ]
        for record in (first, second)
    }


RECORD = SourceRecord(FIRST, "web-shop", A, version=1, first=1, last=1, born=10)


async def test_a_period_has_what_its_record_had_at_the_end() -> None:
    """Whether an address is proven is about the record that has the address."""
    email, orders = KEYS["contact.email"], KEYS["commerce.orderCount"]
    first = replace(
        RECORD,
        cells={email: Cell(1, "m", sealed=b"s")},
        identifiers=(RecordIdentifier(b"entry", "email", {Assurance.PROVEN: 1}, b"cell"),),
    )
    periods = await close_split(first, replace(RECORD, id=SECOND, born=20, totals={orders: Total(1, 1)}))
    (shared,) = periods[FIRST]
    assert (shared.since, shared.until, shared.is_shared) == (20, NOW, True)
    assert set(shared.attributes) == {email, KEYS["contact.emailVerified"]}
    assert shared.labels == ("event:Product Viewed", "identifier:email")
    for period in periods[SECOND]:
        assert (period.since, period.until, period.attributes) == (20, NOW, (orders,))
        assert period.labels == ("event:Order Completed",)
    assert sorted(period.is_shared for period in periods[SECOND]) == [False, True]


async def test_a_period_begins_when_the_record_came_from_the_last_other_customer() -> None:
    """An earlier period under the own pseudonym is of an earlier split, and the record has not left since."""
    second = replace(
        RECORD,
        id=SECOND,
        born=20,
        ledger_periods=(
            seal_period(SECOND, PSEUDONYM_B, 20, 40),
            seal_period(SECOND, KEY.pseudonym, 40, 60),
        ),
    )
    first = replace(RECORD, born=NOW + 5)
    await close_split(first, second)
    assert [(each.since, each.until) for each in second.ledger_periods if not each.is_shared] == [
        (20, 40),
        (40, 60),
        (40, NOW),
    ]
    # The clock of another process may be ahead.
    assert [(each.since, each.until) for each in first.ledger_periods] == [(NOW, NOW)]
