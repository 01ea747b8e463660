"""Each right under the laws of the EU, the UK, California and Brazil: asked for, and carried out by its day.

One house for each law; the days are those of the law, written here as dates.
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
from tests.fixtures.mongo import Commands
from tests.fixtures.package import unpacked
from tests.fixtures.platform import House, build
from tests.journeys.consent import OBJECT, done
from tests.journeys.rights import (
    ACCESS,
    CORRECTION,
    DECIDE,
    ERASURE,
    LIMIT,
    ONE,
    OPT_OUT,
    PACKAGE,
    PORTABILITY,
    PREVIEW,
    RESTRICTION,
    REVIEW,
    asked,
    listed,
    own,
)
from tests.unit.domain.kit.servers import somebody

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
DAYS = {
    # a month from the day on (GDPR Art. 12(3)), until midnight in Berlin
    "eu": {**dict.fromkeys(RIGHTS, "2026-12-02T23:00"), **STRICTEST},
    "gb": {**dict.fromkeys(RIGHTS, "2026-12-03T00:00"), **STRICTEST},
    # 45 days (Cal. Civ. Code 1798.130(a)(2)); 15 business days, 11 November is none (11 CCR 7026(f))
    "us-ca": {
        **dict.fromkeys(("ACCESS", "PORTABILITY", "CORRECTION", "ERASURE"), "2026-12-18T08:00"),
        **dict.fromkeys(("OPT_OUT_SALE", "LIMIT_SENSITIVE"), "2026-11-25T08:00"),
        **dict.fromkeys(("RESTRICTION", "OBJECTION", "AUTOMATED_DECISION"), "2026-11-03T00:00"),
    },
    # at once, and 15 days for the whole of what is known (LGPD Art. 18, 19)
    "br": {**dict.fromkeys(RIGHTS, "2026-11-03T03:00"), "ACCESS": "2026-11-18T03:00", **STRICTEST},
}
"""Before when each is answered. What a law does not know is answered by the strictest of all."""


@dataclass(frozen=True)
class Ann:
    """A customer somewhere, her token, and the office."""

    house: House
    law: str
    token: str

    async def carried(self, query: str, **variables: Any) -> dict[str, Any]:
        """A request, as it stands when everything that is due was done."""
        filed = await asked(self.house, self.token, query, **variables)
        await self.house.carry()
        return await asked(self.house, self.token, ONE, id=filed["id"])

    async def copy(self, request: str) -> bytes:
        """The package of a request, fetched by its link."""
        answer = await self.house.ask(PACKAGE, self.token, {"id": request})
        fetched = await self.house.http.get(urlsplit(answer["data"]["openPackage"]["url"]).path)
        return unpacked(fetched.content).files["package.json"]

    async def me(self, selection: str) -> Any:
        """What she reads of herself."""
        answer = await self.house.ask(f"{{ me {{ {selection} }} }}", self.token)
        assert "errors" not in answer, answer
        return answer["data"]["me"]

    async def why(self, purpose: str) -> str | None:
        """Why something is not done with her data; None if it is."""
        told = await self.me("permissions { purpose { key } permitted why }")
        (one,) = [one for one in told["permissions"] if one["purpose"]["key"] == purpose]
        reason: str = one["why"]
        return None if one["permitted"] else reason


@pytest_asyncio.fixture(params=PLACES)
async def ann(
    request: pytest.FixtureRequest, database: Database, tmp_path: Path, commands: Commands
) -> AsyncIterator[Ann]:
    """She lives under one of the laws and logged in a moment ago."""
    house = await build(database, tmp_path, commands, clock=Clock(NOW), outward_loopback=True)
    async with house.http:
        told = {"type": "identify", "messageId": "1", "userId": "w-ann"}
        traits = {"firstName": "Ann", "email": EMAIL, "address": PLACES[request.param]}
        await house.tell("web-shop", {**told, "traits": traits})
        yield Ann(house, request.param, await own(house, EMAIL))


async def test_what_is_asked_for_is_done_and_shown_with_the_day_of_the_law(ann: Ann) -> None:
    found = [
        *await copies(ann),
        await corrected(ann),
        await looked_at(ann),
        *await stopped(ann),
        *await refused(ann),
        await erased(ann),
    ]
    assert {one["right"]: one["dueAt"][:16] for one in found} == DAYS[ann.law]
    assert {one["state"] for one in found} == {"FULFILLED"}
    for one in found:
        own_day = DAYS[ann.law][one["right"]] not in ("2026-11-17T00:00", "2026-11-03T00:00")
        assert [law["key"] for law in one["laws"]] == [ann.law if own_day else "unknown"]


async def copies(ann: Ann) -> list[dict[str, Any]]:
    """A copy for her, and one for another controller, which is the same that she may fetch."""
    access = await ann.carried(ACCESS)
    assert b'"Ann"' in await ann.copy(access["id"])
    async with somebody() as other:
        moved = await ann.carried(PORTABILITY, to=f"http://127.0.0.1:{other.port}/inbox")
        (sent,) = other.asked
    assert sent.partition(b"\r\n\r\n")[2] == await ann.copy(moved["id"])
    return [access, moved]


async def corrected(ann: Ann) -> dict[str, Any]:
    """Her name is what she says."""
    request = await ann.carried(CORRECTION, changes=[{"attribute": "identity.givenName", "value": "Anne"}])
    assert (await ann.me("identity { givenName }"))["identity"]["givenName"] == "Anne"
    return request


async def looked_at(ann: Ann) -> dict[str, Any]:
    """A person looks at what a machine decided, and she reads what they found."""
    mine = await asked(ann.house, ann.token, REVIEW, decision="D-1")
    steward = ann.house.token("steward")
    (waiting,) = await listed(ann.house, steward, states=["ACKNOWLEDGED"])
    await asked(ann.house, steward, DECIDE, id=waiting["id"], accept=True, answer="Approved after all.")
    request = await asked(ann.house, ann.token, ONE, id=mine["id"])
    assert [one["text"] for one in request["messages"]] == ["Approved after all."]
    return request


async def stopped(ann: Ann) -> list[dict[str, Any]]:
    """Restricted, nothing is done with her data, until she lifts it."""
    request = await ann.carried(RESTRICTION)
    assert await ann.why(MAIL) == "restricted"
    lifted = await ann.carried(RESTRICTION, lift=True)
    assert await ann.why(MAIL) != "restricted"
    return [request, lifted]


async def refused(ann: Ann) -> list[dict[str, Any]]:
    """What she opts out of, limits and objects to is not done from then on, and is on record."""
    found = [await ann.carried(OPT_OUT), await ann.carried(LIMIT)]
    assert await ann.why(PARTNERS) == "refused"
    await done(ann.house, ann.token, OBJECT, p=[MAIL])
    assert await ann.why(MAIL) == "refused"
    fields = "id right state scope dueAt laws { key }"
    told = (await ann.me(f"rightsRequests {{ nodes {{ {fields} }} }}"))["rightsRequests"]["nodes"]
    (objection,) = [one for one in told if one["right"] == "OBJECTION"]
    assert objection["scope"] == {"purposes": [MAIL]}
    return [*found, objection]


async def erased(ann: Ann) -> dict[str, Any]:
    """What the dry run promised, the certificate confirms: she reads it when nobody knows her any more."""
    answer = await ann.house.ask(PREVIEW, ann.token)
    promised = {one["where"]: one["count"] for one in answer["data"]["erasurePreview"]["going"]}
    assert (await ann.me("identity { givenName }"))["identity"]["givenName"] == "Anne"
    request = await ann.carried(ERASURE)
    assert (await ann.house.ask("{ me { id } }", ann.token))["data"]["me"] is None
    keys = jwt.PyJWKSet.from_dict((await ann.house.http.get("/.well-known/jwks.json")).json())
    signed = request["result"]["certificate"]
    key = keys[jwt.get_unverified_header(signed)["kid"]]
    told = jwt.decode(signed, key, algorithms=["EdDSA"], options={"verify_iat": False})
    assert told["deleted"].items() <= promised.items()
    assert told["deleted"]["source_records"] == promised["source_records"] > 0
    return request
