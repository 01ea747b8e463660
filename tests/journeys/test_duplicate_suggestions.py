"""Two customers without a common identifier are probably one person; a steward decides."""

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
from discretion.domain.identity.duplicates.suggestion_run import SUGGEST_PURPOSE
from discretion.errors import Misconfigured, Unavailable
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest
from tests.fixtures.waiting import WAIT_S

PEOPLE: dict[str, dict[str, Any]] = {
    "w-1": {
        "firstName": "Margarethe",
        "lastName": "Albrecht",
        "birthday": "1980-05-01",
        "email": "margarethe@post.example",
        "address": {"street": "Hauptstr. 5", "city": "Berlin", "postalCode": "10115"},
    },
    "a-1": {
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
SOURCES = {"w": "web-shop", "a": "ios-app", "L": "tills"}
LIST_SUGGESTIONS = """query($state: SuggestionState! = OPEN, $first: Int, $after: String) {
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


def identify(user: str, traits: dict[str, Any], **extra: Any) -> dict[str, Any]:
    """Return an identify message."""
    return {
        "type": "identify",
        "messageId": f"{user}-{len(extra)}",
        "userId": user,
        "traits": traits,
        **extra,
    }


@pytest.fixture
async def duplicated_platform(platform: PlatformUnderTest) -> PlatformUnderTest:
    """A platform with Margarethe as two customers, and two other customers."""
    for user, traits in PEOPLE.items():
        await platform.send_messages(SOURCES[user[0]], identify(user, traits))
    return platform


async def suggest_duplicates(
    platform: PlatformUnderTest, threshold: float = 0.95, limit: int | None = None
) -> int:
    """Compare the customers and return the number of new suggestions."""
    return len((await platform.internals.duplicate_search.run(threshold, Backend.DUCKDB, limit)).new_scores)


async def list_suggestions(platform: PlatformUnderTest, state: str = "OPEN") -> list[dict[str, Any]]:
    """Return the suggestions that a steward sees."""
    answer = await platform.query(LIST_SUGGESTIONS, platform.issue_token("steward"), {"state": state})
    nodes: list[dict[str, Any]] = answer["data"]["suggestions"]["nodes"]
    return nodes


async def count_customers(platform: PlatformUnderTest) -> int:
    answer = await platform.query("{ customers { totalCount } }", platform.issue_token("support"))
    count: int = answer["data"]["customers"]["totalCount"]
    return count


async def test_a_steward_sees_a_suggestion_with_its_evidence(duplicated_platform: PlatformUnderTest) -> None:
    assert await suggest_duplicates(duplicated_platform) == 1
    (suggestion,) = await list_suggestions(duplicated_platform)
    assert sorted(customer["identity"]["givenName"] for customer in suggestion["customers"]) == [
        "Margarete",
        "Margarethe",
    ]
    assert {item["name"]: item["says"] for item in suggestion["evidence"]}["birth_date"] == "the same"
    assert 0.95 <= suggestion["score"] <= 1
    assert await count_customers(duplicated_platform) == 4, "nobody was merged"


async def test_only_a_steward_sees_and_decides_suggestions(duplicated_platform: PlatformUnderTest) -> None:
    await suggest_duplicates(duplicated_platform)
    (suggestion,) = await list_suggestions(duplicated_platform)
    for role in ("frontend", "support", "marketing", "analytics", "partner"):
        for query, variables in (
            (LIST_SUGGESTIONS, {}),
            (ACCEPT, {"id": suggestion["id"]}),
            (REFUSE, {"id": suggestion["id"]}),
        ):
            answer = await duplicated_platform.query(query, duplicated_platform.issue_token(role), variables)
            assert answer["errors"][0]["extensions"]["code"] == "STEWARD_ONLY"
            assert "Margaret" not in str(answer)
    anonymous_answer = await duplicated_platform.query(LIST_SUGGESTIONS, None)
    assert anonymous_answer["errors"][0]["extensions"]["code"] == "TOKEN_MISSING"
    customer_token = duplicated_platform.issue_token("customer", subject="a-1")
    assert (await duplicated_platform.query(LIST_SUGGESTIONS, customer_token))["errors"][0]["extensions"][
        "code"
    ] == "STEWARD_ONLY"
    assert [entry["state"] for entry in await list_suggestions(duplicated_platform)] == ["OPEN"]


async def test_a_comparison_and_a_stewards_read_are_on_the_ledger(
    duplicated_platform: PlatformUnderTest,
) -> None:
    """The comparison is recorded with its purpose and the attributes it read; so is the steward's read."""
    await suggest_duplicates(duplicated_platform)
    await list_suggestions(duplicated_platform)
    token = duplicated_platform.issue_token("customer", subject="a-1")
    query = "{ me { disclosures { nodes { client purposes attributes } } } }"
    disclosures = (await duplicated_platform.query(query, token))["data"]["me"]["disclosures"]["nodes"]
    by_client = {disclosure["client"]: disclosure for disclosure in disclosures}
    comparison = by_client["identity-suggest"]
    assert comparison["purposes"] == [SUGGEST_PURPOSE]
    assert {"identity.givenName", "demographics.birthDate", "contact.address.street"} <= {
        *comparison["attributes"]
    }
    steward_read = by_client["privacy-office"]
    assert "identity.givenName" in steward_read["attributes"]


async def test_no_customer_is_compared_without_a_ledger_record(
    duplicated_platform: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The features are read only after the ledger has a receipt."""

    async def fail_insert(*_: object, **__: object) -> None:
        raise OSError

    monkeypatch.setattr(duplicated_platform.internals.discloser.ledger._storage, "insert", fail_insert)
    with pytest.raises(Unavailable) as error:
        await suggest_duplicates(duplicated_platform)
    assert error.value.code == "LEDGER_UNAVAILABLE"
    assert await count_stored_suggestions(duplicated_platform) == 0


async def count_stored_suggestions(platform: PlatformUnderTest) -> int:
    """Return the number of stored suggestions, visible or not."""
    return await platform.internals.database.count("suggestions", {})


async def test_an_objecting_customer_is_not_compared(duplicated_platform: PlatformUnderTest) -> None:
    """The basis is a legitimate interest: an objection ends it, and open suggestions disappear at once."""
    await suggest_duplicates(duplicated_platform)
    (suggestion,) = await list_suggestions(duplicated_platform)
    objection = {"consent": {"categoryPreferences": {SUGGEST_PURPOSE: False}}}
    await duplicated_platform.send_messages("ios-app", identify("a-1", {}, context=objection))
    assert await list_suggestions(duplicated_platform) == []
    answer = await duplicated_platform.query(
        ACCEPT, duplicated_platform.issue_token("steward"), {"id": suggestion["id"]}
    )
    assert answer["errors"][0]["extensions"]["code"] == "SUGGESTION_UNKNOWN"
    assert await count_customers(duplicated_platform) == 4
    assert await suggest_duplicates(duplicated_platform) == 0
    assert await count_stored_suggestions(duplicated_platform) == 0
    token = duplicated_platform.issue_token("customer", subject="a-1")
    query = "{ me { disclosures { nodes { client } } } }"
    disclosures = (await duplicated_platform.query(query, token))["data"]["me"]["disclosures"]["nodes"]
    assert [disclosure["client"] for disclosure in disclosures].count("identity-suggest") == 1, (
        "recorded before the objection"
    )


async def test_a_duplicate_found_again_stays_one_suggestion(duplicated_platform: PlatformUnderTest) -> None:
    assert [
        await suggest_duplicates(duplicated_platform),
        await suggest_duplicates(duplicated_platform),
        await suggest_duplicates(duplicated_platform, 0.5),
    ] == [1, 0, 0]
    assert len(await list_suggestions(duplicated_platform)) == 1


async def test_a_refused_suggestion_never_returns(duplicated_platform: PlatformUnderTest) -> None:
    await suggest_duplicates(duplicated_platform)
    (suggestion,) = await list_suggestions(duplicated_platform)
    refused = await duplicated_platform.query(
        REFUSE, duplicated_platform.issue_token("steward"), {"id": suggestion["id"]}
    )
    assert refused["data"]["refuseSuggestion"]["state"] == "REFUSED"
    assert len(refused["data"]["refuseSuggestion"]["customers"]) == 2
    assert await suggest_duplicates(duplicated_platform) == 0
    assert await list_suggestions(duplicated_platform) == []
    assert [entry["by"] for entry in await list_suggestions(duplicated_platform, "REFUSED")] == [
        "steward:privacy-office"
    ]
    second_decision = await duplicated_platform.query(
        ACCEPT, duplicated_platform.issue_token("steward"), {"id": suggestion["id"]}
    )
    assert second_decision["errors"][0]["extensions"]["code"] == "SUGGESTION_DECIDED"
    assert await count_customers(duplicated_platform) == 4


async def test_an_accepted_suggestion_merges_the_customers(duplicated_platform: PlatformUnderTest) -> None:
    await suggest_duplicates(duplicated_platform)
    (suggestion,) = await list_suggestions(duplicated_platform)
    accepted = (
        await duplicated_platform.query(
            ACCEPT, duplicated_platform.issue_token("steward"), {"id": suggestion["id"]}
        )
    )["data"]
    assert accepted["acceptSuggestion"]["state"] == "ACCEPTED"
    assert accepted["acceptSuggestion"]["by"] == "steward:privacy-office"
    (merged_customer,) = accepted["acceptSuggestion"]["customers"]
    assert merged_customer["id"] in {customer["id"] for customer in suggestion["customers"]}
    assert await count_customers(duplicated_platform) == 3
    query = (
        '{ customer(identifier: {type: "email", value: "margarethe@post.example"}) { contact { phone } } }'
    )
    answer = await duplicated_platform.query(query, duplicated_platform.issue_token("support"))
    assert answer["data"]["customer"]["contact"]["phone"] == "+493023125001"
    assert await suggest_duplicates(duplicated_platform) == 0
    assert await list_suggestions(duplicated_platform) == []


async def test_a_suggestion_that_is_refused_while_it_is_accepted_merges_nobody(
    duplicated_platform: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two stewards who decide at the same time, the first decides."""
    await suggest_duplicates(duplicated_platform)
    (suggestion,) = await list_suggestions(duplicated_platform)
    steward = duplicated_platform.issue_token("steward")
    database = duplicated_platform.internals.database
    real_run_transaction = database.run_transaction

    async def refuse_before_transaction(work: Any) -> Any:
        monkeypatch.undo()
        await duplicated_platform.query(REFUSE, steward, {"id": suggestion["id"]})
        return await real_run_transaction(work)

    monkeypatch.setattr(database, "run_transaction", refuse_before_transaction)
    accepted = await duplicated_platform.query(ACCEPT, steward, {"id": suggestion["id"]})
    assert accepted["errors"][0]["extensions"]["code"] == "SUGGESTION_DECIDED"
    assert len(await list_suggestions(duplicated_platform, "REFUSED")) == 1
    assert await count_customers(duplicated_platform) == 4


async def test_a_suggestion_disappears_when_its_customers_merge(
    duplicated_platform: PlatformUnderTest,
) -> None:
    """Both accounts confirm the same card, which merges the two: there is nothing left to decide."""
    await suggest_duplicates(duplicated_platform)
    card = {"id": "L-77", "type": "loyalty_id", "collection": "users", "encoding": "none"}
    confirmed = {"externalIds": [{**card, "assurance": "proven"}]}
    await duplicated_platform.send_messages("ios-app", identify("a-1", {}, context=confirmed))
    await duplicated_platform.send_messages("web-shop", identify("w-1", {}, context=confirmed))
    assert await count_customers(duplicated_platform) == 3
    assert await list_suggestions(duplicated_platform) == []
    await suggest_duplicates(duplicated_platform)
    assert await count_stored_suggestions(duplicated_platform) == 0


async def test_suggestions_of_an_earlier_model_are_dropped(duplicated_platform: PlatformUnderTest) -> None:
    """A higher threshold keeps existing suggestions; a new model removes those that it does not find."""
    await suggest_duplicates(duplicated_platform)
    assert await suggest_duplicates(duplicated_platform, 1.0) == 0
    assert len(await list_suggestions(duplicated_platform)) == 1
    await duplicated_platform.internals.database.update_one("suggestions", {}, {"$set": {"model": "earlier"}})
    assert await suggest_duplicates(duplicated_platform) == 0
    assert len(await list_suggestions(duplicated_platform)) == 1, "found again"
    await duplicated_platform.internals.database.update_one("suggestions", {}, {"$set": {"model": "earlier"}})
    assert await suggest_duplicates(duplicated_platform, 1.0) == 0
    assert await list_suggestions(duplicated_platform) == []


async def test_a_missing_backend_fails_before_any_read(
    duplicated_platform: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyspark", None)
    duplicated_platform.commands.clear()
    with pytest.raises(Misconfigured) as error:
        await duplicated_platform.internals.duplicate_search.run(0.95, Backend.SPARK, None)
    assert error.value.code == "SPARK_MISSING"
    assert not duplicated_platform.commands.sent


async def test_suggestions_are_paged_by_descending_weight(duplicated_platform: PlatformUnderTest) -> None:
    await duplicated_platform.send_messages(
        "tills", identify("L-9", {**PEOPLE["a-1"], "phone": "+49 30 23125009"})
    )
    assert await suggest_duplicates(duplicated_platform, limit=2) == 2
    assert await suggest_duplicates(duplicated_platform) == 1
    steward = duplicated_platform.issue_token("steward")
    suggestions: list[dict[str, Any]] = []
    after: str | None = None
    for _ in range(3):
        answer = await duplicated_platform.query(LIST_SUGGESTIONS, steward, {"first": 1, "after": after})
        page = answer["data"]["suggestions"]
        suggestions += page["nodes"]
        after = page["pageInfo"]["endCursor"]
    assert page["pageInfo"]["hasNextPage"] is False
    assert [suggestion["weight"] for suggestion in suggestions] == sorted(
        (suggestion["weight"] for suggestion in suggestions), reverse=True
    )
    assert len({suggestion["id"] for suggestion in suggestions}) == 3
    invalid_cursor = await duplicated_platform.query(LIST_SUGGESTIONS, steward, {"after": "elsewhere"})
    assert invalid_cursor["errors"][0]["extensions"]["code"] == "CURSOR_INVALID"
    unknown_id = await duplicated_platform.query(REFUSE, steward, {"id": "elsewhere"})
    assert unknown_id["errors"][0]["extensions"]["code"] == "SUGGESTION_UNKNOWN"


async def test_the_command_prints_counts_and_no_personal_data(
    duplicated_platform: PlatformUnderTest, mongo_url: str, tmp_path: Path
) -> None:
    """In a process of its own, on the same database; personal data is neither printed nor left in a file."""
    files_before = list_files(tmp_path)
    process = await asyncio.to_thread(
        run_suggest_command, mongo_url, duplicated_platform.internals.database.name, tmp_path
    )
    assert process.returncode == 0, process.stderr
    assert "4 customers compared, 1 likely duplicate found" in process.stdout
    assert len(await list_suggestions(duplicated_platform)) == 1
    assert not any(name in process.stdout + process.stderr for name in ("Albrecht", "albrecht", "Margaret"))
    assert list_files(tmp_path) == files_before


def run_suggest_command(mongo_url: str, name: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run ``discretion identity suggest`` as an operator does."""
    return subprocess.run(
        [str(Path(sys.executable).with_name("discretion")), "identity", "suggest", "--threshold", "0.9"],
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
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


def list_files(folder: Path) -> set[Path]:
    """Return every file under a folder."""
    return {path for path in folder.rglob("*") if path.is_file()}
