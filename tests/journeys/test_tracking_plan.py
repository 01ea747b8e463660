"""What is wrong can be mended: which event and which property, by source and day, and live; never a value."""

from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path
from typing import Any

import bson
import pytest
from pymongo import AsyncMongoClient

from discretion.domain.ingest.outcome_feed.outcome_feed import DELAY_MS
from discretion.domain.ingest.outcome_feed.tail import OutcomeTail, format_outcome
from discretion.domain.ingest.tracking_plan.event_name import MAY_BE_PERSONAL, NAMED_ONCE
from discretion.domain.ingest.tracking_plan.plan_violation import UNDECLARED
from discretion.domain.ingest.tracking_plan.violation_recorder import MAX_NAMES_PER_DAY
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import ROOT_KEY, PlatformUnderTest, build_test_platform, open_platform
from tests.fixtures.program import run_program, start_program
from tests.fixtures.server_process import environment
from tests.fixtures.waiting import WAIT_S

VALUE = "Wolfeschlegelsteinhausen"
ADDRESS = "ann@mail.example"
VIOLATIONS = """query($source: String, $first: Int! = 500) {
  trackingPlanViolations(source: $source, first: $first) { source code event place shape count } }"""
OUTCOMES = """query($source: String, $after: String) { ingestOutcomes(source: $source, after: $after) {
  cursor outcomes { source type event eventWithheld status codes places dropped } } }"""


def build_view(number: int, event: Any = "Product Viewed", **properties: Any) -> dict[str, Any]:
    """Build a viewed product with further properties."""
    return {
        "type": "track",
        "userId": f"u{number}",
        "messageId": f"m{number}",
        "event": event,
        "properties": {"product_id": "p", **properties},
    }


async def read_violations(platform: PlatformUnderTest, **variables: Any) -> list[dict[str, Any]]:
    """Return the violations that a steward sees."""
    answer = await platform.query(VIOLATIONS, platform.issue_token("steward"), variables)
    assert "errors" not in answer, answer
    violations: list[dict[str, Any]] = answer["data"]["trackingPlanViolations"]
    return violations


async def test_violations_name_event_and_property_by_source(platform: PlatformUnderTest) -> None:
    await platform.send_messages(
        "web-shop",
        *(build_view(number, hatSize=VALUE) for number in range(3)),
        *(build_view(number, "Moon Landed") for number in range(3, 5)),
        build_view(6, price="dear"),
    )
    await platform.send_messages("ios-app", build_view(7, hatSize=7), build_view(8, hatSize=8))
    of_shop = {
        (each["code"], each["event"], each["place"]): each
        for each in await read_violations(platform, source="web-shop")
    }
    hat = of_shop[UNDECLARED, "Product Viewed", "properties.hatSize"]
    assert (hat["count"], hat["shape"]) == (3, "text of 11 to 50 characters")
    assert of_shop["EVENT_UNDECLARED", "Moon Landed", "event"]["count"] == 2
    assert of_shop["TYPE_WRONG", "Product Viewed", "properties.price"]["count"] == 1
    [in_app] = await read_violations(platform, source="ios-app")
    assert (in_app["count"], in_app["shape"]) == (2, "whole number")
    answer = await platform.query(
        "{ deadLetters { code place source events } }", platform.issue_token("steward")
    )
    undeclared = [each for each in answer["data"]["deadLetters"] if each["code"] == "EVENT_UNDECLARED"]
    assert [(each["source"], each["events"]) for each in undeclared] == [("web-shop", ["Moon Landed"])]


