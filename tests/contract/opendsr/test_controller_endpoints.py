"""The endpoints of OpenDSR 2.0 and OpenGDPR, over HTTP, as a controller's client uses them."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest
import pytest_asyncio
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from discretion.domain.agents.agent import Kind, agent
from discretion.domain.agents.status_map import OPENDSR
from discretion.domain.requests.model import State
from discretion.reveal.forms import iso
from discretion.store.driver.database import connect
from tests.fixtures.agency import register
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

pytestmark = pytest.mark.asyncio(loop_scope="module")
KNOWN, NOBODY = "ada@known.example", "eve@nowhere.example"
NEW, OLD = "/opendsr/v2/requests", "/opendsr/v1/opengdpr_requests"


@pytest.fixture(scope="module")
def clock() -> Clock:
    """Later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> AsyncIterator[House]:
    """A house that knows one person."""
    commands = Commands()
    database = await connect(mongo_url, f"controllers_{secrets.token_hex(6)}", "pymongo", [commands])
    built = await build(database, tmp_path_factory.mktemp("house"), commands, clock=clock)
    async with built.http:
        person = {"type": "identify", "userId": "u-1", "traits": {"email": KNOWN}}
        assert (await built.tell("web-shop", person))["accepted"] == 1
        yield built
    await database.command({"dropDatabase": 1})
    await database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def token(house: House) -> str:
    """The token of a controller."""
    controller = agent("shop-4308", Kind.CONTROLLER, "Another shop", ("controller.example",))
    await house.platform.acting.register.enter(controller)
    return await house.platform.acting.register.entrust("shop-4308", Kind.CONTROLLER)


def body(address: str = KNOWN, **change: Any) -> dict[str, Any]:
    """A request, as section 7.2 writes it."""
    identity = {"identity_type": "email", "identity_value": address, "identity_format": "raw"}
    return {
        "regulation": "gdpr",
        "subject_request_id": str(uuid.uuid4()),
        "subject_request_type": "erasure",
        "submitted_time": "2027-02-28T15:00:00Z",
        "subject_identities": [identity],
        "api_version": "2.0",
        "status_callback_urls": ["https://controller.example/opendsr"],
        **change,
    }


async def ask(house: House, method: str, path: str, token: str, content: Any = None) -> httpx.Response:
    """Ask, and verify the signature before anything is read, with the certificate of discovery."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    raw = content if isinstance(content, bytes | None) else orjson.dumps(content)
    response = await house.http.request(method, path, content=raw, headers=headers)
    await verify(house, response.headers, response.content)
    return response


async def verify(house: House, headers: Any, content: bytes) -> None:
    """Section 8.8, under both names."""
    public = x509.load_pem_x509_certificate(
        (await house.http.get("/opendsr/certificate.pem")).content
    ).public_key()
    assert isinstance(public, RSAPublicKey)
    for name in ("opendsr", "opengdpr"):
        assert headers[f"x-{name}-processor-domain"] == "127.0.0.1"
        signature = base64.b64decode(headers[f"x-{name}-signature"])
        public.verify(signature, content, PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("path", ["/opendsr/discovery", "/opendsr/v1/discovery", "/opendsr/v2/discovery"])
async def test_discovery_says_what_can_be_asked(house: House, path: str) -> None:
    """Section 6.3, to anybody, signed."""
    told = (await ask(house, "GET", path, "")).json()
    assert told["api_version"] == "2.0"
    assert told["supported_subject_request_types"] == ["access", "portability", "erasure"]
    assert told["processor_certificate"] == "http://127.0.0.1:8000/opendsr/certificate.pem"
    assert {one["identity_format"] for one in told["supported_identities"]} == {"raw"}


async def test_a_request_gets_a_receipt(house: House, token: str, clock: Clock) -> None:
    """Section 7.3: the request is in it, in base64, and kept by nobody on the way."""
    asked = body()
    raw = orjson.dumps(asked)
    response = await ask(house, "POST", NEW, token, raw)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    told = response.json()
    assert base64.b64decode(told.pop("encoded_request")) == raw
    assert told == {
        "controller_id": "shop-4308",
        "expected_completion_time": told["expected_completion_time"],
        "received_time": iso(clock.now),
        "subject_request_id": asked["subject_request_id"],
    }
    assert told["expected_completion_time"] > told["received_time"]


async def test_a_request_is_filed_once_however_often_it_comes(house: House, token: str) -> None:
    """The controller's own id is the request's."""
    asked = body()
    first, again = [await ask(house, "POST", NEW, token, asked) for _ in range(2)]
    assert first.json() == again.json()
    found = await house.platform.database.find("mandates", {"reference": asked["subject_request_id"]})
    assert [len(one["requests"]) for one in found] == [1]
    other = await ask(house, "POST", NEW, token, {**asked, "subject_request_type": "access"})
    assert (other.status_code, reason(other)) == (400, "AGENT_REFERENCE_TAKEN")


def reason(response: httpx.Response) -> str:
    """The code of an error in the protocol's form (section 7.6)."""
    error = response.json()["error"]
    assert error["code"] == response.status_code
    assert error["message"] == error["errors"][0]["message"]
    return str(error["errors"][0]["reason"])


