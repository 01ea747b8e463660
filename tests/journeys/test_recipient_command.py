"""``discretion recipient`` says where clients are told, and takes no place that only we can reach."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from discretion.cli import cli
from discretion.errors import DiscretionError
from discretion.store.driver.database import connect
from tests.fixtures.platform import ROOT

HOOK = "https://partner.example/privacy"


@pytest.fixture
def place(mongo_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """An installation that the environment names, and a database of its own."""
    for name in [name for name in os.environ if name.startswith("DISCRETION_")]:
        monkeypatch.delenv(name)
    name = f"told_{secrets.token_hex(6)}"
    for setting, value in {
        "MONGO_URL": mongo_url,
        "MONGO_DATABASE": name,
        "ROOT_KEY": base64.urlsafe_b64encode(ROOT).decode(),
        "DATA_DIR": str(tmp_path),
        "BUCKETS": "64",
    }.items():
        monkeypatch.setenv(f"DISCRETION_{setting}", value)
    monkeypatch.setenv("COLUMNS", "200")
    yield

    async def drop() -> None:
        database = await connect(mongo_url, name)
        await database.command({"dropDatabase": 1})
        await database.close()

    asyncio.run(drop())


def asked(*words: str) -> Result:
    """What a command does."""
    return CliRunner().invoke(cli, ["recipient", *words])


def refused(*words: str) -> str:
    """The code with which a command is refused."""
    done = asked(*words)
    assert isinstance(done.exception, DiscretionError), done.output
    return done.exception.code


@pytest.mark.usefixtures("place")
def test_a_client_is_registered_listed_and_removed() -> None:
    """Under what the catalogue knows it as; again in the place of the first; and only once removed."""
    added = asked("add", "ad-partner", "--url", "https://old.example/")
    assert added.exit_code == 0, added.output
    assert "ad-partner" in added.output
    assert asked("add", "ad-partner", "--url", HOOK).exit_code == 0
    unknown = asked("add", "somebody", "--url", "https://8.8.8.8:8443/x")
    assert "names no such recipient" in unknown.output
    listed = asked("list").output
    assert HOOK in listed
    assert "old.example" not in listed
    assert "unknown to the catalogue" in listed
    assert asked("remove", "ad-partner").exit_code == 0
    assert HOOK not in asked("list").output
    assert refused("remove", "ad-partner") == "RECIPIENT_UNKNOWN"


@pytest.mark.usefixtures("place")
def test_what_cannot_be_told_is_not_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain HTTP, but to this machine where it is asked for; kinds that are not in the catalogue."""
    assert refused("add", "ad-partner", "--url", "http://127.0.0.1:8080/") == "OUTWARD_URL"
    assert refused("add", "ad-partner", "--url", HOOK, "--kind", "ad-parner") == "RECIPIENT_KIND"
    assert refused("add", "two words", "--url", HOOK) == "RECIPIENT_CLIENT"
    monkeypatch.setenv("DISCRETION_OUTWARD_LOOPBACK", "1")
    assert asked("add", "ad-partner", "--url", "http://127.0.0.1:8080/").exit_code == 0
    monkeypatch.setenv("DISCRETION_OUTWARD_LOOPBACK", "yes")
    assert refused("list") == "SETTING_INVALID"
