"""Portability: data sent to a receiver that the customer names: complete, signed and recorded."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest

from discretion.domain.access.package_steps import PACKAGE_LIFETIME_MS
from discretion.domain.access.transfer import RETRY_MS, SIGNATURE_HEADER, TRANSFER_TYPE
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.package import create_link, fetch_package, file_request, find_customer_id, unpack
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    PORTABILITY,
    issue_own_token,
    list_requests,
    run_operation,
    run_refused_operation,
)
from tests.unit.domain.kit.servers import run_stub_server

EMAIL = "ann@shop.example"
ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "canary-ann", "email": EMAIL},
}
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


async def build_platform_with_ann(
    database: Database, folder: Path, commands: CommandRecorder, clock: Clock
) -> PlatformUnderTest:
    """Build a platform that may send to this machine and has Ann as its customer."""
    platform = await build_test_platform(database, folder, commands, clock=clock, outward_loopback=True)
    await platform.send_messages("web-shop", ANN)
    return platform


async def read_transfer(platform: PlatformUnderTest, request: bytes) -> dict[str, Any]:
    """Return state and outcome of the sending step of a request."""
    document = await platform.internals.database.find_one("requests", {"_id": request})
    assert document is not None
    last = document["steps"][-1]
    return {"state": last["state"], "why": last.get("why"), **last.get("told", {})}


async def test_the_package_arrives_complete_and_signed(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """The receiver verifies digest and signature with the published keys; the disclosure is in the ledger."""
    platform = await build_platform_with_ann(database, tmp_path, commands, Clock("2026-11-24T10:00"))
    customer_id = await find_customer_id(platform, "email", EMAIL)
    async with run_stub_server() as receiver:
        request = await file_request(
            platform, customer_id, Right.PORTABILITY, f"http://127.0.0.1:{receiver.port}/inbox"
        )
        await platform.internals.requests.workflow_runner.run_due()
        (received,) = receiver.requests
    head, body = received.split(b"\r\n\r\n", 1)
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    document = orjson.loads(body)
    values = {row["attribute"]: row["value"] for row in document["sections"]["told"]}
    assert values["identity.givenName"] == "canary-ann"
    token = next(
        line.split(": ", 1)[1] for line in head.decode().split("\r\n") if SIGNATURE_HEADER in line.lower()
    )
    keys = jwt.PyJWKSet.from_dict((await platform.http.get("/.well-known/jwks.json")).json())
    assert jwt.get_unverified_header(token)["typ"] == TRANSFER_TYPE
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, audience="127.0.0.1", options={"verify_exp": False, "verify_iat": False})
    assert claims["sha256"] == hashlib.sha256(body).hexdigest()
    assert claims["bytes"] == len(body) == int(headers["content-length"])
    outcome = await read_transfer(platform, request.id)
    assert (outcome["sent"], outcome["status"], outcome["sha256"]) == (True, 200, claims["sha256"])
    answer = await platform.query(
        "{ me { disclosures(first: 20) { nodes { also } } } }",
        await platform.issue_customer_token("email", EMAIL),
    )
    categories = [disclosure["also"] for disclosure in answer["data"]["me"]["disclosures"]["nodes"]]
    assert categories.count(["package_sent"]) == 1
    fetched = await fetch_package(
        platform, await create_link(platform, request, await platform.issue_customer_token("email", EMAIL))
    )
    assert unpack(fetched.content).files["package.json"] == body


async def test_an_unavailable_receiver_is_retried_until_the_package_expires(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """Retries carry the same idempotency key; meanwhile the customer can download the package."""
    clock = Clock("2026-11-24T10:00")
    platform = await build_platform_with_ann(database, tmp_path, commands, clock)
    customer_id = await find_customer_id(platform, "email", EMAIL)
    async with run_stub_server(UNAVAILABLE) as receiver:
        request = await file_request(
            platform, customer_id, Right.PORTABILITY, f"http://127.0.0.1:{receiver.port}/"
        )
        await platform.internals.requests.workflow_runner.run_due()
        assert await read_transfer(platform, request.id) == {"state": "open", "why": "HTTP_503"}
        path = await create_link(platform, request, await platform.issue_customer_token("email", EMAIL))
        assert (await fetch_package(platform, path)).status_code == 200
        clock.advance(RETRY_MS)
        await platform.internals.requests.workflow_runner.run_due()
        lines = [line for received in receiver.requests for line in received.split(b"\r\n")]
        keys = [line for line in lines if line.startswith(b"idempotency-key")]
        assert len(keys) == 2
        assert len(set(keys)) == 1
        clock.advance(PACKAGE_LIFETIME_MS)
        await platform.internals.requests.workflow_runner.run_due()
    transfer = await read_transfer(platform, request.id)
    assert (transfer["state"], transfer["sent"], transfer["why"]) == ("done", False, "PACKAGE_GONE")


async def test_the_receivers_url_is_checked_before_a_request_is_filed(platform: PlatformUnderTest) -> None:
    """An invalid or forbidden URL is refused; an accepted URL is not stored in clear."""
    await platform.send_messages("web-shop", ANN)
    token = await issue_own_token(platform, EMAIL)
    for refused_url in (
        "http://partner.example/",
        "https://me@partner.example/",
        "https://partner.example:22/",
        "x",
    ):
        assert await run_refused_operation(platform, token, PORTABILITY, to=refused_url) == "OUTWARD_URL"
    url = "https://partner.example/inbox"
    first_request = await run_operation(platform, token, PORTABILITY, to=url)
    assert (await run_operation(platform, token, PORTABILITY, to=url))["id"] == first_request["id"]
    assert (await run_operation(platform, token, PORTABILITY, to=f"{url}/2"))["id"] != first_request["id"]
    assert (await run_operation(platform, token, PORTABILITY))["id"] != first_request["id"]
    assert "partner.example" not in repr(await platform.internals.database.find("requests", {}))
    assert len(await list_requests(platform, platform.issue_token("steward"))) == 3


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://partner.example/", "OUTWARD_URL"),
        ("https://10.0.0.1/", "OUTWARD_ADDRESS"),
        ("https://169.254.169.254/latest", "OUTWARD_ADDRESS"),
    ],
)
async def test_nothing_is_sent_to_internal_addresses(
    database: Database, tmp_path: Path, commands: CommandRecorder, url: str, why: str
) -> None:
    """A URL that is not public ends the step with a reason; the URL is not stored in clear."""
    platform = await build_platform_with_ann(database, tmp_path, commands, Clock("2026-11-24T10:00"))
    request = await file_request(
        platform, await find_customer_id(platform, "email", EMAIL), Right.PORTABILITY, url
    )
    await platform.internals.requests.workflow_runner.run_due()
    transfer = await read_transfer(platform, request.id)
    assert (transfer["state"], transfer["sent"], transfer["why"]) == ("done", False, why)
    assert url not in repr(await platform.internals.requests.store.find(request.id))
