"""Codes for records: stored with their address, counted by login and by record."""

from __future__ import annotations

import pytest

from discretion.store.driver.database import Database
from discretion.store.record_codes import RecordCode, RecordCodeStore
from discretion.store.subject_request import IdentityCode
from discretion.store.transactions import Session, Transactions

CODE = IdentityCode("hash", 2, 700)


async def save(database: Database, *codes: RecordCode) -> None:
    """Store codes for a long time."""

    async def work(session: Session) -> None:
        for each in codes:
            await RecordCodeStore(database).save(each, 1, 4_000_000_000_000, session)

    await Transactions(database).run(work)


@pytest.mark.parametrize(("address", "code"), [(b"address", None), (b"address", CODE), (None, CODE)])
async def test_what_was_stored_is_read_again(
    database: Database, address: bytes | None, code: IdentityCode | None
) -> None:
    stored = RecordCode(b"login", b"record", address, code, (5, 6))
    await save(database, RecordCode(b"login", b"record", b"before", CODE, (5,)), stored)
    assert await RecordCodeStore(database).find(b"login", b"record") == stored
    assert await RecordCodeStore(database).find(b"record", b"login") == RecordCode(b"record", b"login")


async def test_codes_are_counted_by_login_and_by_record(database: Database) -> None:
    await save(
        database,
        RecordCode(b"one", b"r1", b"a1", None, (10, 20)),
        RecordCode(b"one", b"r2", None, None, (30,)),
        RecordCode(b"two", b"r1", b"a2", None, (40, 50)),
    )
    store = RecordCodeStore(database)
    assert [await store.count_of_login(login, 0, 9) for login in (b"one", b"two", b"nine")] == [3, 2, 0]
    assert [await store.count_for_record(record, 0, 9) for record in (b"r1", b"r2", b"r9")] == [4, 1, 0]
    assert await store.count_for_record(b"r1", 20, 9) == 2, "only what is later"
