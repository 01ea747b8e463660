"""Edits of source records are saved with the profile that follows from them, for whoever an id identifies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from discretion.domain.identity.person_rewrite import PersonRewrite, PersonRewriter
from discretion.store.source_record import SourceRecord
from discretion.store.transactions import Session
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.platform import PlatformUnderTest

ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "lastName": "Lind", "email": "ann@shop.example"},
}
NAME = KEYS["identity.givenName"]


def find_rewriter(platform: PlatformUnderTest) -> PersonRewriter:
    """Return the rewriter of a platform."""
    return platform.internals.retention_sweep.rewriter


async def read_versions(platform: PlatformUnderTest, customer: bytes) -> tuple[int, int]:
    """Return the versions of a customer's only record and of the customer."""
    stores = find_rewriter(platform).stores
    (record,) = await stores.source_records.of(customer)
    current = await stores.people.current(customer)
    assert current is not None
    return record.version, current.version


def remove_name(record: SourceRecord) -> SourceRecord:
    """Return a record without the given name."""
    return replace(record, cells={key: cell for key, cell in record.cells.items() if key != NAME})


async def edit_name(platform: PlatformUnderTest, customer: bytes) -> PersonRewrite | None:
    """Remove the given name from all records of a customer."""
    rewriter = find_rewriter(platform)

    async def work(session: Session) -> PersonRewrite | None:
        return await rewriter.edit_records(session, customer, remove_name)

    return await rewriter.stores.transactions.run(work)


def _list_paths(value: Any, path: str = "") -> list[str]:
    """Return the paths of all members of a document."""
    if not isinstance(value, dict):
        return [path]
    return [path, *(part for name, item in value.items() for part in _list_paths(item, f"{path}.{name}"))]


async def test_an_edit_changes_the_record_and_the_profile(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", ANN)
    (customer,) = await platform.internals.database.find("customers", {})
    assert await edit_name(platform, customer["_id"]) is not None
    (record,) = await find_rewriter(platform).stores.source_records.of(customer["_id"])
    assert NAME not in record.cells
    assert record.cells.keys() >= {KEYS["identity.familyName"]}
    (changed,) = await platform.internals.database.find("customers", {})
    members_before, members = set(_list_paths(customer)), set(_list_paths(changed))
    assert members < members_before


async def test_an_edit_without_a_change_writes_no_record(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", ANN)
    (customer,) = await platform.internals.database.find("customers", {})
    await edit_name(platform, customer["_id"])
    record_version, version = await read_versions(platform, customer["_id"])
    await edit_name(platform, customer["_id"])
    assert await read_versions(platform, customer["_id"]) == (record_version, version + 1)


async def test_an_edit_of_nobody_does_nothing(platform: PlatformUnderTest) -> None:
    assert await edit_name(platform, b"n" * 16) is None
