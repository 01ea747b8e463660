"""Status callbacks of both protocols (DRP 1.0, 2.03; OpenDSR 2.0, 8.5 to 8.8), to a real server."""

from __future__ import annotations

import asyncio
import base64
import secrets
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import orjson
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from discretion.domain.agents.agent import Kind, agent
from discretion.domain.agents.callbacks import FIRST_MS, LOOK_MS, MAX_TRIES, Tell, pause
from discretion.domain.kit.egress import Outward
from discretion.serve import listen, serving
from discretion.store.agent_requests import Mandates
from discretion.store.driver.database import Document, connect
from tests.fixtures.agency import REQUESTS, Agency, register
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY = 24 * 3600 * 1000


@dataclass
class Ear:
    """A server of an agent's: what it heard, and what it answers, one after the other, then 200."""

    url: str = ""
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    strayed: int = 0

    @property
    def last(self) -> dict[str, Any]:
        """The status it heard last."""
        told: dict[str, Any] = orjson.loads(self.heard[-1][1])
        return told


@asynccontextmanager
async def listening() -> AsyncIterator[Ear]:
    """A server on this machine that is asked by POST."""
    ear = Ear()

    async def told(request: Request) -> Response:
        ear.heard.append((dict(request.headers), await request.body()))
        code = ear.answers.pop(0) if ear.answers else 200
        return Response(b"ignored" * 100, code, {"location": "/elsewhere"} if code == 302 else {})

    async def elsewhere(_request: Request) -> Response:
        ear.strayed += 1
        return Response()

    socket = listen("127.0.0.1", 0)
    ear.url = f"http://127.0.0.1:{socket.getsockname()[1]}/told"
    routes = [Route("/told", told, methods=["POST"]), Route("/elsewhere", elsewhere, methods=["GET", "POST"])]
    async with serving(Starlette(routes=routes), socket):
        yield ear


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> AsyncIterator[House]:
    """A house that may send to this machine."""
    commands = Commands()
    database = await connect(mongo_url, f"callbacks_{secrets.token_hex(6)}", "pymongo", [commands])
    folder = tmp_path_factory.mktemp("house")
    built = await build(database, folder, commands, clock=clock, outward_loopback=True)
    async with built.http:
        yield built
    await database.command({"dropDatabase": 1})
    await database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def ear() -> AsyncIterator[Ear]:
    """The server of the test's own agent."""
    async with listening() as heard:
        yield heard


@pytest_asyncio.fixture(loop_scope="module")
async def agency(house: House) -> Agency:
    """An agent on this machine."""
    await house.platform.database.delete_many("mandates", {})
    return await register(house, f"AGENT_{secrets.token_hex(4).upper()}", hosts=("127.0.0.1",))


@pytest.fixture
def tell(house: House) -> Tell:
    """What tells, which a server has running on its own."""
    return house.platform.acting.tell


async def filed(agency: Agency, ear: Ear) -> dict[str, Any]:
    """A request whose agent wants to be told."""
    told = await agency.exercise("deletion", email="eve@nowhere.example", status_callback=ear.url)
    assert told.status_code == 200, told.text
    body: dict[str, Any] = told.json()
    return body


async def kept(agency: Agency, request: str) -> dict[str, Any]:
    """What is kept of a mandate."""
    found = await agency.house.platform.database.find_one("mandates", {"_id": uuid.UUID(request).bytes})
    assert found is not None
    return found


async def revoked(agency: Agency, request: str) -> None:
    """The agent takes a request back."""
    told = await agency.send("DELETE", f"{REQUESTS}/{request}", agency.signed({"reason": "no"}))
    assert told.status_code == 200


async def test_a_status_is_told_until_it_is_heard(agency: Agency, ear: Ear, tell: Tell, clock: Clock) -> None:
    """Later and later after each failure; once heard, it is told no more until it is another."""
    told = await filed(agency, ear)
    ear.answers = [500, 302, 204]
    for tries in range(1, 4):
        await tell.once()
        assert len(ear.heard) == tries
        await tell.once()  # not due yet
        assert len(ear.heard) == tries
        clock.forward(pause(tries))
    await tell.once()
    assert (len(ear.heard), ear.last) == (4, told)
    assert ear.heard[-1][0]["content-type"] == "application/json"
    clock.forward(LOOK_MS)
    await tell.once()
    assert (len(ear.heard), ear.strayed) == (4, 0)


async def test_what_changes_is_told_and_the_end_forgets_the_url(
    agency: Agency, ear: Ear, tell: Tell, clock: Clock
) -> None:
    """The URL may name somebody; it is kept for as long as it is needed."""
    request = (await filed(agency, ear))["request_id"]
    await tell.once()
    await revoked(agency, request)
    clock.forward(LOOK_MS)
    await tell.once()
    assert [orjson.loads(one)["status"] for _, one in ear.heard] == ["in_progress", "revoked"]
    assert ear.url.encode() not in repr(await kept(agency, request)).encode()
    ends = (await kept(agency, request))["ends"]
    assert 59 * DAY <= ends.timestamp() * 1000 - clock.now <= 60 * DAY
    clock.forward(DAY)
    assert await tell.once() == 0
    assert (await agency.status(request))["status"] == "revoked"


async def test_a_change_that_comes_while_nobody_hears_is_the_one_told(
    agency: Agency, ear: Ear, tell: Tell, clock: Clock
) -> None:
    """'The most recent status update': what was missed meanwhile is not told late."""
    request = (await filed(agency, ear))["request_id"]
    ear.answers = [503]
    await tell.once()
    await revoked(agency, request)
    clock.forward(FIRST_MS)
    await tell.once()
    assert ear.last["status"] == "revoked"
    assert len(ear.heard) == 2


