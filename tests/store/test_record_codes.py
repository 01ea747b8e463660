"""Codes for records: stored with their address, counted by login, by record and by address."""

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


@pytest.mark.parametrize("code", [None, CODE])
async def test_what_was_stored_is_read_again(database: Database, code: IdentityCode | None) -> None:
    stored = RecordCode(b"login", b"record", b"address", code, (5, 6))
    await save(database, RecordCode(b"login", b"record", b"before", CODE, (5,)), stored)
    assert await RecordCodeStore(database).find(b"login", b"record") == stored
    assert await RecordCodeStore(database).find(b"record", b"login") == RecordCode(b"record", b"login")


async def test_codes_are_counted_by_login_and_by_address(database: Database) -> None:
    await save(
        database,
        RecordCode(b"one", b"r1", b"a1", None, (10, 20)),
        RecordCode(b"one", b"r2", b"a2", None, (30,)),
        RecordCode(b"two", b"r1", b"a2", None, (40, 50)),
    )
    store = RecordCodeStore(database)
    assert [await store.count_of_login(login, 0, 9) for login in (b"one", b"two", b"nine")] == [3, 2, 0]
    assert [await store.count_to_address(address, 0, 9) for address in (b"a1", b"a2", b"a9")] == [2, 3, 0]
    assert await store.count_to_address(b"a2", 30, 9) == 2, "only what is later"
