"""Somebody is known twice, spelled differently and without a common identifier; a steward decides."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from discretion.domain.identity.duplicates.comparison import Backend
from discretion.domain.identity.duplicates.suggestion_run import PURPOSE
from discretion.errors import Misconfigured, Unavailable
from tests.fixtures.platform import ROOT as ROOT_KEY
from tests.fixtures.platform import House

PEOPLE: dict[str, dict[str, Any]] = {
    "w-1": {
        "firstName": "Margarethe",
        "lastName": "Albrecht",
        "birthday": "1980-05-01",
        "email": "margarethe@post.example",
        "address": {"street": "Hauptstr. 5", "city": "Berlin", "postalCode": "10115"},
    },
    "L-1": {
        "firstName": "Margarete",
        "lastName": "Albrecht",
        "birthday": "1980-05-01",
        "phone": "+49 30 23125001",
        "address": {"street": "Hauptstraße 5", "city": "Berlin", "postalCode": "10115"},
    },
    "L-2": {
        "firstName": "Jan",
        "lastName": "Albrecht",
        "birthday": "1983-02-01",
        "address": {"street": "Hauptstr. 5", "city": "Berlin", "postalCode": "10115"},
    },
    "L-3": {"firstName": "Ines", "lastName": "Kowalski", "birthday": "1990-12-01"},
}
ASK = """query($state: SuggestionState! = OPEN, $first: Int, $after: String) {
  suggestions(state: $state, first: $first, after: $after) {
    nodes {
      id score weight state by evidence { name says weight }
      customers { id identity { givenName } contact { email } }
    }
    pageInfo { hasNextPage endCursor }
  }
}"""
ACCEPT = "mutation($id: ID!) { acceptSuggestion(id: $id) { state by decidedAt customers { id } } }"
REFUSE = "mutation($id: ID!) { refuseSuggestion(id: $id) { state by customers { id } } }"


def known_as(user: str, traits: dict[str, Any], **more: Any) -> dict[str, Any]:
    """What a source says of somebody."""
    return {"type": "identify", "messageId": f"{user}-{len(more)}", "userId": user, "traits": traits, **more}


@pytest.fixture
async def doubled(house: House) -> House:
    """A house that knows Margarethe twice, and two others once."""
    for user, traits in PEOPLE.items():
        await house.tell("web-shop" if user.startswith("w") else "tills", known_as(user, traits))
    return house


async def suggest(house: House, threshold: float = 0.95, limit: int | None = None) -> int:
    """Look for doubles; how many suggestions are new."""
    return len((await house.platform.suggest(threshold, Backend.DUCKDB, limit)).new)


async def shown(house: House, state: str = "OPEN") -> list[dict[str, Any]]:
    """What the steward sees."""
    answer = await house.ask(ASK, house.token("steward"), {"state": state})
    nodes: list[dict[str, Any]] = answer["data"]["suggestions"]["nodes"]
    return nodes


async def total(house: House) -> int:
    answer = await house.ask("{ customers { totalCount } }", house.token("support"))
    count: int = answer["data"]["customers"]["totalCount"]
    return count


async def test_the_steward_sees_who_is_probably_one_and_why(doubled: House) -> None:
    assert await suggest(doubled) == 1
    (one,) = await shown(doubled)
    assert sorted(who["identity"]["givenName"] for who in one["customers"]) == ["Margarete", "Margarethe"]
    assert {it["name"]: it["says"] for it in one["evidence"]}["birth_date"] == "the same"
    assert 0.95 <= one["score"] <= 1
    assert await total(doubled) == 4, "nobody was merged"


async def test_nobody_but_the_steward_sees_or_decides(doubled: House) -> None:
    await suggest(doubled)
    (one,) = await shown(doubled)
    for role in ("frontend", "support", "marketing", "analytics", "partner"):
        for query, variables in ((ASK, {}), (ACCEPT, {"id": one["id"]}), (REFUSE, {"id": one["id"]})):
            answer = await doubled.ask(query, doubled.token(role), variables)
            assert answer["errors"][0]["extensions"]["code"] == "STEWARD_ONLY"
            assert "Margaret" not in str(answer)
    nobody = await doubled.ask(ASK, None)
    assert nobody["errors"][0]["extensions"]["code"] == "TOKEN_MISSING"
    own = await doubled.own_token("phone", "+493023125001")
    assert (await doubled.ask(ASK, own))["errors"][0]["extensions"]["code"] == "STEWARD_ONLY"
    assert [it["state"] for it in await shown(doubled)] == ["OPEN"]


async def test_each_is_told_that_they_were_compared_and_looked_at(doubled: House) -> None:
    """The reading is in the ledger, with its purpose and what was read; so is the steward's look."""
    await suggest(doubled)
    await shown(doubled)
    own = await doubled.own_token("phone", "+493023125001")
    asked = "{ me { disclosures { nodes { client purposes attributes } } } }"
    told = (await doubled.ask(asked, own))["data"]["me"]["disclosures"]["nodes"]
    by_client = {one["client"]: one for one in told}
    compared = by_client["identity-suggest"]
    assert compared["purposes"] == [PURPOSE]
    assert {"identity.givenName", "demographics.birthDate", "contact.address.street"} <= {
        *compared["attributes"]
    }
    looked = by_client["privacy-office"]
    assert "identity.givenName" in looked["attributes"]