async def test_two_processes_tell_once(agency: Agency, ear: Ear, tell: Tell) -> None:
    """Whoever puts it off first has it, of many who saw that it was due."""
    await filed(agency, ear)
    mandates = agency.house.platform.acting.desk.mandates
    seen = await mandates.due(agency.house.platform.conductor.now_ms(), 10)

    class Late(Mandates):
        """Sees what was due before anybody put it off."""

        async def due(self, now_ms: int, limit: int) -> list[Document]:
            return [one for one in seen if one["due"] <= now_ms][:limit]

    late = replace(tell, desk=replace(tell.desk, mandates=Late(agency.house.platform.database)))
    await asyncio.gather(*(late.once() for _ in range(4)))
    assert len(ear.heard) == 1


async def test_a_host_that_was_taken_back_is_not_told(
    agency: Agency, ear: Ear, tell: Tell, clock: Clock
) -> None:
    """What counts is the register of today."""
    await filed(agency, ear)
    book = agency.house.platform.acting.register
    known = await book.named(agency.id, Kind.AGENT)
    assert known is not None
    await book.enter(replace(known, hosts=("agent.example",)))
    await tell.once()
    assert ear.heard == []
    await book.enter(known)
    clock.forward(FIRST_MS)
    await tell.once()
    assert len(ear.heard) == 1


async def test_nobody_who_left_is_told(agency: Agency, ear: Ear, tell: Tell) -> None:
    """Out of the register, out of reach."""
    request = (await filed(agency, ear))["request_id"]
    await agency.house.platform.acting.register.strike(agency.id)
    await tell.once()
    assert ear.heard == []
    assert (await kept(agency, request))["callbacks"] == []


async def test_after_three_days_an_end_that_nobody_hears_is_let_be(
    agency: Agency, tell: Tell, ear: Ear, clock: Clock
) -> None:
    """Best effort; the agent can still ask."""
    request = (await filed(agency, ear))["request_id"]
    await revoked(agency, request)
    ear.answers = [500] * MAX_TRIES
    for tries in range(1, MAX_TRIES + 1):
        await tell.once()
        clock.forward(pause(tries))
    assert len(ear.heard) == MAX_TRIES
    assert (await kept(agency, request))["callbacks"] == []
    assert 2.5 * DAY < sum(map(pause, range(1, MAX_TRIES))) < 3.5 * DAY


@pytest.mark.parametrize(
    "address",
    [
        "10.0.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "192.168.1.1",
        "::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "224.0.0.1",
    ],
)
async def test_a_name_that_leads_inside_later_is_not_followed(
    house: House, tell: Tell, ear: Ear, address: str
) -> None:
    """The host was fit when the request was filed, and its name is answered otherwise when it is told."""
    await house.platform.database.delete_many("mandates", {})
    agency = await register(house, f"AGENT_{secrets.token_hex(4).upper()}", hosts=("agent.example",))
    port = ear.url.rpartition(":")[2]
    url = f"https://agent.example:{port}"
    told = await agency.exercise("deletion", email="eve@nowhere.example", status_callback=url)
    asked = []

    async def rebound(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return [address]

    assert await replace(tell, outward=Outward(resolve=rebound)).once() == 1
    assert (asked, ear.heard) == (["agent.example"], [])
    (callback,) = (await kept(agency, told.json()["request_id"]))["callbacks"]
    assert (callback["tries"], callback["told"]) == (1, b"")


async def test_a_controller_verifies_what_it_is_told(house: House, tell: Tell, ear: Ear) -> None:
    """Section 8.8: signed over the raw body, under the certificate of discovery, and naming its own URL."""
    await house.platform.database.delete_many("mandates", {})
    await house.platform.acting.register.enter(agent("shop-1", Kind.CONTROLLER, "A shop", ("127.0.0.1",)))
    token = await house.platform.acting.register.entrust("shop-1", Kind.CONTROLLER)
    asked = {
        "regulation": "gdpr",
        "subject_request_id": str(uuid.uuid4()),
        "subject_request_type": "access",
        "submitted_time": "2027-02-28T15:00:00Z",
        "subject_identities": [
            {"identity_type": "email", "identity_value": "eve@nowhere.example", "identity_format": "raw"}
        ],
        "status_callback_urls": [ear.url, f"{ear.url}?second"],
    }
    headers = {"authorization": f"Bearer {token}"}
    assert (await house.http.post("/opendsr/v2/requests", json=asked, headers=headers)).status_code == 201
    await tell.once()
    chain = (await house.http.get("/opendsr/certificate.pem")).content
    public = x509.load_pem_x509_certificate(chain).public_key()
    assert isinstance(public, RSAPublicKey)
    for shown, raw in ear.heard:
        public.verify(base64.b64decode(shown["x-opendsr-signature"]), raw, PKCS1v15(), hashes.SHA256())
        assert shown["x-opendsr-processor-domain"] == shown["x-opengdpr-processor-domain"] == "127.0.0.1"
        told = orjson.loads(raw)
        assert told["subject_request_id"] == asked["subject_request_id"]
        assert (told["request_status"], told["results_count"]) == ("completed", 0)
    urls = sorted(orjson.loads(raw)["status_callback_url"] for _, raw in ear.heard)
    assert urls == asked["status_callback_urls"]
