"""A restored dump: who was erased since stays erased, and everybody else can be read."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from bson import encode

from discretion.domain.backup import erasure_replay as banish
from discretion.domain.backup.dump import MANIFEST, backup, checked
from discretion.domain.backup.restore import Restore, Restored
from discretion.domain.erasure.erasure_ledger import Erased
from discretion.domain.identity.stewardship import Stewardship
from discretion.errors import BadRequest, Misconfigured
from discretion.seal import bucket_keys as buckets
from discretion.store import erasures as erasures_module
from discretion.store.driver.database import Database, Session
from discretion.store.schema.collections import COLLECTIONS
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

PEOPLE = ("ann", "bob", "cem", "dia")
MADE = 1_700_000_000_000


def unheard(_name: str, _more: int) -> None:
    """Nobody listens."""


async def enrol(house: House, *who: str) -> None:
    """Each is known to the web shop and the app by their own names, and has looked at something."""
    for one in who:
        address = {"email": f"{one}@post.example", "firstName": one.title()}
        await house.tell(
            "web-shop",
            {"type": "identify", "messageId": f"{one}-1", "userId": one, "traits": address},
            {
                "type": "track",
                "event": "Product Viewed",
                "messageId": f"{one}-2",
                "userId": one,
                "properties": {"product_id": "p1"},
            },
        )


async def name_of(house: House, who: str) -> str | None:
    """What support reads of somebody."""
    query = "query($w: IdentifierInput!) { customer(identifier: $w) { identity { givenName } } }"
    who_is = {"w": {"type": "email", "value": f"{who}@post.example"}}
    answer = await house.ask(query, house.token("support"), who_is)
    assert "errors" not in answer, answer
    found = answer["data"]["customer"]
    return found and str(found["identity"]["givenName"])


async def ids(house: House, who: str) -> Erased:
    """Everything that names somebody, as an erasure takes it down."""
    database, blind = house.platform.database, house.platform.restore._banish.blind
    entry = blind.of("email", f"{who}@post.example")
    found = await database.find_one("identifiers", {"_id": entry})
    assert found is not None
    records = await database.find("source_records", {"customer": found["customer"]})
    names = {named["e"] for one in records for named in one["ids"]}
    stones = [blind.of("tombstone", name.hex()) for name in sorted(names)]
    return Erased(
        os.urandom(16), MADE, tuple(stones), tuple(one["_id"] for one in records), (found["customer"],)
    )


async def erase(house: House, who: str) -> Erased:
    """Erase somebody: out of the database, on record, and their key destroyed."""
    database, platform = house.platform.database, house.platform
    erased = await ids(house, who)
    whose, records = {"customer": erased.customers[0]}, {"record": {"$in": list(erased.records)}}
    theirs: dict[str, dict[str, Any]] = {
        "customers": {"_id": erased.customers[0]},
        "source_records": whose,
        "identifiers": whose,
        "events": whose,
        "messages": records,
    }

    async def begin(session: Session) -> None:
        await platform.remember.erasures.begin(erased.id, erased.at, session)
        for collection, wanted in theirs.items():
            await database.delete_many(collection, wanted, session=session)

    await database.transaction(begin)
    await platform.remember(erased)
    await platform.shred(erased.customers)
    return erased


async def everything(database: Database) -> dict[str, bytes]:
    """Each collection as bytes, but for what an erasure leaves."""
    left = {one.name for one in COLLECTIONS} - {"tombstones", erasures_module.COLLECTION}
    return {name: b"".join(encode(one) for one in await database.find(name, {})) for name in sorted(left)}


async def dumped(house: House, folder: Path) -> Path:
    """A dump."""
    target = folder / "dump"
    await backup(house.platform.database, target, MADE, ("0", house.platform.catalogue.version), unheard)
    return target


async def gone(house: House, erased: Erased) -> None:
    """See that nothing names somebody any more, and that a message would meet their tombstones."""
    database = house.platform.database
    for name, content in (await everything(database)).items():
        for one in (*erased.customers, *erased.records):
            assert one not in content, name
    stones = await database.find("tombstones", {"_id": {"$in": list(erased.tombstones)}})
    assert {one["_id"]: one["at"] for one in stones} == dict.fromkeys(erased.tombstones, MADE)


@pytest.mark.parametrize("driver", ["pymongo", "motor"])
async def test_a_dump_is_restored_without_whoever_was_erased_since(house: House, tmp_path: Path) -> None:
    """Everybody else got a new key meanwhile, and has it again."""
    platform = house.platform
    await enrol(house, *PEOPLE)
    target = await dumped(house, tmp_path)
    ann = await erase(house, "ann")
    await platform.shred([one["_id"] for one in await platform.database.find("customers", {})])
    after = await everything(platform.database)
    assert [await name_of(house, one) for one in PEOPLE] == [None, "Bob", "Cem", "Dia"]
    assert await platform.restore(target, unheard, replace=True) == Restored(1, 3, 0)
    await platform.remember.check()
    await gone(house, ann)
    assert [await name_of(house, one) for one in PEOPLE] == [None, "Bob", "Cem", "Dia"]
    restored = await everything(platform.database)
    assert {name for name in after if len(after[name]) != len(restored[name])} <= {"disclosures"}


async def test_without_the_ledger_the_dead_key_keeps_the_erased_out_too(house: House, tmp_path: Path) -> None:
    """Shredding holds on its own: whoever cannot be read by any key is left out, with all they had."""
    await enrol(house, *PEOPLE)
    target = await dumped(house, tmp_path)
    ann = await erase(house, "ann")
    house.platform.remember.ledger.path.unlink()
    await house.platform.database.delete_many("erasures", {})
    assert (await house.platform.restore(target, unheard, replace=True)).dead == 1
    for name, content in (await everything(house.platform.database)).items():
        assert ann.customers[0] not in content, name
    assert [await name_of(house, one) for one in PEOPLE] == [None, "Bob", "Cem", "Dia"]


async def test_a_database_that_others_restored_serves_nobody_until_it_is_replayed(house: House) -> None:
    """Whatever put an older state in place, such as a snapshot of the disk."""
    platform, database = house.platform, house.platform.database
    await enrol(house, *PEOPLE)
    before = {one.name: await database.find(one.name, {}) for one in COLLECTIONS}
    ann = await erase(house, "ann")
    await platform.remember.check()
    for name, docs in before.items():
        await database.delete_many(name, {})
        await database.insert_many(name, docs)
    with pytest.raises(Misconfigured, match="1 erasures since") as refusal:
        await platform.remember.check()
    assert refusal.value.code == "RESTORE_UNFINISHED"
    await platform.restore.replay()
    await platform.remember.check()
    await gone(house, ann)


async def test_a_record_that_was_somebody_elses_then_takes_nothing_with_it(
    house: House, tmp_path: Path
) -> None:
    """Parted after the dump and erased: the one they were merged with stays, without a word of theirs."""
    platform, database = house.platform, house.platform.database
    await enrol(house, "ann", "bob")
    bob, ann = await ids(house, "bob"), await ids(house, "ann")
    who = Stewardship(database, platform.restore._banish.workshop)
    now = await who.merge([bob.customers[0], ann.customers[0]], "steward:test")
    target = await dumped(house, tmp_path)
    living, other = (bob, ann) if now == bob.customers[0] else (ann, bob)
    merge = await database.find_one("identity_events", {"kind": "merged"})
    assert merge is not None
    await who.unmerge(merge["_id"], "steward:test")
    await erase(house, "ann" if other is ann else "bob")
    await platform.restore(target, unheard, replace=True)
    content = await everything(database)
    for one in other.records:
        assert one not in b"".join(content.values())
    [customer] = await database.find("customers", {})
    assert customer["_id"] == living.customers[0]
    assert await name_of(house, "bob" if living is bob else "ann") == ("Bob" if living is bob else "Ann")


async def test_a_restore_that_was_cut_short_serves_nobody_and_is_begun_again(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At whatever it was."""
    platform = house.platform
    await enrol(house, *PEOPLE)
    target = await dumped(house, tmp_path)
    ann = await erase(house, "ann")
    for step in ("replay", "_renew"):
        with monkeypatch.context() as patched:

            async def die(_: Restore) -> Any:
                raise KeyboardInterrupt

            patched.setattr(Restore, step, die)
            with pytest.raises(KeyboardInterrupt):
                await platform.restore(target, unheard, replace=True)
        with pytest.raises(Misconfigured) as refusal:
            await platform.remember.check()
        assert refusal.value.code == "RESTORE_UNFINISHED"
    await platform.restore(target, unheard, replace=False)
    await platform.remember.check()
    await gone(house, ann)


