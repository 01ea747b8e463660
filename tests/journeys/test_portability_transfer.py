"""At the person's word their data go to somebody else: whole, signed, and only once it is on record."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import jwt
import orjson
import pytest

from discretion.domain.access.package_steps import LASTS_MS
from discretion.domain.access.transfer import AGAIN_MS, HEADER, TYPE
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.package import asked, customer, fetched, link, unpacked
from tests.fixtures.platform import House, build
from tests.journeys.rights import PORTABILITY, listed, own, refused
from tests.journeys.rights import asked as requested
from tests.unit.domain.kit.servers import somebody

EMAIL = "ann@shop.example"
ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "canary-ann", "email": EMAIL},
}
AWAY = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"

pytestmark = pytest.mark.filterwarnings("ignore:EdDSA is deprecated")


async def home(database: Database, folder: Path, commands: Commands, clock: Clock) -> House:
    """A house that sends to this machine, with Ann in it."""
    house = await build(database, folder, commands, clock=clock, outward_loopback=True)
    await house.tell("web-shop", ANN)
    return house


async def sent(house: House, request: bytes) -> dict[str, Any]:
    """What became of sending."""
    found = await house.platform.rights.requests.get(request)
    assert found is not None
    last = found["steps"][-1]
    return {"state": last["state"], "why": last.get("why"), **last.get("told", {})}


async def test_it_arrives_whole_and_signed(database: Database, tmp_path: Path, commands: Commands) -> None:
    """The receiver checks digest and signature with what this house publishes; and it is on the ledger."""
    house = await home(database, tmp_path, commands, Clock("2026-11-24T10:00"))
    named = await customer(house, "email", EMAIL)
    async with somebody() as other:
        request = await asked(house, named, Right.PORTABILITY, f"http://127.0.0.1:{other.port}/inbox")
        await house.platform.rights.engine.once()
        (one,) = other.asked
    head, body = one.split(b"\r\n\r\n", 1)
    headers = dict(line.lower().split(": ", 1) for line in head.decode().split("\r\n")[1:])
    document = orjson.loads(body)
    told = {one["attribute"]: one["value"] for one in document["sections"]["told"]}
    assert told["identity.givenName"] == "canary-ann"
    token = next(line.split(": ", 1)[1] for line in head.decode().split("\r\n") if HEADER in line.lower())
    keys = jwt.PyJWKSet.from_dict((await house.http.get("/.well-known/jwks.json")).json())
    assert jwt.get_unverified_header(token)["typ"] == TYPE
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key, audience="127.0.0.1", options={"verify_exp": False, "verify_iat": False})
    assert claims["sha256"] == hashlib.sha256(body).hexdigest()
    assert claims["bytes"] == len(body) == int(headers["content-length"])
    outcome = await sent(house, request.id)
    assert (outcome["sent"], outcome["status"], outcome["sha256"]) == (True, 200, claims["sha256"])
    answer = await house.ask(
        "{ me { disclosures(first: 20) { nodes { also } } } }", await house.own_token("email", EMAIL)
    )
    looks = [one["also"] for one in answer["data"]["me"]["disclosures"]["nodes"]]
    assert looks.count(["package_sent"]) == 1
    given = await fetched(house, await link(house, request, await house.own_token("email", EMAIL)))
    assert unpacked(given.content).files["package.json"] == body


async def test_who_is_away_is_asked_again_until_the_package_is_gone(
    database: Database, tmp_path: Path, commands: Commands
) -> None:
    """With the same idempotency key; meanwhile the person fetches it themselves."""
    clock = Clock("2026-11-24T10:00")
    house = await home(database, tmp_path, commands, clock)
    named = await customer(house, "email", EMAIL)
    async with somebody(AWAY) as other:
        request = await asked(house, named, Right.PORTABILITY, f"http://127.0.0.1:{other.port}/")
        await house.platform.rights.engine.once()
        assert await sent(house, request.id) == {"state": "open", "why": "HTTP_503"}
        path = await link(house, request, await house.own_token("email", EMAIL))
        assert (await fetched(house, path)).status_code == 200
        clock.forward(AGAIN_MS)
        await house.platform.rights.engine.once()
        lines = [line for one in other.asked for line in one.split(b"\r\n")]
        keys = [line for line in lines if line.startswith(b"idempotency-key")]
        assert len(keys) == 2
        assert len(set(keys)) == 1
        clock.forward(LASTS_MS)
        await house.platform.rights.engine.once()
    told = await sent(house, request.id)
    assert (told["state"], told["sent"], told["why"]) == ("done", False, "PACKAGE_GONE")


async def test_where_to_is_looked_at_before_anything_is_filed(house: House) -> None:
    """A URL that is none, or that no one may be sent to, is refused; what is taken is in no record."""
    await house.tell("web-shop", ANN)
    token = await own(house, EMAIL)
    for wrong in (
        "http://partner.example/",
        "https://me@partner.example/",
        "https://partner.example:22/",
        "x",
    ):
        assert await refused(house, token, PORTABILITY, to=wrong) == "OUTWARD_URL"
    url = "https://partner.example/inbox"
    first = await requested(house, token, PORTABILITY, to=url)
    assert (await requested(house, token, PORTABILITY, to=url))["id"] == first["id"]
    assert (await requested(house, token, PORTABILITY, to=f"{url}/2"))["id"] != first["id"]
    assert (await requested(house, token, PORTABILITY))["id"] != first["id"]
    assert "partner.example" not in repr(await house.platform.database.find("requests", {}))
    assert len(await listed(house, house.token("steward"))) == 3


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://partner.example/", "OUTWARD_URL"),
        ("https://10.0.0.1/", "OUTWARD_ADDRESS"),
        ("https://169.254.169.254/latest", "OUTWARD_ADDRESS"),
    ],
)
async def test_nothing_is_sent_inside(
    database: Database, tmp_path: Path, commands: Commands, url: str, why: str
) -> None:
    """A URL that leads nowhere public ends the step with its reason, and is in no record."""
    house = await home(database, tmp_path, commands, Clock("2026-11-24T10:00"))
    request = await asked(house, await customer(house, "email", EMAIL), Right.PORTABILITY, url)
    await house.platform.rights.engine.once()
    told = await sent(house, request.id)
    assert (told["state"], told["sent"], told["why"]) == ("done", False, why)
    assert url not in repr(await house.platform.rights.requests.get(request.id))
