"""``discretion recipient`` registers the webhooks of clients and refuses URLs that are not public."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discretion.app.clock import now_ms
from discretion.cli import cli
from discretion.errors import DiscretionError
from discretion.store.driver.connection import connect_database
from tests.fixtures.platform import ROOT_KEY

HOOK = "https://partner.example/privacy"


@pytest.fixture
def installation(mongo_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """Set the environment of an installation with a database of its own; drop the database afterwards."""
    for name in [name for name in os.environ if name.startswith("DISCRETION_")]:
        monkeypatch.delenv(name)
    name = f"recipients_{secrets.token_hex(6)}"
    for setting, value in {
        "MONGO_URL": mongo_url,
        "MONGO_DATABASE": name,
        "ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
        "DATA_DIR": str(tmp_path),
        "BUCKETS": "64",
    }.items():
        monkeypatch.setenv(f"DISCRETION_{setting}", value)
    monkeypatch.setenv("COLUMNS", "200")
    yield

    async def drop_database() -> None:
        database = await connect_database(mongo_url, name)
        await database.command({"dropDatabase": 1})
        await database.close()

    asyncio.run(drop_database())


def run_recipient(*arguments: str) -> Result:
    """Run ``discretion recipient`` and return the result."""
    return CliRunner().invoke(cli, ["recipient", *arguments])


def run_refused(*arguments: str) -> str:
    """Return the code with which a command is refused."""
    result = run_recipient(*arguments)
    assert isinstance(result.exception, DiscretionError), result.output
    return result.exception.code


@pytest.mark.usefixtures("installation")
def test_a_client_is_registered_listed_and_removed() -> None:
    """A second registration replaces the first; a second removal is refused."""
    added = run_recipient("add", "ad-partner", "--url", "https://old.example/")
    assert added.exit_code == 0, added.output
    assert "ad-partner" in added.output
    assert run_recipient("add", "ad-partner", "--url", HOOK).exit_code == 0
    unknown = run_recipient("add", "somebody", "--url", "https://8.8.8.8:8443/x")
    assert "names no such recipient" in unknown.output
    listed = run_recipient("list").output
    assert HOOK in listed
    assert "old.example" not in listed
    assert "unknown to the catalogue" in listed
    assert run_recipient("remove", "ad-partner").exit_code == 0
    assert HOOK not in run_recipient("list").output
    assert run_refused("remove", "ad-partner") == "RECIPIENT_UNKNOWN"


@pytest.mark.usefixtures("installation")
def test_an_unusable_registration_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP (unless to this machine by setting), unknown kinds and invalid client names."""
    assert run_refused("add", "ad-partner", "--url", "http://127.0.0.1:8080/") == "OUTWARD_URL"
    assert run_refused("add", "ad-partner", "--url", HOOK, "--kind", "ad-parner") == "RECIPIENT_KIND"
    assert run_refused("add", "two words", "--url", HOOK) == "RECIPIENT_CLIENT"
    monkeypatch.setenv("DISCRETION_OUTWARD_LOOPBACK", "1")
    assert run_recipient("add", "ad-partner", "--url", "http://127.0.0.1:8080/").exit_code == 0
    monkeypatch.setenv("DISCRETION_OUTWARD_LOOPBACK", "yes")
    assert run_refused("list") == "SETTING_INVALID"


@pytest.mark.usefixtures("installation")
def test_an_unknown_delivery_and_a_nameless_steward_are_refused() -> None:
    assert "delivery" in run_recipient("deliveries").output
    arguments = ("--by", "privacy-office", "--reason", "By letter")
    for delivery in ("00" * 16, "not hexadecimal"):
        assert run_refused("acknowledge", delivery, *arguments) == "DELIVERY_NOT_FOUND"
    assert run_refused("acknowledge", "00" * 16, "--by", "two words", "--reason", "x") == "DELIVERY_STEWARD"


@pytest.mark.usefixtures("installation")
def test_a_delivery_is_listed_and_acknowledged(mongo_url: str) -> None:
    """No id of a person is shown; the proof is."""
    assert run_recipient("list").exit_code == 0  # creates the collections
    delivery = {
        "_id": b"d" * 16,
        "request": b"r" * 16,
        "client": "ad-partner",
        "what": "restriction",
        "subjects": ["the-id-of-a-person"],
        "attributes": ["commerce.loyaltyTier"],
        "purposes": [],
        "state": "by_hand",
        "attempts": 0,
        "fence": 0,
        "until": 0,
        "created": now_ms() - 1_000,
    }

    async def store_delivery() -> None:
        database = await connect_database(mongo_url, os.environ["DISCRETION_MONGO_DATABASE"])
        await database.insert_many("deliveries", [delivery])
        await database.close()

    asyncio.run(store_delivery())
    listed = run_recipient("deliveries").output
    assert "ad-partner" in listed
    assert "commerce.loyaltyTier" in listed
    assert "the-id-of-a-person" not in listed
    arguments = ("--by", "privacy-office", "--reason", "By letter, file 7")
    acknowledged = run_recipient("acknowledge", (b"d" * 16).hex(), *arguments)
    assert acknowledged.exit_code == 0, acknowledged.output
    assert "steward:privacy-office" in acknowledged.output
    assert "ad-partner" not in run_recipient("deliveries").output