async def test_a_dump_never_has_a_key_and_is_not_written_over(house: House, tmp_path: Path) -> None:
    """Wrapped keys are in it; what opens them is not, nor the ledger."""
    await enrol(house, "ann")
    target = await dumped(house, tmp_path)
    names = {one.name for one in target.iterdir()}
    assert names == {MANIFEST, *(f"{name}.bson" for name in checked(target).files)}
    ring = house.platform.conductor.revealer.buckets.ring
    content = b"".join(one.read_bytes() for one in target.iterdir())
    assert all(key not in content for number in range(ring.count) for key in ring[number].keys.values())
    with pytest.raises(BadRequest, match="exists") as refusal:
        await dumped(house, tmp_path)
    assert refusal.value.code == "BACKUP_EXISTS"


def harmed(target: Path, harm: str) -> None:
    """A dump with something wrong."""
    manifest = orjson.loads((target / MANIFEST).read_bytes())
    file = target / "customers.bson"
    if harm == "byte":
        body = file.read_bytes()
        file.write_bytes(body[:-9] + bytes([body[-9] ^ 1]) + body[-8:])
    elif harm == "file":
        file.unlink()
    elif harm == "count":
        manifest["collections"]["customers"]["count"] += 1
    elif harm == "format":
        manifest["format"] = "another"
    else:
        manifest = {}
    (target / MANIFEST).write_bytes(orjson.dumps(manifest))


