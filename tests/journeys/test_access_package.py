"""Access packages: complete, downloaded by a link that works once, and made once despite crashes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from discretion.catalogue.load import load_catalogue
from discretion.domain.access.download_links import LINK_LIFETIME_MS
from discretion.domain.access.package_steps import PACKAGE_LIFETIME_MS
from discretion.domain.kit.workflow.lease import LEASE_MS
from discretion.domain.kit.workflow.runner import WorkflowRunner
from discretion.domain.kit.workflow.step import list_actions
from discretion.domain.requests.workflows import fulfil_request
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from discretion.store.request_state import RequestState
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.package import (
    CLIENT,
    create_link,
    fetch_package,
    file_request,
    find_customer_id,
    open_package,
    request_package,
    unpack,
)
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "salutation": "canary-salutation", "email": "ann@shop.example"},
}
SEARCH = {
    "type": "track",
    "messageId": "w2",
    "userId": "w-1",
    "event": "Products Searched",
    "properties": {"query": "canary red shoes"},
}
BOB = {"type": "identify", "messageId": "w3", "userId": "w-2", "traits": {"email": "bob@shop.example"}}


class SimulatedCrash(BaseException):
    """The process ends at this point."""


async def create_ann(platform: PlatformUnderTest) -> tuple[bytes, str]:
    """Create Ann with one recorded search and return her customer id and her token."""
    await platform.send_messages("web-shop", ANN, SEARCH)
    return await find_customer_id(platform, "email", "ann@shop.example"), await platform.issue_customer_token(
        "email", "ann@shop.example"
    )


async def test_a_download_link_works_once(platform: PlatformUnderTest) -> None:
    """Over HTTP. A second GET answers as if the link had never existed; HEAD does not use the link up."""
    customer_id, token = await create_ann(platform)
    request = await file_request(platform, customer_id)
    await platform.internals.requests.workflow_runner.run_due()
    path = await create_link(platform, request, token)
    assert (await platform.http.head(path)).status_code == 405
    first_response = await fetch_package(platform, path)
    assert first_response.status_code == 200
    assert first_response.headers["cache-control"] == "no-store"
    assert first_response.headers["referrer-policy"] == "no-referrer"
    assert first_response.headers["content-disposition"] == 'attachment; filename="access.zip"'
    assert "canary red shoes" in unpack(first_response.content).files["package.html"].decode()
    not_found = [
        await fetch_package(platform, link)
        for link in (path, path[:-2] + "AA", path[:-1], "/v1/packages/x", "/v1/packages/" + "\u00e4" * 43)
    ]
    assert {response.status_code for response in not_found} == {404}
    assert len({response.text for response in not_found}) == 1
    second_response = await fetch_package(platform, await create_link(platform, request, token))
    assert unpack(second_response.content).sections == unpack(first_response.content).sections


async def test_a_package_and_its_download_are_on_the_ledger(platform: PlatformUnderTest) -> None:
    """Making the package and downloading it are each recorded once, as disclosures to the customer."""
    package = await request_package_of_ann(platform)
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await platform.query(
        "{ me { disclosures(first: 20) { nodes { actor also attributes } } } }", token
    )
    nodes = answer["data"]["me"]["disclosures"]["nodes"]
    package_disclosures = [disclosure for disclosure in nodes if "told" in disclosure["also"]]
    (package_disclosure,) = package_disclosures
    assert package_disclosure["actor"] == "self"
    assert {"event:Products Searched", "identifiers", "disclosures"} <= set(package_disclosure["also"])
    assert {"identity.givenName", "contact.email"} <= set(package_disclosure["attributes"])
    assert len([disclosure for disclosure in nodes if disclosure["also"] == ["package"]]) == 1
    assert not [disclosure for disclosure in package.sections["disclosures"] if "told" in disclosure["also"]]


async def request_package_of_ann(platform: PlatformUnderTest) -> Any:
    """Create Ann and return her access package."""
    await create_ann(platform)
    return await request_package(platform, "email", "ann@shop.example")


async def test_download_links_and_packages_expire(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """A link after 15 minutes, the package after 5 days."""
    clock = Clock("2026-11-24T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    customer_id, token = await create_ann(platform)
    request = await file_request(platform, customer_id)
    await platform.internals.requests.workflow_runner.run_due()
    first_link, second_link = (
        await create_link(platform, request, token),
        await create_link(platform, request, token),
    )
    clock.advance(LINK_LIFETIME_MS - 1)
    assert (await fetch_package(platform, first_link)).status_code == 200
    clock.advance(1)
    assert (await fetch_package(platform, second_link)).status_code == 404
    clock.advance(PACKAGE_LIFETIME_MS)
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await open_package(platform, request, token)
    assert answer["errors"][0]["extensions"]["code"] == "PACKAGE_GONE"


async def test_only_the_customer_gets_a_download_link(platform: PlatformUnderTest) -> None:
    """Neither another customer nor the steward nor another role, and nobody before the package is ready."""
    customer_id, token = await create_ann(platform)
    await platform.send_messages("web-shop", BOB)
    request = await file_request(platform, customer_id)
    codes = [
        (await open_package(platform, request, caller_token))["errors"][0]["extensions"]["code"]
        for caller_token in (
            token,
            await platform.issue_customer_token("email", "bob@shop.example"),
            platform.issue_token("steward", client=CLIENT),
            platform.issue_token("support", client=CLIENT),
        )
    ]
    assert codes == ["PACKAGE_NOT_READY", "REQUEST_NOT_FOUND", "PACKAGE_NOT_GRANTED", "PACKAGE_NOT_GRANTED"]


async def test_packages_and_links_are_unreadable_in_the_database(platform: PlatformUnderTest) -> None:
    """Neither the pages nor the links contain plain text."""
    await request_package_of_ann(platform)
    for collection in ("packages", "package_links", "requests"):
        stored = repr(await platform.internals.database.find(collection, {}))
        assert "canary" not in stored
        assert "ann@" not in stored


@pytest.mark.parametrize(
    ("point", "occurrence"),
    [
        *(("gather.page", 1), ("gather.page", 7), ("gather.acted", 1), ("gather.end", 1)),
        *(("ready.cleared", 1), ("ready.end", 1)),
    ],
)
async def test_a_crash_at_any_step_still_yields_one_package(
    database: Database, tmp_path: Path, commands: CommandRecorder, point: str, occurrence: int
) -> None:
    """The next worker deletes the pages of the crashed worker and writes each section once."""
    clock = Clock("2026-11-24T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    customer_id, token = await create_ann(platform)
    request = await file_request(platform, customer_id)
    crashing_runner = build_second_runner(platform, clock, crash_at(f"access.{point}", occurrence))
    with pytest.raises(SimulatedCrash):
        await crashing_runner.run_request(request.id)
    clock.advance(LEASE_MS + 1)
    await platform.internals.requests.workflow_runner.run_due()
    package = unpack((await fetch_package(platform, await create_link(platform, request, token))).content)
    assert [event["name"] for event in package.sections["events"]] == ["Products Searched"]
    stored = await database.find("packages", {})
    assert len({page["_id"][16:24] for page in stored}) == 1
    assert len(stored) == sum(1 for section in package.sections if package.sections[section])
    stored_request = await platform.internals.requests.store.find(request.id)
    assert stored_request is not None
    assert stored_request.state is RequestState.FULFILLED


def crash_at(point: str, occurrence: int) -> Callable[[str], None]:
    """Return a hook that simulates a crash when a point is reached for the n-th time."""
    remaining = [occurrence]

    def count_down(reached_point: str) -> None:
        remaining[0] -= reached_point == point
        if remaining[0] == 0:
            raise SimulatedCrash

    return count_down


def build_second_runner(
    platform: PlatformUnderTest, clock: Clock, on_point: Callable[[str], None]
) -> WorkflowRunner:
    """Return the workflow runner of a second process on the same requests."""
    requests = platform.internals.requests
    actions = list_actions(requests.workflows.values())
    return WorkflowRunner(requests.store, actions, fulfil_request, clock, on_point)


async def test_a_value_that_a_law_withholds_is_listed_without_its_content(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """A government id is stored, but no file of a Californian's package has it; a German's does."""
    shipped = load_catalogue(None)
    attribute = shipped.attributes["identity.salutation"]
    number = replace(attribute, category="user.government_id", kinds=("government_id",))
    catalogue = replace(shipped, attributes={**shipped.attributes, number.path: number})
    platform = await build_test_platform(database, tmp_path, commands, catalogue)
    for name, place in (("cal", {"country": "US", "region": "CA"}), ("ger", {"country": "DE"})):
        traits = {"email": f"{name}@shop.example", "salutation": f"canary-{name}", "address": place}
        await platform.send_messages(
            "web-shop", {"type": "identify", "messageId": name, "userId": name, "traits": traits}
        )
    package = await request_package(platform, "email", "cal@shop.example")
    assert b"canary-cal" not in b"".join(package.files.values())
    for section in ("values", "told"):
        (entry,) = [row for row in package.sections[section] if row["attribute"] == number.path]
        assert entry["value"] is None
        assert "Cal. Civ. Code" in entry["withheld"]
    german_package = await request_package(platform, "email", "ger@shop.example")
    assert b"canary-ger" in german_package.files["package.json"]


async def test_a_package_made_before_an_unmerge_is_destroyed(platform: PlatformUnderTest) -> None:
    """It may contain another person's data; links issued before the unmerge stop working too.

    Nothing of it is stored any more when the unmerge is answered, so no copy can be opened later either.
    """
    customer_id, token = await create_ann(platform)
    await platform.send_messages("web-shop", BOB)
    steward = platform.issue_token("steward", client=CLIENT)
    customers = await platform.query("{ customers { nodes { id } } }", steward)
    ids = [customer["id"] for customer in customers["data"]["customers"]["nodes"]]
    merge_answer = await platform.query(
        (
            "mutation($i: [ID!]!) { "
            'merge(customers: $i, reason: "D-17") { id identityHistory { nodes { id } } } }'
        ),
        steward,
        {"i": ids},
    )
    (event,) = merge_answer["data"]["merge"]["identityHistory"]["nodes"]
    token = platform.issue_token("customer", client=CLIENT, subject="w-1")
    request = await file_request(platform, customer_id)
    await platform.internals.requests.workflow_runner.run_due()
    old_link = await create_link(platform, request, token)
    database = platform.internals.database
    assert [await database.count(name, {}) > 0 for name in ("packages", "package_links")] == [True, True]
    await platform.query("mutation($m: ID!) { unmerge(merge: $m) { id } }", steward, {"m": event["id"]})
    assert [await database.count(name, {}) for name in ("packages", "package_links")] == [0, 0]
    assert (await fetch_package(platform, old_link)).status_code == 404
    codes = {
        (
            await open_package(
                platform, request, await platform.issue_customer_token("email", f"{name}@shop.example")
            )
        )["errors"][0]["extensions"]["code"]
        for name in ("ann", "bob")
    }
    assert codes == {"PACKAGE_STALE", "REQUEST_NOT_FOUND"}


async def test_a_recipients_request_yields_only_recipients_and_disclosures(
    platform: PlatformUnderTest,
) -> None:
    """The package holds no values, only recipients and disclosures."""
    await create_ann(platform)
    await platform.query(
        '{ customer(identifier: {type: "email", value: "ann@shop.example"}) { identity { givenName } } }',
        platform.issue_token("support"),
    )
    package = await request_package(platform, "email", "ann@shop.example", Right.RECIPIENTS)
    assert set(package.sections) == {"about", "laws", "purposes", "recipients", "disclosures"}
    support_disclosures = [
        disclosure for disclosure in package.sections["disclosures"] if disclosure["client"] == "support-desk"
    ]
    assert [disclosure["attributes"] for disclosure in support_disclosures] == [["identity.givenName"]]
    assert "staff@shop.example" not in orjson.dumps(package.sections).decode()
    transfers = {
        recipient["recipient"]: recipient["transfers"] for recipient in package.sections["recipients"]
    }
    assert list(transfers["message-providers"]) == ["US"]


async def test_an_erasure_deletes_the_package(platform: PlatformUnderTest) -> None:
    """Its pages and links are deleted with the customer; a link issued before answers 404."""
    customer_id, token = await create_ann(platform)
    request = await file_request(platform, customer_id)
    await platform.internals.requests.workflow_runner.run_due()
    path = await create_link(platform, request, token)
    await file_request(platform, customer_id, Right.ERASURE)
    await platform.internals.requests.workflow_runner.run_due()
    assert (await fetch_package(platform, path)).status_code == 404
    for collection in ("packages", "package_links"):
        assert await platform.internals.database.count(collection, {}) == 0
