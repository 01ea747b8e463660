"""A restore takes erased people out of every place, and keeps what was retained of them since the dump."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from discretion.errors import Broken, Misconfigured
from discretion.store.driver.database import Database
from discretion.store.packages import PackageStore
from discretion.store.places import place_map
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.platform import PlatformUnderTest
from tests.store.domain.backup.test_restore import ignore_progress, send_people, write_test_dump
from tests.store.places.mutants import use_map
from tests.store.places.planted_documents import build_document

REQUEST = b"r" * 16
FAR_FUTURE = 4_000_000_000_000


@pytest.fixture
def erasing(platform: PlatformUnderTest) -> ErasureSteps:
    """Return the steps that erase customers of the platform."""
    return ErasureSteps(platform)


async def find_person(erasing: ErasureSteps, name: str) -> bytes:
    """Return the customer id of a person."""
    customer = await erasing.find_customer("email", f"{name}@post.example")
    assert customer is not None
    return customer


async def restore(platform: PlatformUnderTest, dump: Path) -> None:
    """Restore a dump over the present data."""
    await platform.internals.backup_restore.run(dump, ignore_progress, replace=True)


async def place_hold(platform: PlatformUnderTest, customer: bytes) -> bytes:
    """Place a legal hold on all data of a customer; return its id."""
    holds = platform.internals.erasure.legal_holds
    return await holds.place(customer, (), (), "A dispute.", "GDPR Art. 17(3)(e)", "steward:test")


async def test_access_packages_of_erased_people_are_not_restored(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    platform, packages = erasing.platform, PackageStore(database)
    await send_people(platform, "ann", "bob")
    for number, name in enumerate(("ann", "bob")):
        customer = await find_person(erasing, name)
        await packages.add_page(REQUEST, 1, number, customer, b"sealed", FAR_FUTURE)
        await packages.add_link(bytes([number]) * 32, REQUEST, customer, FAR_FUTURE)
    dump = await write_test_dump(platform, tmp_path)
    ann, bob = [await find_person(erasing, name) for name in ("ann", "bob")]
    await erasing.erase_customer(ann)
    await restore(platform, dump)
    for name in ("packages", "package_links"):
        assert [document["customer"] for document in await database.find(name, {})] == [bob], name


async def test_a_restored_legal_hold_names_no_erased_customer(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    await send_people(erasing.platform, "ann", "bob")
    ann, bob = [await find_person(erasing, name) for name in ("ann", "bob")]
    holds = [await place_hold(erasing.platform, customer) for customer in (ann, bob)]
    dump = await write_test_dump(erasing.platform, tmp_path)
    await erasing.erase_customer(ann)
    await restore(erasing.platform, dump)
    restored = {hold["_id"]: hold.get("customer") for hold in await database.find("holds", {})}
    assert restored == dict(zip(holds, (None, bob), strict=True))


async def test_data_retained_since_the_dump_outlives_a_restore(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    """Another law orders them kept, and no dump has them; the hold that keeps them can still be lifted."""
    platform = erasing.platform
    await send_people(platform, "ann")
    dump = await write_test_dump(platform, tmp_path)
    ann = await find_person(erasing, "ann")
    hold = await place_hold(platform, ann)
    await erasing.erase_customer(ann)
    retained = await database.find("held", {})
    assert retained
    await restore(platform, dump)
    assert await database.find("held", {}) == retained
    await platform.internals.erasure.legal_holds.lift(hold)
    assert [document["until"] for document in await database.find("held", {})] == [0] * len(retained)


async def test_a_restore_keeps_the_merge_evidence_of_other_people(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    """It leaves of a merge what the erasure itself leaves of it."""
    platform = erasing.platform
    await send_people(platform, "ann", "bob")
    ann, bob = [await find_person(erasing, name) for name in ("ann", "bob")]
    own, other = [
        (await database.find("source_records", {"c": customer}))[0]["i"][0]["e"] for customer in (ann, bob)
    ]
    evidence = [
        {"type": "email", "entry": entry, "source": "tills", "assurance": 0} for entry in (own, other)
    ]
    merge = {"_id": b"m" * 16, "kind": "merged", "at": 1, "by": "sources", "customers": [ann, bob]}
    await database.insert_many("identity_events", [{**merge, "sides": [], "evidence": evidence}])
    dump = await write_test_dump(platform, tmp_path)
    await erasing.erase_customer(ann)
    erased = await database.find("identity_events", {})
    await restore(platform, dump)
    assert await database.find("identity_events", {}) == erased
    assert [item["entry"] for item in erased[0]["evidence"]] == [other]


async def test_a_person_who_returned_and_was_erased_again_stays_erased(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    """The dump has the tombstones of the first erasure, with the time of the return."""
    platform = erasing.platform
    await send_people(platform, "ann")
    await erasing.erase_customer(await find_person(erasing, "ann"))
    sign_up = {"type": "track", "event": "Signed Up", "messageId": "up", "userId": "ann"}
    identify = {"type": "identify", "messageId": "ann-9", "userId": "ann"}
    await platform.send_messages("web-shop", sign_up)
    await platform.send_messages("web-shop", {**identify, "traits": {"email": "ann@post.example"}})
    returned = await find_person(erasing, "ann")
    dump = await write_test_dump(platform, tmp_path)
    await erasing.erase_customer(returned)
    before = {stone["_id"]: stone for stone in await database.find("tombstones", {"n": {"$exists": False}})}
    await restore(platform, dump)
    for stone in await database.find("tombstones", {"back": {"$exists": True}}):
        assert stone == before[stone["_id"]]


async def check_unfinished(platform: PlatformUnderTest) -> None:
    """Check that no process serves the database."""
    with pytest.raises(Misconfigured) as refusal:
        await platform.internals.erasure_log.check_replayed()
    assert refusal.value.code == "RESTORE_UNFINISHED"


async def test_a_restore_that_cannot_reach_a_document_of_an_erased_person_does_not_end(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    """The dump has her id in a member that no rule of the map names; the search at the end finds it."""
    platform = erasing.platform
    await send_people(platform, "ann", "bob")
    ann = await find_person(erasing, "ann")
    stray = build_document("packages", request=ann)
    await database.insert_many("packages", [stray])
    dump = await write_test_dump(platform, tmp_path)
    await database.delete_many("packages", {})
    await erasing.erase_customer(ann)
    with pytest.raises(Broken) as failure:
        await restore(platform, dump)
    assert (failure.value.code, "packages" in failure.value.message) == ("RESTORE_INCOMPLETE", True)
    await check_unfinished(platform)
    with pytest.raises(Broken):
        await platform.internals.backup_restore.replay()
    await check_unfinished(platform)
    await database.delete_many("packages", {"_id": stray["_id"]})
    await platform.internals.backup_restore.replay()
    await platform.internals.erasure_log.check_replayed()


async def test_a_restore_by_a_map_that_lacks_a_rule_does_not_end(
    erasing: ErasureSteps, database: Database, tmp_path: Path
) -> None:
    """The whole map then completes the restore that was begun."""
    platform = erasing.platform
    await send_people(platform, "ann", "bob")
    ann, bob = [await find_person(erasing, name) for name in ("ann", "bob")]
    packages = [build_document("packages", customer=customer) for customer in (ann, bob)]
    await database.insert_many("packages", packages)
    dump = await write_test_dump(platform, tmp_path)
    await erasing.erase_customer(ann)
    lacking = tuple(
        replace(place, removal=None) if place.name == "packages" else place for place in place_map.PLACES
    )
    with use_map(lacking), pytest.raises(Broken) as failure:
        await restore(platform, dump)
    assert failure.value.code == "RESTORE_INCOMPLETE"
    await check_unfinished(platform)
    await platform.internals.backup_restore.run(dump, ignore_progress, replace=False)
    await platform.internals.erasure_log.check_replayed()
    assert [package["customer"] for package in await database.find("packages", {})] == [bob]
