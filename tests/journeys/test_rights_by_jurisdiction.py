"""Each right in the EU, the UK, California and Brazil: requested, and fulfilled by its due date.

One platform for each law; the due dates are written out as dates.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jwt
import pytest
import pytest_asyncio

from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.package import unpack
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.consent import OBJECT_TO, mutate
from tests.journeys.rights import (
    ACCESS,
    CORRECTION,
    DECIDE,
    ERASURE,
    LIMIT,
    OPT_OUT,
    PACKAGE,
    PORTABILITY,
    PREVIEW,
    READ_REQUEST,
    RESTRICTION,
    REVIEW,
    issue_own_token,
    list_requests,
    run_operation,
)
from tests.unit.domain.kit.servers import run_stub_server

NOW = "2026-11-02T15:00"
EMAIL = "ann@shop.example"
MAIL, PARTNERS = "marketing.communications.email", "marketing.advertising.third_party.targeted"
PLACES = {
    "eu": {"country": "DE"},
    "gb": {"country": "GB"},
    "us-ca": {"country": "US", "state": "CA"},
    "br": {"country": "BR"},
}
RIGHTS = (
    *("ACCESS", "PORTABILITY", "CORRECTION", "ERASURE", "RESTRICTION", "OBJECTION"),
    *("OPT_OUT_SALE", "LIMIT_SENSITIVE", "AUTOMATED_DECISION"),
)
STRICTEST = {"OPT_OUT_SALE": "2026-11-17T00:00", "LIMIT_SENSITIVE": "2026-11-17T00:00"}
DUE_DATES = {
    # one month (GDPR Art. 12(3)), until midnight in Berlin
    "eu": {**dict.fromkeys(RIGHTS, "2026-12-02T23:00"), **STRICTEST},
    "gb": {**dict.fromkeys(RIGHTS, "2026-12-03T00:00"), **STRICTEST},
    # 45 days (Cal. Civ. Code 1798.130(a)(2));
    # 15 business days, without the holiday on 11 November (11 CCR 7026(f))
    "us-ca": {
        **dict.fromkeys(("ACCESS", "PORTABILITY", "CORRECTION", "ERASURE"), "2026-12-18T08:00"),
        **dict.fromkeys(("OPT_OUT_SALE", "LIMIT_SENSITIVE"), "2026-11-25T08:00"),
        **dict.fromkeys(("RESTRICTION", "OBJECTION", "AUTOMATED_DECISION"), "2026-11-03T00:00"),
    },
    # immediately, and 15 days for a complete copy (LGPD Art. 18, 19)
    "br": {**dict.fromkeys(RIGHTS, "2026-11-03T03:00"), "ACCESS": "2026-11-18T03:00", **STRICTEST},
}
"""Due date of each right by jurisdiction. A right that a law does not grant has the strictest due date."""


@dataclass(frozen=True)
class Ann:
    """A customer under one jurisdiction: her platform and her token."""

    platform: PlatformUnderTest
    jurisdiction: str
    token: str

    async def run_request(self, query: str, **variables: Any) -> dict[str, Any]:
        """File a request, run all due steps and return the request."""
        filed = await run_operation(self.platform, self.token, query, **variables)
        await self.platform.run_due_requests()
        return await run_operation(self.platform, self.token, READ_REQUEST, id=filed["id"])

    async def fetch_package(self, request: str) -> bytes:
        """Fetch the package of a request by its link."""
        answer = await self.platform.query(PACKAGE, self.token, {"id": request})
        fetched = await self.platform.http.get(urlsplit(answer["data"]["openPackage"]["url"]).path)
        return unpack(fetched.content).files["package.json"]

    async def query_self(self, selection: str) -> Any:
        """Return fields of her own profile."""
        answer = await self.platform.query(f"{{ me {{ {selection} }} }}", self.token)
        assert "errors" not in answer, answer
        return answer["data"]["me"]

    async def find_denial_reason(self, purpose: str) -> str | None:
        """Return why a purpose is denied; None if it is permitted."""
        answer = await self.query_self("permissions { purpose { key } permitted why }")
        (permission,) = [
            permission for permission in answer["permissions"] if permission["purpose"]["key"] == purpose
        ]
        reason: str = permission["why"]
        return None if permission["permitted"] else reason


@pytest_asyncio.fixture(params=PLACES)
async def ann(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[Ann]:
    """Yield a recently authenticated customer of each jurisdiction."""
    platform = await build_test_platform(
        database, tmp_path, commands, clock=Clock(NOW), outward_loopback=True
    )
    async with platform.http:
        message = {"type": "identify", "messageId": "1", "userId": "w-ann"}
        traits = {"firstName": "Ann", "email": EMAIL, "address": PLACES[request.param]}
        await platform.send_messages("web-shop", {**message, "traits": traits})
        yield Ann(platform, request.param, await issue_own_token(platform, EMAIL))


async def test_each_right_is_fulfilled_with_the_due_date_of_its_law(ann: Ann) -> None:
    requests = [
        *await request_copies(ann),
        await request_correction(ann),
        await request_review(ann),
        *await request_restriction(ann),
        *await request_opt_outs(ann),
        await request_erasure(ann),
    ]
    assert {request["right"]: request["dueAt"][:16] for request in requests} == DUE_DATES[ann.jurisdiction]
    assert {request["state"] for request in requests} == {"FULFILLED"}
    for request in requests:
        own_day = DUE_DATES[ann.jurisdiction][request["right"]] not in (
            "2026-11-17T00:00",
            "2026-11-03T00:00",
        )
        assert [law["key"] for law in request["laws"]] == [ann.jurisdiction if own_day else "unknown"]


async def request_copies(ann: Ann) -> list[dict[str, Any]]:
    """Request access and portability; the package that the receiver gets is the one that she can fetch."""
    access = await ann.run_request(ACCESS)
    assert b'"Ann"' in await ann.fetch_package(access["id"])
    async with run_stub_server() as receiver:
        transfer = await ann.run_request(PORTABILITY, to=f"http://127.0.0.1:{receiver.port}/inbox")
        (sent,) = receiver.requests
    assert sent.partition(b"\r\n\r\n")[2] == await ann.fetch_package(transfer["id"])
    return [access, transfer]


async def request_correction(ann: Ann) -> dict[str, Any]:
    """Request a correction of her name and check that it is shown."""
    request = await ann.run_request(
        CORRECTION, changes=[{"attribute": "identity.givenName", "value": "Anne"}]
    )
    assert (await ann.query_self("identity { givenName }"))["identity"]["givenName"] == "Anne"
    return request


async def request_review(ann: Ann) -> dict[str, Any]:
    """Request the review of an automated decision; she reads the steward's answer."""
    own_request = await run_operation(ann.platform, ann.token, REVIEW, decision="D-1")
    steward = ann.platform.issue_token("steward")
    (pending,) = await list_requests(ann.platform, steward, states=["ACKNOWLEDGED"])
    await run_operation(
        ann.platform, steward, DECIDE, id=pending["id"], accept=True, answer="Approved after all."
    )
    request = await run_operation(ann.platform, ann.token, READ_REQUEST, id=own_request["id"])
    assert [message["text"] for message in request["messages"]] == ["Approved after all."]
    return request


