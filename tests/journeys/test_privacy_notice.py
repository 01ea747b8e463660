"""Anybody reads what is done with their data, in their language and under their law, and can compare it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio

from discretion.catalogue.load import load
from tests.fixtures.platform import House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOTICE = """
query($jurisdiction: String!, $language: String!) {
  privacyNotice(jurisdiction: $jurisdiction, language: $language) {
    version effectiveFrom jurisdiction language title sha256 text
    sections { key title paragraphs items { key title text lines { name text } } }
  }
}
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(mongo_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """A house that nobody has been to."""
    async with open_house(mongo_url, tmp_path_factory.mktemp("house")) as built:
        yield built


async def told(house: House, jurisdiction: str, language: str) -> dict[str, Any]:
    """The notice that somebody without a token reads."""
    answer = await house.ask(NOTICE, None, {"jurisdiction": jurisdiction, "language": language})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["privacyNotice"]
    return found


def keys(notice: dict[str, Any], section: str) -> set[str]:
    """What a section lists."""
    found = next(one for one in notice["sections"] if one["key"] == section)
    return {item["key"] for item in found["items"]}


async def test_nobody_reads_the_notice_and_it_agrees_with_the_inventory(house: House) -> None:
    """Every purpose and every kind of data that the API has is in what people are told."""
    notice = await told(house, "eu", "en")
    public = "{ purposes { key } dataInventory { attributes { category } events { category } } }"
    inventory = (await house.ask(public, None))["data"]
    assert keys(notice, "purposes") == {one["key"] for one in inventory["purposes"]}
    kept = [*inventory["dataInventory"]["attributes"], *inventory["dataInventory"]["events"]]
    assert keys(notice, "data") >= {one["category"] for one in kept}
    assert notice["sha256"] == sha256(notice["text"].encode()).hexdigest()
    assert notice["effectiveFrom"] <= "2026-11-24"


async def test_a_tag_of_a_country_gets_the_language_it_is_of(house: House) -> None:
    notice = await told(house, "eu", "de-AT")
    assert notice["language"] == "de"
    assert notice["title"].startswith("Datenschutzerklärung von ")
    assert notice == await told(house, "eu", "de")


async def test_each_law_gives_its_own_rights(house: House) -> None:
    europe, california = await told(house, "eu", "en"), await told(house, "us-ca", "en")
    assert "objection" in keys(europe, "rights")
    assert "opt_out_sale" in keys(california, "rights") - keys(europe, "rights")
    assert "California" in california["text"]
    assert europe["sha256"] != california["sha256"]


@pytest.mark.parametrize(
    ("jurisdiction", "language", "code", "named"),
    [
        ("atlantis", "en", "NOTICE_JURISDICTION_UNKNOWN", "us-ca"),
        ("EU", "en", "NOTICE_JURISDICTION_UNKNOWN", "eu"),
        ("eu", "tlh", "NOTICE_LANGUAGE_UNKNOWN", "de"),
        ("eu", "", "NOTICE_LANGUAGE_UNKNOWN", "en"),
    ],
)
async def test_who_asks_for_what_there_is_not_is_told_what_there_is(
    house: House, jurisdiction: str, language: str, code: str, named: str
) -> None:
    answer = await house.ask(NOTICE, None, {"jurisdiction": jurisdiction, "language": language})
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == code
    assert named in error["extensions"]["advice"]


async def test_a_catalogue_that_changes_changes_what_people_are_told(
    house: House, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Without anybody touching the notice."""
    shipped = load(None)
    email = replace(shipped.attributes["contact.email"], retention="P17Y")
    catalogue = replace(shipped, attributes={**shipped.attributes, "contact.email": email})
    folder = tmp_path_factory.mktemp("longer")
    async with open_house(mongo_url, folder, catalogue=catalogue) as longer:
        assert "17 years" in (await told(longer, "eu", "en"))["text"]
        assert "17 Jahre" in (await told(longer, "gb", "de"))["text"]
    assert "17 years" not in (await told(house, "eu", "en"))["text"]


async def test_a_token_changes_nothing_of_it(house: House) -> None:
    """It is about everybody and records no disclosure."""
    asked = {"jurisdiction": "eu", "language": "en"}
    answer = await house.ask(NOTICE, house.token("marketing"), asked)
    assert answer["data"]["privacyNotice"] == await told(house, "eu", "en")
