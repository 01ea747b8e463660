"""The endpoints of OpenDSR 2.0 and OpenGDPR over HTTP, as a controller uses them."""

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

from discretion.domain.agents.agent import build_agent
from discretion.domain.agents.status_map import OPENDSR_STATUSES
from discretion.reveal.forms import format_timestamp
from discretion.store.agents import AgentKind
from discretion.store.driver.connection import connect_database
from discretion.store.request_state import RequestState
from tests.fixtures.agency import register_agent
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

pytestmark = pytest.mark.asyncio(loop_scope="module")
KNOWN_EMAIL, UNKNOWN_EMAIL = "ada@known.example", "eve@nowhere.example"
V2_REQUESTS, V1_REQUESTS = "/opendsr/v2/requests", "/opendsr/v1/opengdpr_requests"


@pytest.fixture(scope="module")
def clock() -> Clock:
    """A clock that stands still until the test sets it."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform with one customer."""
    commands = CommandRecorder()
    database = await connect_database(mongo_url, f"controllers_{secrets.token_hex(6)}", "pymongo", [commands])
    test_platform = await build_test_platform(
        database, tmp_path_factory.mktemp("platform"), commands, clock=clock
    )
    async with test_platform.http:
        person = {
            "type": "identify",
            "userId": "u-1",
            "traits": {"email": KNOWN_EMAIL, "emailVerified": True},
        }
        assert (await test_platform.send_messages("web-shop", person))["accepted"] == 1
        yield test_platform
    await database.command({"dropDatabase": 1})
    await database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def token(platform: PlatformUnderTest) -> str:
    """The token of a registered controller."""
    controller = build_agent("shop-4308", AgentKind.CONTROLLER, "Another shop", ("controller.example",))
    await platform.internals.agents.agent_register.register(controller)
    return await platform.internals.agents.agent_register.issue_token("shop-4308", AgentKind.CONTROLLER)


def build_request(email: str = KNOWN_EMAIL, **changes: Any) -> dict[str, Any]:
    """Build a request in the form of section 7.2."""
    identity = {"identity_type": "email", "identity_value": email, "identity_format": "raw"}
    return {
        "regulation": "gdpr",
        "subject_request_id": str(uuid.uuid4()),
        "subject_request_type": "erasure",
        "submitted_time": "2027-02-28T15:00:00Z",
        "subject_identities": [identity],
        "api_version": "2.0",
        "status_callback_urls": ["https://controller.example/opendsr"],
        **changes,
    }