async def test_a_name_of_one_message_is_neither_shown_nor_stored(
    platform: PlatformUnderTest, database: Database, mongo_url: str
) -> None:
    """Also if that message is sent again and again; the second message with the name shows it."""
    once = build_view(1, ownersSurname=VALUE, **{ADDRESS: VALUE})
    for _ in range(3):
        await platform.send_messages("web-shop", once, build_view(1, "Moon Landed"))
        await platform.send_messages("web-shop", build_view(2, **{ADDRESS: VALUE}))
    shown = await read_violations(platform)
    assert {(each["event"], each["place"]) for each in shown if each["code"] == UNDECLARED} <= {
        (None, None),
        ("Product Viewed", None),
    }
    stored = await read_stored(mongo_url, database.name)
    for hidden in ("ownersSurname", ADDRESS, VALUE, "Moon Landed"):
        assert hidden.encode() not in stored
    await platform.send_messages("web-shop", build_view(3, ownersSurname=VALUE))
    places = [each["place"] for each in await read_violations(platform)]
    assert "properties.ownersSurname" in places
    assert VALUE.encode() not in await read_stored(mongo_url, database.name)


async def read_stored(url: str, database: str) -> bytes:
    """Return the documents about violations and outcomes as stored."""
    async with AsyncMongoClient[dict[str, Any]](url) as client:
        documents = [
            bson.encode(document)
            for name in ("tracking_plan_violations", "ingest_outcomes")
            async for document in client[database][name].find()
        ]
    return b"".join(documents)


async def test_a_sender_of_endless_names_fills_a_limited_number_of_documents(
    platform: PlatformUnderTest, database: Database
) -> None:
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    names = [f"z{a}{b}" for a in alphabet for b in alphabet][: MAX_NAMES_PER_DAY + 100]
    for start in range(0, len(names), 40):
        part = dict.fromkeys(names[start : start + 40], 1)
        await platform.send_messages("web-shop", build_view(start, **part), build_view(start + 1, **part))
        await platform.internals.violation_recorder.flush()
    stored = await database.find("tracking_plan_violations", {})
    assert len(stored) == MAX_NAMES_PER_DAY + 1
    assert sum(document["count"] for document in stored) == 2 * len(names)


async def test_only_a_steward_reads_violations_and_outcomes(platform: PlatformUnderTest) -> None:
    for query in (VIOLATIONS, OUTCOMES):
        for role in ("support", "marketing", "frontend"):
            answer = await platform.query(query, platform.issue_token(role))
            assert answer["errors"][0]["extensions"]["code"]
            assert not [value for value in (answer.get("data") or {}).values() if value]