async def request_restriction(ann: Ann) -> list[dict[str, Any]]:
    """Request a restriction, check that it denies a purpose, and lift it."""
    request = await ann.run_request(RESTRICTION)
    assert await ann.find_denial_reason(MAIL) == "restricted"
    lifted = await ann.run_request(RESTRICTION, lift=True)
    assert await ann.find_denial_reason(MAIL) != "restricted"
    return [request, lifted]


async def request_opt_outs(ann: Ann) -> list[dict[str, Any]]:
    """Opt out of sale, limit sensitive data and object; each is in effect at once and recorded."""
    requests = [await ann.run_request(OPT_OUT), await ann.run_request(LIMIT)]
    assert await ann.find_denial_reason(PARTNERS) == "refused"
    await mutate(ann.platform, ann.token, OBJECT_TO, p=[MAIL])
    assert await ann.find_denial_reason(MAIL) == "refused"
    fields = "id right state scope dueAt laws { key }"
    listed = (await ann.query_self(f"rightsRequests {{ nodes {{ {fields} }} }}"))["rightsRequests"]["nodes"]
    (objection,) = [candidate for candidate in listed if candidate["right"] == "OBJECTION"]
    assert objection["scope"] == {"purposes": [MAIL]}
    return [*requests, objection]


async def request_erasure(ann: Ann) -> dict[str, Any]:
    """Request erasure; the signed certificate confirms the counts of the preview."""
    answer = await ann.platform.query(PREVIEW, ann.token)
    promised = {entry["where"]: entry["count"] for entry in answer["data"]["erasurePreview"]["going"]}
    assert (await ann.query_self("identity { givenName }"))["identity"]["givenName"] == "Anne"
    request = await ann.run_request(ERASURE)
    assert (await ann.platform.query("{ me { id } }", ann.token))["data"]["me"] is None
    keys = jwt.PyJWKSet.from_dict((await ann.platform.http.get("/.well-known/jwks.json")).json())
    signed = request["result"]["certificate"]
    key = keys[jwt.get_unverified_header(signed)["kid"]]
    certificate = jwt.decode(signed, key, algorithms=["EdDSA"], options={"verify_iat": False})
    assert certificate["deleted"].items() <= promised.items()
    assert certificate["deleted"]["source_records"] == promised["source_records"] > 0
    return request