async def test_without_a_record_nobody_is_compared(doubled: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """No receipt, no features."""

    async def away(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(doubled.platform.conductor.ledger._storage, "insert", away)
    with pytest.raises(Unavailable) as failure:
        await suggest(doubled)
    assert failure.value.code == "LEDGER_UNAVAILABLE"
    assert await shown_raw(doubled) == 0


async def shown_raw(house: House) -> int:
    """How many suggestions there are, whoever may see them."""
    return await house.platform.database.count("suggestions", {})


async def test_who_objects_is_not_compared(doubled: House) -> None:
    """The basis is a legitimate interest: it ends with an objection, and what was suggested goes at once."""
    await suggest(doubled)
    (one,) = await shown(doubled)
    no = {"consent": {"categoryPreferences": {PURPOSE: False}}}
    await doubled.tell("tills", known_as("L-1", {}, context=no))
    assert await shown(doubled) == []
    decided = await doubled.ask(ACCEPT, doubled.token("steward"), {"id": one["id"]})
    assert decided["errors"][0]["extensions"]["code"] == "SUGGESTION_UNKNOWN"
    assert await total(doubled) == 4
    assert await suggest(doubled) == 0
    assert await shown_raw(doubled) == 0
    own = await doubled.own_token("phone", "+493023125001")
    asked = "{ me { disclosures { nodes { client } } } }"
    told = (await doubled.ask(asked, own))["data"]["me"]["disclosures"]["nodes"]
    assert [one["client"] for one in told].count("identity-suggest") == 1, "before the objection"


async def test_what_is_found_again_is_one_suggestion(doubled: House) -> None:
    assert [await suggest(doubled), await suggest(doubled), await suggest(doubled, 0.5)] == [1, 0, 0]
    assert len(await shown(doubled)) == 1


async def test_what_was_refused_never_comes_back(doubled: House) -> None:
    await suggest(doubled)
    (one,) = await shown(doubled)
    refused = await doubled.ask(REFUSE, doubled.token("steward"), {"id": one["id"]})
    assert refused["data"]["refuseSuggestion"]["state"] == "REFUSED"
    assert len(refused["data"]["refuseSuggestion"]["customers"]) == 2
    assert await suggest(doubled) == 0
    assert await shown(doubled) == []
    assert [it["by"] for it in await shown(doubled, "REFUSED")] == ["steward:privacy-office"]
    again = await doubled.ask(ACCEPT, doubled.token("steward"), {"id": one["id"]})
    assert again["errors"][0]["extensions"]["code"] == "SUGGESTION_DECIDED"
    assert await total(doubled) == 4


async def test_what_is_accepted_is_one_customer_from_then_on(doubled: House) -> None:
    await suggest(doubled)
    (one,) = await shown(doubled)
    accepted = (await doubled.ask(ACCEPT, doubled.token("steward"), {"id": one["id"]}))["data"]
    assert accepted["acceptSuggestion"]["state"] == "ACCEPTED"
    assert accepted["acceptSuggestion"]["by"] == "steward:privacy-office"
    (now,) = accepted["acceptSuggestion"]["customers"]
    assert now["id"] in {who["id"] for who in one["customers"]}
    assert await total(doubled) == 3
    asked = (
        '{ customer(identifier: {type: "email", value: "margarethe@post.example"}) { contact { phone } } }'
    )
    answer = await doubled.ask(asked, doubled.token("support"))
    assert answer["data"]["customer"]["contact"]["phone"] == "+493023125001"
    assert await suggest(doubled) == 0
    assert await shown(doubled) == []


async def test_one_who_was_merged_otherwise_is_no_longer_suggested(doubled: House) -> None:
    """An identifier turns up that both have: there is nothing left to decide."""
    await suggest(doubled)
    await doubled.tell("tills", known_as("L-1", {"email": "margarethe@post.example"}, context={}))
    assert await total(doubled) == 3
    assert await shown(doubled) == []
    await suggest(doubled)
    assert await shown_raw(doubled) == 0


async def test_what_only_an_earlier_description_found_is_dropped(doubled: House) -> None:
    """A higher threshold leaves what is there; another description takes back what it does not find."""
    await suggest(doubled)
    assert await suggest(doubled, 1.0) == 0
    assert len(await shown(doubled)) == 1
    await doubled.platform.database.update_one("suggestions", {}, {"$set": {"model": "earlier"}})
    assert await suggest(doubled) == 0
    assert len(await shown(doubled)) == 1, "found again"
    await doubled.platform.database.update_one("suggestions", {}, {"$set": {"model": "earlier"}})
    assert await suggest(doubled, 1.0) == 0
    assert await shown(doubled) == []


async def test_what_it_needs_is_asked_for_before_anybody_is_read(
    doubled: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    doubled.commands.clear()
    with pytest.raises(Misconfigured) as missing:
        await doubled.platform.suggest(0.95, Backend.SPARK, None)
    assert missing.value.code == "SPARK_MISSING"
    assert not doubled.commands.sent


async def test_suggestions_come_in_pages_the_likeliest_first(doubled: House) -> None:
    await doubled.tell("tills", known_as("L-9", {**PEOPLE["L-1"], "phone": "+49 30 23125009"}))
    assert await suggest(doubled, limit=2) == 2
    assert await suggest(doubled) == 1
    steward = doubled.token("steward")
    seen: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(3):
        answer = await doubled.ask(ASK, steward, {"first": 1, "after": after})
        page = answer["data"]["suggestions"]
        seen += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert [one["weight"] for one in seen] == sorted((one["weight"] for one in seen), reverse=True)
    assert len({one["id"] for one in seen}) == 3
    wrong = await doubled.ask(ASK, steward, {"after": "elsewhere"})
    assert wrong["errors"][0]["extensions"]["code"] == "CURSOR_INVALID"
    unknown = await doubled.ask(REFUSE, steward, {"id": "elsewhere"})
    assert unknown["errors"][0]["extensions"]["code"] == "SUGGESTION_UNKNOWN"


async def test_the_command_says_what_it_found(doubled: House, mongo_url: str, tmp_path: Path) -> None:
    """In a process of its own, on the same database; nothing of anybody is printed or left in a file."""
    before = files(tmp_path)
    ran = await asyncio.to_thread(command, mongo_url, doubled.platform.database.name, tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "4 customers compared, 1 likely double found" in ran.stdout
    assert len(await shown(doubled)) == 1
    assert not any(name in ran.stdout + ran.stderr for name in ("Albrecht", "albrecht", "Margaret"))
    assert files(tmp_path) == before


def command(mongo_url: str, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """``discretion identity suggest`` as an operator runs it, beside the house."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("discretion")), "identity", "suggest", "--threshold", "0.9"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=folder,
        env={
            **os.environ,
            "DISCRETION_MONGO_URL": mongo_url,
            "DISCRETION_MONGO_DATABASE": name,
            "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode().rstrip("="),
            "DISCRETION_BUCKETS": "64",
            "DISCRETION_DATA_DIR": str(folder),
        },
    )


def files(folder: Path) -> set[Path]:
    """Every file under a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}