async def test_a_dump_that_was_changed_is_refused_before_anything_is_touched(
    house: House, tmp_path: Path
) -> None:
    """Whole or not at all."""
    await enrol(house, "ann")
    whole = await dumped(house, tmp_path)
    before = await everything(house.platform.database)
    for harm in ("byte", "file", "manifest", "count", "format"):
        target = tmp_path / harm
        shutil.copytree(whole, target)
        harmed(target, harm)
        with pytest.raises(BadRequest) as refusal:
            await house.platform.restore(target, unheard, replace=True)
        assert refusal.value.code == "BACKUP_UNREADABLE"
    assert await everything(house.platform.database) == before
    await house.platform.remember.check()


async def test_data_are_not_replaced_unless_it_is_asked_for(house: House, tmp_path: Path) -> None:
    """Nor is a dump loaded beside them."""
    await enrol(house, "ann")
    target = await dumped(house, tmp_path)
    before = await everything(house.platform.database)
    with pytest.raises(BadRequest) as refusal:
        await house.platform.restore(target, unheard, replace=False)
    assert refusal.value.code == "RESTORE_NOT_EMPTY"
    assert await everything(house.platform.database) == before


async def test_a_dump_of_whom_everybody_was_erased_since_comes_back_empty(
    house: House, tmp_path: Path
) -> None:
    """It is not taken for one whose keys are missing."""
    await enrol(house, "ann", "bob")
    target = await dumped(house, tmp_path)
    both = [await erase(house, one) for one in ("ann", "bob")]
    assert await house.platform.restore(target, unheard, replace=True) == Restored(2, 0, 0)
    for one in both:
        await gone(house, one)
    assert await house.platform.database.count("customers", {}) == 0


async def test_many_who_were_erased_since_are_taken_out_some_at_a_time(
    house: House, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody's first record may go before they do: they are not somebody living who lost a record."""
    monkeypatch.setattr(banish, "TOGETHER", 1)
    monkeypatch.setattr(buckets, "LINGER_S", 0)  # a key that was destroyed is in no memory either
    gone_since = [f"guest{number}" for number in range(4)]
    await enrol(house, "ann", *gone_since)
    for name in gone_since:  # each has a second record
        traits = {"email": f"{name}@post.example"}
        await house.tell(
            "ios-app", {"type": "identify", "messageId": f"{name}-3", "anonymousId": name, "traits": traits}
        )
    target = await dumped(house, tmp_path)
    erased = [await erase(house, name) for name in gone_since]
    assert (await house.platform.restore(target, unheard, replace=True)).replayed == len(erased)
    for one in erased:
        await gone(house, one)
    assert await name_of(house, "ann") == "Ann"


async def test_with_other_keys_nobody_is_taken_for_erased(
    house: House, database: Database, tmp_path: Path, commands: Commands
) -> None:
    """A folder of keys that was not put back is told of, and nothing is touched."""
    await enrol(house, "ann")
    target = await dumped(house, tmp_path)
    other = await build(database, tmp_path / "other", commands)
    async with other.http:
        with pytest.raises(Misconfigured) as refusal:
            await other.platform.restore(target, unheard, replace=True)
    assert refusal.value.code == "KEYS_MISSING"
    assert await name_of(house, "ann") == "Ann"


async def test_a_ledger_that_is_missing_or_lost_its_end_is_noticed(house: House) -> None:
    """The attack: cut the last lines off, so that whoever was erased comes back with the next dump."""
    await enrol(house, "ann", "bob")
    remember = house.platform.remember
    await erase(house, "ann")
    one = remember.ledger.path.read_bytes()
    await erase(house, "bob")
    await remember.check()
    remember.ledger.path.write_bytes(one)
    with pytest.raises(Misconfigured) as refusal:
        await remember.check()
    assert refusal.value.code == "ERASURE_LEDGER_BROKEN"
    remember.ledger.path.unlink()
    with pytest.raises(Misconfigured) as refusal:
        await remember.check()
    assert refusal.value.code == "ERASURE_LEDGER_MISSING"


async def test_an_erasure_that_is_under_way_stops_no_start(house: House) -> None:
    """It is in the database first, then in the ledger, then marked: at each of these the platform starts."""
    await enrol(house, "ann")
    remember, database = house.platform.remember, house.platform.database
    erased = await ids(house, "ann")

    async def begin(session: Session) -> None:
        await remember.erasures.begin(erased.id, erased.at, session)

    await database.transaction(begin)
    await remember.check()
    await remember.ledger.append(erased)
    await remember.check()
    await remember(replace(erased))
    await remember.check()
    assert await remember.missing() == []
