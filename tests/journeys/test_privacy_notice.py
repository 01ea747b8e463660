"""The privacy notice is public, by language and jurisdiction, and matches the data inventory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
import pytest_asyncio

from discretion.catalogue.load import load_catalogue
from tests.fixtures.platform import PlatformUnderTest, open_platform

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
async def platform(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform without customers."""
    async with open_platform(mongo_url, tmp_path_factory.mktemp("platform")) as empty_platform:
        yield empty_platform


async def read_notice(platform: PlatformUnderTest, jurisdiction: str, language: str) -> dict[str, Any]:
    """Return the notice that a caller without a token reads."""
    answer = await platform.query(NOTICE, None, {"jurisdiction": jurisdiction, "language": language})
    assert "errors" not in answer, answer
    notice: dict[str, Any] = answer["data"]["privacyNotice"]
    return notice


def list_keys(notice: dict[str, Any], section: str) -> set[str]:
    """Return the keys that a section lists."""
    notice_section = next(candidate for candidate in notice["sections"] if candidate["key"] == section)
    return {item["key"] for item in notice_section["items"]}


async def test_the_notice_needs_no_token_and_agrees_with_the_inventory(platform: PlatformUnderTest) -> None:
    """Every purpose and every data category of the API is in the notice."""
    notice = await read_notice(platform, "eu", "en")
    public = "{ purposes { key } dataInventory { attributes { category } events { category } } }"
    inventory = (await platform.query(public, None))["data"]
    assert list_keys(notice, "purposes") == {purpose["key"] for purpose in inventory["purposes"]}
    entries = [*inventory["dataInventory"]["attributes"], *inventory["dataInventory"]["events"]]
    assert list_keys(notice, "data") >= {entry["category"] for entry in entries}
    assert notice["sha256"] == sha256(notice["text"].encode()).hexdigest()
    assert date.fromisoformat(notice["effectiveFrom"])


async def test_a_regional_language_tag_gets_the_notice_of_its_language(platform: PlatformUnderTest) -> None:
    notice = await read_notice(platform, "eu", "de-AT")
    assert notice["language"] == "de"
    assert notice["title"].startswith("Datenschutzerklärung von ")
    assert notice == await read_notice(platform, "eu", "de")


async def test_each_notice_lists_the_rights_of_its_law(platform: PlatformUnderTest) -> None:
    europe, california = await read_notice(platform, "eu", "en"), await read_notice(platform, "us-ca", "en")
    assert "objection" in list_keys(europe, "rights")
    assert "opt_out_sale" in list_keys(california, "rights") - list_keys(europe, "rights")
    assert "California" in california["text"]
    assert europe["sha256"] != california["sha256"]


@pytest.mark.parametrize(
    ("jurisdiction", "language", "code", "mentioned"),
    [
        ("atlantis", "en", "NOTICE_JURISDICTION_UNKNOWN", "us-ca"),
        ("EU", "en", "NOTICE_JURISDICTION_UNKNOWN", "eu"),
        ("eu", "tlh", "NOTICE_LANGUAGE_UNKNOWN", "de"),
        ("eu", "", "NOTICE_LANGUAGE_UNKNOWN", "en"),
    ],
)
async def test_an_unknown_jurisdiction_or_language_is_refused_with_the_available_ones(
    platform: PlatformUnderTest, jurisdiction: str, language: str, code: str, mentioned: str
) -> None:
    answer = await platform.query(NOTICE, None, {"jurisdiction": jurisdiction, "language": language})
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == code
    assert mentioned in error["extensions"]["advice"]


async def test_a_changed_catalogue_changes_the_notice(
    platform: PlatformUnderTest, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """The notice needs no edit of its own."""
    shipped = load_catalogue(None)
    email = replace(shipped.attributes["contact.email"], retention="P17Y")
    catalogue = replace(shipped, attributes={**shipped.attributes, "contact.email": email})
    folder = tmp_path_factory.mktemp("longer")
    async with open_platform(mongo_url, folder, catalogue=catalogue) as changed_platform:
        assert "17 years" in (await read_notice(changed_platform, "eu", "en"))["text"]
        assert "17 Jahre" in (await read_notice(changed_platform, "gb", "de"))["text"]
    assert "17 years" not in (await read_notice(platform, "eu", "en"))["text"]


async def test_a_token_does_not_change_the_notice(platform: PlatformUnderTest) -> None:
    """The notice concerns no particular customer and records no disclosure."""
    variables = {"jurisdiction": "eu", "language": "en"}
    answer = await platform.query(NOTICE, platform.issue_token("marketing"), variables)
    assert answer["data"]["privacyNotice"] == await read_notice(platform, "eu", "en")
