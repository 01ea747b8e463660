"""Rules are put in force by a deliberate act only, one after the other."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from discretion.app.installation_check import prepare_installation
from discretion.app.installation_watch import SUPERSEDED_GRACE_S, InstallationWatch
from discretion.app.rulebook import prepare_activation, read_trusted_bits, require_rules_in_force
from discretion.errors import Conflict, Misconfigured
from discretion.purpose.permission_engine import PermissionEngine
from discretion.purpose.rule_set import RuleSet
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.store.installation import InstallationStore
from discretion.store.schema.apply import apply_schema
from tests.fixtures.platform import read_shipped_catalogue, read_shipped_lawbook

ATTRIBUTE = {"number": "1", "type": "Int", "sealed": "no"}
SECTIONS = {"attribute": {"a.b": ATTRIBUTE}, "purpose": {"p": {"bit": "1"}}}
FIRST = RuleSet("v1", "p1", {"p": "d1"}, SECTIONS)
SECOND = RuleSet("v2", "p2", {"p": "d2"}, SECTIONS)
RETYPED = replace(SECOND, sections={**SECTIONS, "attribute": {"a.b": {**ATTRIBUTE, "type": "String"}}})


@pytest_asyncio.fixture(autouse=True)
async def schema(database: Database) -> None:
    """Create the collections."""
    await apply_schema(database)


async def try_start(database: Database, rules: RuleSet) -> str:
    """Return the code with which a process with these rules is refused, or nothing."""
    try:
        await require_rules_in_force(database, rules, 1)
    except Misconfigured as refusal:
        return refusal.code if refusal.advice else "no advice"
    return ""


async def activate(database: Database, rules: RuleSet) -> None:
    """Put rules in force."""
    await (await prepare_activation(database, rules, [])).run(lambda: 1)


async def read_acts(database: Database) -> list[tuple[int, str]]:
    """Return number and version of every act of putting rules in force."""
    acts = await database.find("rulebooks", {}, sort=[("_id", 1)])
    return [(act["_id"], act["version"]) for act in acts]


async def test_no_start_takes_rules_back_or_puts_new_ones_in_force(database: Database) -> None:
    """The first start on a fresh database is the only one that does; of several, one wins."""
    outcomes = await asyncio.gather(*(try_start(database, rules) for rules in (FIRST, SECOND) * 3))
    assert sorted(outcomes) == ["", "", "", *["RULES_NOT_IN_FORCE"] * 3]
    ((_, winner),) = await read_acts(database)
    loser = FIRST if winner == SECOND.version else SECOND
    await activate(database, loser)
    assert await try_start(database, loser) == ""
    assert await try_start(database, SECOND if loser is FIRST else FIRST) == "RULES_SUPERSEDED"
    assert await try_start(database, replace(FIRST, version="v3")) == "RULES_NOT_IN_FORCE"
    assert await read_acts(database) == [(1, winner), (2, loser.version)]


async def test_an_act_that_read_an_outdated_difference_changes_nothing(database: Database) -> None:
    """Two operators at once: the second has to look again."""
    await activate(database, FIRST)
    seen = await prepare_activation(database, SECOND, [])
    assert (seen.is_needed, seen.is_return, seen.changes_permissions) == (True, False, True)
    assert seen.list_changed_purposes() == {"p": 1}
    await activate(database, replace(FIRST, version="v3"))
    with pytest.raises(Conflict) as caught:
        await seen.run(lambda: 1)
    assert caught.value.code == "RULES_CHANGED"
    again = await prepare_activation(database, FIRST, [])
    assert again.is_return
    await again.run(lambda: 1)
    assert await read_acts(database) == [(1, "v1"), (2, "v3"), (3, "v1")]


async def test_values_with_another_type_are_refused(database: Database) -> None:
    """Nothing is changed, and the message names the attribute."""
    await activate(database, FIRST)
    with pytest.raises(Misconfigured) as caught:
        await prepare_activation(database, RETYPED, [])
    assert caught.value.code == "RULES_CONFLICT"
    assert "'a.b' was Int under number 1 and is String now" in caught.value.message
    assert await read_acts(database) == [(1, "v1")]


async def test_permissions_of_earlier_rules_are_trusted_where_nothing_changed(database: Database) -> None:
    """As before, by the digests of the purposes of each act."""
    engine = PermissionEngine(read_shipped_catalogue(), read_shipped_lawbook().consent_law)
    changed = next(iter(engine.purposes))
    await activate(database, replace(FIRST, purposes={**engine.purposes, changed: "other"}))
    await activate(database, replace(SECOND, permissions=engine.version, purposes=engine.purposes))
    bits = (await read_trusted_bits(database, engine))["p1"]
    for key, purpose in read_shipped_catalogue().purposes.items():
        if key != changed:
            assert bits >> purpose.bit & 1, key


async def test_a_running_server_stops_when_the_database_goes_on_without_it(
    database: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Other rules leave it ten minutes, with a line in the log each minute; another schema none."""
    settings = replace(Settings(), data_dir=tmp_path, buckets=4)
    await prepare_installation(settings, bytes(32), database, [], lambda: 1, os.urandom)
    await activate(database, FIRST)
    now = [0.0]
    watch = InstallationWatch(database, FIRST.version, lambda: now[0])
    await watch.check()
    await activate(database, SECOND)
    for now[0] in (10.0, 12.0, 80.0, 10.0 + SUPERSEDED_GRACE_S - 1):
        await watch.check()
    lines = [record.getMessage() for record in caplog.records]
    assert len(lines) == 3
    assert all(line.startswith("RULES_SUPERSEDED: version v2") for line in lines)
    now[0] += 1
    with pytest.raises(Misconfigured) as caught:
        await watch.check()
    assert caught.value.code == "RULES_SUPERSEDED"
    await activate(database, FIRST)
    await watch.check()
    await InstallationStore(database).begin_migration(2)
    with pytest.raises(Misconfigured) as caught:
        await watch.check()
    assert caught.value.code == "SCHEMA_NEWER"