async def send_request(
    platform: PlatformUnderTest, method: str, path: str, token: str, content: Any = None
) -> httpx.Response:
    """Send a request and verify the signature of the response with the certificate named by discovery."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    body = content if isinstance(content, bytes | None) else orjson.dumps(content)
    response = await platform.http.request(method, path, content=body, headers=headers)
    await verify_signature(platform, response.headers, response.content)
    return response


async def verify_signature(platform: PlatformUnderTest, headers: Any, content: bytes) -> None:
    """Verify the signature of a response (section 8.8) in the headers of OpenDSR and of OpenGDPR."""
    public_key = x509.load_pem_x509_certificate(
        (await platform.http.get("/opendsr/certificate.pem")).content
    ).public_key()
    assert isinstance(public_key, RSAPublicKey)
    for name in ("opendsr", "opengdpr"):
        assert headers[f"x-{name}-processor-domain"] == "127.0.0.1"
        signature = base64.b64decode(headers[f"x-{name}-signature"])
        public_key.verify(signature, content, PKCS1v15(), hashes.SHA256())


@pytest.mark.parametrize("path", ["/opendsr/discovery", "/opendsr/v1/discovery", "/opendsr/v2/discovery"])
async def test_discovery_lists_what_is_supported(platform: PlatformUnderTest, path: str) -> None:
    """Section 6.3: without a token, and signed."""
    document = (await send_request(platform, "GET", path, "")).json()
    assert document["api_version"] == "2.0"
    assert document["supported_subject_request_types"] == ["access", "portability", "erasure"]
    assert document["processor_certificate"] == "http://127.0.0.1:8000/opendsr/certificate.pem"
    assert {identity["identity_format"] for identity in document["supported_identities"]} == {"raw"}


async def test_a_request_is_answered_with_a_receipt(
    platform: PlatformUnderTest, token: str, clock: Clock
) -> None:
    """Section 7.3: the receipt contains the request in base64, and caches must not store it."""
    request = build_request()
    raw = orjson.dumps(request)
    response = await send_request(platform, "POST", V2_REQUESTS, token, raw)
    assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
    receipt = response.json()
    assert base64.b64decode(receipt.pop("encoded_request")) == raw
    assert receipt == {
        "controller_id": "shop-4308",
        "expected_completion_time": receipt["expected_completion_time"],
        "received_time": format_timestamp(clock.now),
        "subject_request_id": request["subject_request_id"],
    }
    assert receipt["expected_completion_time"] > receipt["received_time"]


async def test_a_repeated_request_is_filed_once(platform: PlatformUnderTest, token: str) -> None:
    """The controller chooses the id of a request, so a repeated id is the same request."""
    request = build_request()
    first, repeated = [await send_request(platform, "POST", V2_REQUESTS, token, request) for _ in range(2)]
    assert first.json() == repeated.json()
    agent_requests = await platform.internals.database.find(
        "mandates", {"reference": request["subject_request_id"]}
    )
    assert [len(agent_request["requests"]) for agent_request in agent_requests] == [1]
    other = await send_request(
        platform, "POST", V2_REQUESTS, token, {**request, "subject_request_type": "access"}
    )
    assert (other.status_code, read_error_reason(other)) == (400, "AGENT_REFERENCE_TAKEN")


def read_error_reason(response: httpx.Response) -> str:
    """Return the code of an error response, and check the form of the response (section 7.6)."""
    error = response.json()["error"]
    assert error["code"] == response.status_code
    assert error["message"] == error["errors"][0]["message"]
    return str(error["errors"][0]["reason"])


async def test_every_state_maps_to_a_status_of_the_protocol(platform: PlatformUnderTest, token: str) -> None:
    """All states of a request (section 8)."""
    request = build_request()
    path = f"{V2_REQUESTS}/{request['subject_request_id']}"
    await send_request(platform, "POST", V2_REQUESTS, token, request)
    agent_request = await platform.internals.database.find_one(
        "mandates", {"reference": request["subject_request_id"]}
    )
    assert agent_request is not None
    for state in RequestState:
        request_filter = {"_id": {"$in": agent_request["requests"]}}
        await platform.internals.database.update_one(
            "requests", request_filter, {"$set": {"state": state.value}}
        )
        status = (await send_request(platform, "GET", path, token)).json()
        assert status["request_status"] == OPENDSR_STATUSES[state]
        assert status.get("results_count") == (1 if state is RequestState.FULFILLED else None)
        assert (status["controller_id"], status["api_version"]) == ("shop-4308", "2.0")


async def test_a_request_for_an_unknown_person_completes_with_no_results(
    platform: PlatformUnderTest, token: str
) -> None:
    """The platform is the controller's processor, so the controller may learn that no data was found."""
    request = build_request(UNKNOWN_EMAIL)
    await send_request(platform, "POST", V2_REQUESTS, token, request)
    status = (
        await send_request(platform, "GET", f"{V2_REQUESTS}/{request['subject_request_id']}", token)
    ).json()
    assert (status["request_status"], status["results_count"]) == ("completed", 0)


async def test_only_a_pending_request_can_be_cancelled(platform: PlatformUnderTest, token: str) -> None:
    """Section 9: 202 for a pending request, and 400 for one that is in progress or finished."""
    request = build_request()
    path = f"{V2_REQUESTS}/{request['subject_request_id']}"
    await send_request(platform, "POST", V2_REQUESTS, token, request)
    agent_request = await platform.internals.database.find_one(
        "mandates", {"reference": request["subject_request_id"]}
    )
    assert agent_request is not None
    request_filter = {"_id": {"$in": agent_request["requests"]}}
    for state, status in (
        (RequestState.ACCEPTED, 400),
        (RequestState.FULFILLED, 400),
        (RequestState.ACKNOWLEDGED, 202),
    ):
        await platform.internals.database.update_one(
            "requests", request_filter, {"$set": {"state": state.value}}
        )
        response = await send_request(platform, "DELETE", path, token)
        assert response.status_code == status
    assert response.json()["subject_request_id"] == request["subject_request_id"]
    assert (await send_request(platform, "GET", path, token)).json()["request_status"] == "cancelled"
    assert read_error_reason(await send_request(platform, "DELETE", path, token)) == "REQUEST_UNDER_WAY"


