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


async def test_the_strictest_count_applies(database: Database) -> None:
    await save(
        database,
        RecordCode(b"one", b"r1", b"a1", None, (10, 20)),
        RecordCode(b"one", b"r2", b"a2", None, (30,)),
        RecordCode(b"two", b"r1", b"a2", None, (40, 50)),
    )
    count = RecordCodeStore(database).count_sent
    assert await count(b"one", b"r9", b"a9", 0, 9) == 3
    assert await count(b"two", b"r9", b"a9", 0, 9) == 2
    assert await count(b"nine", b"r1", b"a9", 0, 9) == 4
    assert await count(b"nine", b"r9", b"a2", 0, 9) == 3
    assert await count(b"one", b"r1", b"a1", 30, 9) == 2, "only what is later"
