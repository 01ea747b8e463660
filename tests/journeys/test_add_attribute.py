"""One catalogue entry adds an attribute, from ingest to the GraphQL answer."""

from __future__ import annotations

import shutil
from pathlib import Path

from discretion.catalogue.attribute_register import find_next_number
from discretion.catalogue.load import find_shipped_catalogue, load_catalogue
from discretion.edge.graphql.schema_builder import build_schema
from tests.fixtures.platform import open_platform

ENTRY = """
attributes:
  preferences.giftWrap:
    number: {number}
    type: Boolean
    category: user.account.settings
    description: Whether parcels are gift-wrapped.
    retention: P2Y
    sealed: true
    uses:
      clear: [functional.service]
"""
MESSAGE = {"type": "identify", "messageId": "m", "userId": "u", "traits": {"giftWrap": True}}
QUERY = "{ customers { nodes { preferences { giftWrap } } } }"
INVENTORY = "{ dataInventory { attributes { name type retention sealed uses { purpose { key } form } } } }"


async def test_a_catalogue_entry_alone_adds_an_attribute(mongo_url: str, tmp_path: Path) -> None:
    """GraphQL type, validation, permission decision, SDL and inventory follow from the entry alone."""
    folder = tmp_path / "catalogue"
    shutil.copytree(find_shipped_catalogue(), folder)
    entry = ENTRY.format(number=find_next_number(load_catalogue().register))
    (folder / "gift_wrap.yaml").write_text(entry, "utf-8")
    catalogue = load_catalogue(folder)
    sdl = build_schema(catalogue).as_str()
    assert 'giftWrap: Boolean @personal(category: "user.account.settings"' in sdl
    assert "giftWrap" not in build_schema(load_catalogue()).as_str()
    async with open_platform(mongo_url, tmp_path, catalogue=catalogue) as platform:
        invalid_message = {**MESSAGE, "messageId": "w", "traits": {"giftWrap": "yes"}}
        outcome = await platform.send_messages("web-shop", MESSAGE, invalid_message)
        assert [result["status"] for result in outcome["results"]] == ["accepted", "accepted"]
        assert [left_out["place"] for left_out in outcome["results"][1]["leftOut"]] == ["traits.giftWrap"]
        frontend_answer = await platform.query(QUERY, platform.issue_token("frontend"))
        assert frontend_answer["data"]["customers"]["nodes"] == [{"preferences": {"giftWrap": True}}]
        support_answer = await platform.query(QUERY, platform.issue_token("support"))
        assert support_answer["data"]["customers"]["nodes"] == [{"preferences": {"giftWrap": None}}]
        inventory = (await platform.query(INVENTORY, None))["data"]["dataInventory"]["attributes"]
        listed = next(attribute for attribute in inventory if attribute["name"] == "preferences.giftWrap")
        assert (listed["type"], listed["retention"], listed["sealed"]) == ("Boolean", "P2Y", True)
        assert {"purpose": {"key": "functional.service"}, "form": "clear"} in listed["uses"]
