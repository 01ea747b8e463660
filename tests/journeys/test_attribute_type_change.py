"""An attribute gets another type as the catalogue advises: under a new number; its old values stay apart."""

from __future__ import annotations

import base64
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.domain.profiles.erased_scopes import ErasureScope, find_erased_keys
from discretion.store.driver.database import Database
from discretion.store.source_records import SourceRecordStore
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest, build_test_platform
from tests.fixtures.server_process import run_command, run_refused_command

PATH, OLD_NUMBER = "commerce.loyaltyPoints", 24
DECLARED = f"  {PATH}:\n    number: {OLD_NUMBER}\n    type: Int\n"
READ_POINTS = "{ customers(first: 9) { nodes { commerce { loyaltyPoints } } } }"


@pytest.fixture
def settings(database: Database, mongo_url: str, tmp_path: Path) -> dict[str, str]:
    """Return the settings of commands on the database, with a catalogue of their own."""
    shutil.copytree(find_shipped_catalogue(), tmp_path / "catalogue")
    return {
        "DISCRETION_MONGO_URL": mongo_url,
        "DISCRETION_MONGO_DATABASE": database.name,
        "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DISCRETION_DATA_DIR": str(tmp_path / "data"),
        "DISCRETION_BUCKETS": "64",
        "DISCRETION_CATALOGUE_DIR": str(tmp_path / "catalogue"),
    }


def declare_points(folder: Path, value_type: str, number: int) -> None:
    """Declare the type and the number of the attribute in a catalogue."""
    shipped = (find_shipped_catalogue() / "commerce.yaml").read_text("utf-8")
    assert DECLARED in shipped
    declared = f"  {PATH}:\n    number: {number}\n    type: {value_type}\n"
    (folder / "commerce.yaml").write_text(shipped.replace(DECLARED, declared), "utf-8")


@asynccontextmanager
async def open_platform(
    database: Database, data: Path, catalogue: Path | None
) -> AsyncIterator[PlatformUnderTest]:
    """Open a platform with a catalogue; its rules are in force."""
    platform = await build_test_platform(database, data, CommandRecorder(), load_catalogue(catalogue))
    async with platform.http:
        yield platform


async def send_points(platform: PlatformUnderTest, name: str, points: int | str) -> None:
    """Send the points of a person."""
    message = {"type": "identify", "messageId": f"{name}-{points}", "userId": name}
    outcome = await platform.send_messages("tills", {**message, "traits": {"loyaltyPoints": points}})
    assert outcome["accepted"] == 1, outcome


async def read_points(platform: PlatformUnderTest) -> list[Any]:
    """Return the points of all customers, as the shop's frontend sees them."""
    answer = await platform.query(READ_POINTS, platform.issue_token("frontend"))
    assert "errors" not in answer, answer
    return [node["commerce"]["loyaltyPoints"] for node in answer["data"]["customers"]["nodes"]]


async def test_an_attribute_gets_another_type_under_a_new_number(
    settings: dict[str, str], database: Database, tmp_path: Path
) -> None:
    """The advice is followed to its end; the old values are counted, kept, never read under the new type,
    covered by a scoped erasure, and shown again by going back."""
    folder, data = tmp_path / "catalogue", tmp_path / "data"
    async with open_platform(database, data, None) as platform:
        await send_points(platform, "ann", 7)
        assert await read_points(platform) == [7]
    declare_points(folder, "String", OLD_NUMBER)
    refusal = run_refused_command(settings, "schema", "check")
    assert refusal.startswith("CATALOGUE_INVALID")
    # The terminal breaks lines where the path of the catalogue happens to end.
    refusal = " ".join(refusal.split())
    number = int(refusal.partition("give it number ")[2].partition(".")[0])
    declare_points(folder, "String", number)
    run_command(settings, "schema", "print", "--write")
    run_command(settings, "schema", "check")
    assert run_refused_command(settings, "rights", "list").startswith("RULES_NOT_IN_FORCE")

    difference = run_command(settings, "rules", "activate", "--yes")
    assert f"number: {OLD_NUMBER} -> {number}" in difference
    assert "type: Int -> String" in difference
    assert f"1 customers have a value under number {OLD_NUMBER}, which was {PATH} (Int)" in difference
    async with open_platform(database, data, folder) as platform:
        assert await read_points(platform) == [None]
        await send_points(platform, "ann", "seven")
        assert await read_points(platform) == ["seven"]
        (record,) = await SourceRecordStore(database).list_by_ids(
            [document["_id"] for document in await database.find("source_records", {}, {"_id": 1})]
        )
        assert (record.cells[str(OLD_NUMBER)].value, record.cells[str(number)].value) == (7, "seven")
        scope = ErasureScope("category", "user.account.settings")
        erased = find_erased_keys(scope, platform.internals.catalogue, record)
        assert erased == {str(OLD_NUMBER), str(number)}

    shipped = {name: text for name, text in settings.items() if name != "DISCRETION_CATALOGUE_DIR"}
    run_command(shipped, "rules", "activate", "--yes", "--back")
    async with open_platform(database, data, None) as platform:
        await send_points(platform, "bob", 8)
        await platform.send_messages(
            "tills", {"type": "identify", "messageId": "again", "userId": "ann", "traits": {"firstName": "A"}}
        )
        assert sorted(await read_points(platform)) == [7, 8]