async def test_outcomes_of_all_hosts_are_shown_while_a_steward_watches(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Two hosts with one clock: what was sent before is not shown, and what nobody watches is not stored."""
    clock = Clock("2026-11-30T10:00:00")
    here = await build_test_platform(database, tmp_path, commands, clock=clock)
    there = await build_test_platform(database, tmp_path, commands, clock=clock)
    here = replace(here, write_keys=there.write_keys)  # the later keys are in force
    async with here.http, there.http:
        await here.send_messages("web-shop", build_view(1))
        await here.internals.outcome_feed.synchronise()
        assert await database.count("ingest_outcomes", {}) == 0
        token = here.issue_token("steward")
        first = (await here.query(OUTCOMES, token, {"source": "web-shop"}))["data"]["ingestOutcomes"]
        assert first["outcomes"] == []
        await there.internals.outcome_feed.synchronise()
        await here.send_messages("web-shop", build_view(2, product_id=None), build_view(5, price="dear"))
        await there.send_messages("web-shop", build_view(3), build_view(3))
        await there.send_messages("ios-app", build_view(4))
        await there.internals.outcome_feed.synchronise()
        clock.advance(DELAY_MS + 1)
        variables = {"source": "web-shop", "after": first["cursor"]}
        page = (await here.query(OUTCOMES, token, variables))["data"]["ingestOutcomes"]
        assert {each["event"] for each in page["outcomes"]} == {"Product Viewed"}
        assert sorted((each["status"], each["codes"], each["places"]) for each in page["outcomes"]) == [
            ("ACCEPTED", [], []),
            ("ACCEPTED", ["TYPE_WRONG"], ["properties.price"]),
            ("DUPLICATE", [], []),
            ("REFUSED", ["PROPERTY_MISSING"], ["properties.product_id"]),
        ]
        again = await here.query(OUTCOMES, token, {**variables, "after": page["cursor"]})
        assert again["data"]["ingestOutcomes"]["outcomes"] == []


async def test_an_undeclared_event_is_named_once_two_messages_had_its_name(
    database: Database, tmp_path: Path, commands: CommandRecorder, mongo_url: str
) -> None:
    """As in the violations. Until then, and if it may be personal data, the reason is shown in its place."""
    clock = Clock("2026-11-30T10:00:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http:
        token = platform.issue_token("steward")
        first = (await platform.query(OUTCOMES, token, {}))["data"]["ingestOutcomes"]

        async def read_lines() -> list[str]:
            clock.advance(DELAY_MS + 1)
            page = await platform.query(OUTCOMES, token, {"after": first["cursor"]})
            outcomes = page["data"]["ingestOutcomes"]["outcomes"]
            return [format_outcome({**each, "at": "10:00"}).split("  ")[3] for each in outcomes]

        await platform.send_messages("web-shop", build_view(1, "Moon Landed"), build_view(2, ADDRESS))
        await platform.send_messages("web-shop", build_view(3, "product_viewed"))
        assert await read_lines() == [NAMED_ONCE, MAY_BE_PERSONAL, "Product Viewed"]
        stored = await read_stored(mongo_url, database.name)
        assert b"Moon Landed" not in stored
        assert ADDRESS.encode() not in stored
        await platform.send_messages("web-shop", build_view(4, "Moon Landed"))
        assert await read_lines() == ["Moon Landed", MAY_BE_PERSONAL, "Product Viewed", "Moon Landed"]


@pytest.mark.parametrize("has_token", [True, False])
async def test_the_command_follows_a_running_server(mongo_url: str, tmp_path: Path, has_token: bool) -> None:
    """With the token of a steward, and with the keys of the installation, which issue one."""
    async with open_platform(mongo_url, tmp_path) as platform:
        address = str(platform.http.base_url)
        arguments = ["--url", address, "--source", "web-shop"]
        arguments += ["--token", platform.issue_token("steward")] if has_token else []
        output, errors = tmp_path / "output", tmp_path / "errors"
        process = start_program(
            ("ingest", "tail", *arguments),
            environment(
                {
                    "DISCRETION_DATA_DIR": str(tmp_path),
                    "DISCRETION_ROOT_KEY": base64.urlsafe_b64encode(ROOT_KEY).decode(),
                }
            ),
            output,
            errors,
        )
        try:
            number = 0
            async with asyncio.timeout(WAIT_S):
                while not (output.exists() and output.read_text("utf-8").endswith("\n")):
                    number += 1
                    await platform.send_messages("web-shop", build_view(number, price=VALUE))
                    await asyncio.sleep(0.3)
            columns = output.read_text("utf-8").splitlines()[0].split("  ")
            assert columns[1:5] == ["web-shop", "track", "Product Viewed", "accepted"]
            assert "TYPE_WRONG properties.price" in columns[5]
        finally:
            process.kill()
        assert VALUE not in output.read_text("utf-8") + errors.read_text("utf-8")


def test_a_line_of_the_tail_steers_no_terminal() -> None:
    """A server that is none of ours may answer anything."""
    outcome = {
        "at": "2026-11-30T10:00:00Z",
        "source": "\x1b[2Jweb",
        "type": "track",
        "event": "a\nb",
        "eventWithheld": None,
        "status": "REFUSED",
        "codes": ["C\u202e"],
        "places": ["p"],
        "dropped": 2,
    }
    assert format_outcome(outcome).isprintable()


def test_a_tail_without_a_server_says_what_to_do() -> None:
    result = run_program(("ingest", "tail", "--url", "http://127.0.0.1:9", "--token", "t"), environment({}))
    assert result.returncode == 1
    assert result.stderr.startswith("SERVER_UNREACHABLE")
    assert "--url" in result.stderr
    assert OutcomeTail("http://x", "secret").token not in repr(OutcomeTail("http://x", "secret"))