async def test_every_state_is_told_in_the_words_of_the_protocol(house: House, token: str) -> None:
    """A walk over all states (section 8)."""
    asked = body()
    path = f"{NEW}/{asked['subject_request_id']}"
    await ask(house, "POST", NEW, token, asked)
    mandate = await house.platform.database.find_one("mandates", {"reference": asked["subject_request_id"]})
    assert mandate is not None
    for state in State:
        wanted = {"_id": {"$in": mandate["requests"]}}
        await house.platform.database.update_one("requests", wanted, {"$set": {"state": state.value}})
        told = (await ask(house, "GET", path, token)).json()
        assert told["request_status"] == OPENDSR[state]
        assert told.get("results_count") == (1 if state is State.FULFILLED else None)
        assert (told["controller_id"], told["api_version"]) == ("shop-4308", "2.0")


async def test_nothing_is_held_of_whom_we_do_not_know(house: House, token: str) -> None:
    """A controller, whose processor we are, may know that: done, for nobody."""
    asked = body(NOBODY)
    await ask(house, "POST", NEW, token, asked)
    told = (await ask(house, "GET", f"{NEW}/{asked['subject_request_id']}", token)).json()
    assert (told["request_status"], told["results_count"]) == ("completed", 0)


async def test_only_a_pending_request_is_cancelled(house: House, token: str) -> None:
    """Section 9: 202, and 400 once it is under way or over."""
    asked = body()
    path = f"{NEW}/{asked['subject_request_id']}"
    await ask(house, "POST", NEW, token, asked)
    mandate = await house.platform.database.find_one("mandates", {"reference": asked["subject_request_id"]})
    assert mandate is not None
    wanted = {"_id": {"$in": mandate["requests"]}}
    for state, status in ((State.ACCEPTED, 400), (State.FULFILLED, 400), (State.ACKNOWLEDGED, 202)):
        await house.platform.database.update_one("requests", wanted, {"$set": {"state": state.value}})
        told = await ask(house, "DELETE", path, token)
        assert told.status_code == status
    assert told.json()["subject_request_id"] == asked["subject_request_id"]
    assert (await ask(house, "GET", path, token)).json()["request_status"] == "cancelled"
    assert reason(await ask(house, "DELETE", path, token)) == "REQUEST_UNDER_WAY"


async def test_the_old_names_are_honoured(house: House, token: str) -> None:
    """Section 10.1: OpenGDPR's routes and headers; its requests name no regulation, for there was one."""
    asked = {name: value for name, value in body().items() if name != "regulation"}
    assert (await ask(house, "POST", NEW, token, asked)).status_code == 400
    assert (await ask(house, "POST", OLD, token, {**asked, "api_version": "1.0"})).status_code == 201
    assert (await ask(house, "GET", f"{OLD}/{asked['subject_request_id']}", token)).status_code == 200


async def test_who_is_not_a_controller_is_refused_with_a_signature(house: House, token: str) -> None:
    """An agent's token is none here, and a controller's none there; every refusal is signed."""
    agency = await register(house, "AGENT")
    for wrong in ("", "x" * 43, agency.token):
        refused = await ask(house, "POST", NEW, wrong, body())
        assert (refused.status_code, reason(refused)) == (401, "AGENT_TOKEN")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert (await agency.send("GET", "/v1/agent/AGENT", token=token)).status_code == 403


async def test_requests_of_another_controller_are_not_there(house: House, token: str) -> None:
    """Nor is what has no id; one that never was is answered alike."""
    await house.platform.acting.register.enter(agent("other", Kind.CONTROLLER, "Other"))
    other = await house.platform.acting.register.entrust("other", Kind.CONTROLLER)
    asked = body()
    await ask(house, "POST", NEW, token, asked)
    answers = set()
    for one in (asked["subject_request_id"], str(uuid.uuid4()), "1"):
        for method in ("GET", "DELETE"):
            refused = await ask(house, method, f"{NEW}/{one}", other)
            assert (refused.status_code, reason(refused)) == (404, "REQUEST_UNKNOWN")
            answers.add(refused.content)
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "BODY_NOT_JSON"),
        (b"[]", "BODY_INVALID"),
        (b'{"regulation":"gdpr","regulation":"ccpa"}', "BODY_DUPLICATE_KEY"),
        (body(status_callback_urls=["http://controller.example"]), "OUTWARD_URL"),
        (body(status_callback_urls=["https://evil.example"]), "OUTWARD_HOST"),
        (body(status_callback_urls=["https://169.254.169.254/latest"]), "OUTWARD_HOST"),
    ],
)
async def test_what_is_wrong_is_told_and_nothing_is_filed(
    house: House, token: str, content: Any, expected: str
) -> None:
    """With 400 (section 7.5) and without a value."""
    before = await house.platform.database.count("mandates", {})
    refused = await ask(house, "POST", NEW, token, content)
    assert (refused.status_code, reason(refused)) == (400, expected)
    assert "ada" not in refused.text
    assert await house.platform.database.count("mandates", {}) == before


async def test_what_is_kept_of_a_request_names_nobody(house: House, token: str) -> None:
    """The address goes through the blind index, and nowhere else."""
    await ask(house, "POST", NEW, token, body("Zed@Nowhere.example"))
    for name in ("mandates", "requests", "agents"):
        assert "zed" not in repr(await house.platform.database.find(name, {})).lower()