async def test_the_opengdpr_routes_are_supported(platform: PlatformUnderTest, token: str) -> None:
    """Section 10.1: the routes and headers of OpenGDPR. Its requests have no member for the regulation."""
    request = {name: value for name, value in build_request().items() if name != "regulation"}
    assert (await send_request(platform, "POST", V2_REQUESTS, token, request)).status_code == 400
    assert (
        await send_request(platform, "POST", V1_REQUESTS, token, {**request, "api_version": "1.0"})
    ).status_code == 201
    assert (
        await send_request(platform, "GET", f"{V1_REQUESTS}/{request['subject_request_id']}", token)
    ).status_code == 200


async def test_other_tokens_are_refused_with_a_signed_response(
    platform: PlatformUnderTest, token: str
) -> None:
    """An agent's token is invalid for OpenDSR and a controller's for DRP. Every refusal is signed."""
    agent = await register_agent(platform, "AGENT")
    for wrong_token in ("", "x" * 43, agent.token):
        refused = await send_request(platform, "POST", V2_REQUESTS, wrong_token, build_request())
        assert (refused.status_code, read_error_reason(refused)) == (401, "AGENT_TOKEN")
        assert refused.headers["www-authenticate"].startswith("Bearer")
    assert (await agent.send("GET", "/v1/agent/AGENT", token=token)).status_code == 403


async def test_a_controller_cannot_see_the_requests_of_another(
    platform: PlatformUnderTest, token: str
) -> None:
    """The id of another controller's request, an unassigned id and an invalid id give the same answer."""
    await platform.internals.agents.agent_register.register(
        build_agent("other", AgentKind.CONTROLLER, "Other")
    )
    other_token = await platform.internals.agents.agent_register.issue_token("other", AgentKind.CONTROLLER)
    request = build_request()
    await send_request(platform, "POST", V2_REQUESTS, token, request)
    answers = set()
    for request_id in (request["subject_request_id"], str(uuid.uuid4()), "1"):
        for method in ("GET", "DELETE"):
            refused = await send_request(platform, method, f"{V2_REQUESTS}/{request_id}", other_token)
            assert (refused.status_code, read_error_reason(refused)) == (404, "REQUEST_UNKNOWN")
            answers.add(refused.content)
    assert len(answers) == 1


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"{", "BODY_NOT_JSON"),
        (b"[]", "BODY_INVALID"),
        (b'{"regulation":"gdpr","regulation":"ccpa"}', "BODY_DUPLICATE_KEY"),
        (build_request(status_callback_urls=["http://controller.example"]), "OUTWARD_URL"),
        (build_request(status_callback_urls=["https://evil.example"]), "OUTWARD_HOST"),
        (build_request(status_callback_urls=["https://169.254.169.254/latest"]), "OUTWARD_HOST"),
    ],
)
async def test_an_invalid_request_is_refused_and_not_filed(
    platform: PlatformUnderTest, token: str, content: Any, expected: str
) -> None:
    """The answer has status 400 (section 7.5) and contains no value of the request."""
    count_before = await platform.internals.database.count("mandates", {})
    refused = await send_request(platform, "POST", V2_REQUESTS, token, content)
    assert (refused.status_code, read_error_reason(refused)) == (400, expected)
    assert "ada" not in refused.text
    assert await platform.internals.database.count("mandates", {}) == count_before


async def test_a_stored_request_contains_no_personal_data(platform: PlatformUnderTest, token: str) -> None:
    """The e-mail address is stored only as its blind index."""
    await send_request(platform, "POST", V2_REQUESTS, token, build_request("Zed@Nowhere.example"))
    for name in ("mandates", "requests", "agents"):
        assert "zed" not in repr(await platform.internals.database.find(name, {})).lower()
