"""One entry in the catalogue, and an attribute exists from the door to the answer."""

from __future__ import annotations

import shutil
from pathlib import Path

from discretion.catalogue.load import load, shipped
from discretion.edge.graphql.schema_builder import build_schema
from tests.fixtures.platform import open_house

ENTRY = """
attributes:
  preferences.giftWrap:
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


async def test_one_entry_leads_from_ingest_to_answer_to_inventory(mongo_url: str, tmp_path: Path) -> None:
    """GraphQL type, validation, decision, SDL and inventory follow from the entry alone."""
    folder = tmp_path / "catalogue"
    shutil.copytree(shipped(), folder)
    (folder / "gift_wrap.yaml").write_text(ENTRY, "utf-8")
    catalogue = load(folder)
    sdl = build_schema(catalogue).as_str()
    assert 'giftWrap: Boolean @personal(category: "user.account.settings"' in sdl
    assert "giftWrap" not in build_schema(load()).as_str()
    async with open_house(mongo_url, tmp_path, catalogue=catalogue) as house:
        wrong = {**MESSAGE, "messageId": "w", "traits": {"giftWrap": "yes"}}
        told = await house.tell("web-shop", MESSAGE, wrong)
        assert [one["status"] for one in told["results"]] == ["accepted", "refused"]
        assert told["results"][1]["place"] == "traits.giftWrap"
        seen = await house.ask(QUERY, house.token("frontend"))
        assert seen["data"]["customers"]["nodes"] == [{"preferences": {"giftWrap": True}}]
        unseen = await house.ask(QUERY, house.token("support"))
        assert unseen["data"]["customers"]["nodes"] == [{"preferences": {"giftWrap": None}}]
        inventory = (await house.ask(INVENTORY, None))["data"]["dataInventory"]["attributes"]
        entry = next(one for one in inventory if one["name"] == "preferences.giftWrap")
        assert (entry["type"], entry["retention"], entry["sealed"]) == ("Boolean", "P2Y", True)
        assert {"purpose": {"key": "functional.service"}, "form": "clear"} in entry["uses"]
