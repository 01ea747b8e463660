"""The endpoints of the Data Rights Protocol 1.0 (section 2), and what they do not disclose to agents."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from discretion.domain.agents.status_map import DRP_FINAL_STATUSES, DRP_OPEN_STATUSES, get_drp_status
from discretion.reveal.forms import format_timestamp
from discretion.store.driver.connection import connect_database
from discretion.store.request_state import RequestReason, RequestState
from tests.fixtures.agency import REQUESTS, AgentClient, register_agent
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

KNOWN_EMAIL, UNKNOWN_EMAIL = "ada@known.example", "eve@nowhere.example"
MINUTE_MS = 60_000


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def clock() -> Clock:
    """A clock that stands still until the test sets it."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform with one customer, who lives in Sweden."""
    commands = CommandRecorder()
    database = await connect_database(mongo_url, f"agents_{secrets.token_hex(6)}", "pymongo", [commands])
    test_platform = await build_test_platform(
        database, tmp_path_factory.mktemp("platform"), commands, clock=clock
    )
    async with test_platform.http:
        traits = {"email": KNOWN_EMAIL, "address": {"country": "SE"}}
        person = {"type": "identify", "userId": "u-1", "traits": traits}
        assert (await test_platform.send_messages("web-shop", person))["accepted"] == 1
        yield test_platform
    await database.command({"dropDatabase": 1})
    await database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def agent(platform: PlatformUnderTest) -> AgentClient:
    """A newly registered agent with a token, one for each test."""
    return await register_agent(platform, f"AGENT_{secrets.token_hex(4).upper()}", hosts=("agent.example",))


def read_error_code(response: Any, status: int) -> str:
    """Return the stable code of an error response, and check the form of the response (section 3.06)."""
    body = response.json()
    assert (response.status_code, body["code"]) == (status, str(status))
    assert body["message"]
    assert isinstance(body["fatal"], bool)
    return str(body["error"]["code"])


async def test_a_signed_message_obtains_a_token_for_one_agent(
    platform: PlatformUnderTest, agent: AgentClient
) -> None:
    """Sections 2.05 and 2.06. A token of one agent gives no access to the path of another agent."""
    other = await register_agent(platform, "OTHER_1", seed=7)
    response = await agent.send("GET", f"/v1/agent/{agent.id}")
    assert (response.status_code, response.json()) == (200, {})
    assert (await agent.send("GET", f"/v1/agent/{agent.id}/")).status_code == 200
    assert read_error_code(await agent.send("GET", "/v1/agent/OTHER_1"), 403) == "DRP_AGENT"
    assert (
        read_error_code(await agent.send("GET", f"/v1/agent/{agent.id}", token="x" * 43), 403) == "DRP_AGENT"
    )
    assert read_error_code(await agent.send("GET", f"/v1/agent/{agent.id}", token=""), 401) == "AGENT_TOKEN"
    assert other.token != agent.token


async def test_a_new_token_invalidates_the_previous_token(agent: AgentClient, clock: Clock) -> None:
    """An agent has one valid token at a time."""
    clock.advance(1000)
    agent_path = f"/v1/agent/{agent.id}"
    response = await agent.send("POST", agent_path, agent.sign(agent.build_claims()))
    assert response.json()["agent-id"] == agent.id
    assert (await agent.send("GET", agent_path, token=response.json()["token"])).status_code == 200
    assert (await agent.send("GET", agent_path)).status_code == 403


async def test_an_invalid_token_request_is_refused_with_an_empty_body(agent: AgentClient) -> None:
    """Section 2.05.1: 403 with an empty body. A message that was used once is refused from then on."""
    claims, agent_path = agent.build_claims(), f"/v1/agent/{agent.id}"
    used_message = agent.sign({**claims, "jti": "1"})
    assert (await agent.send("POST", f"{agent_path}/", used_message, token="")).status_code == 200
    other_signer = replace(agent, key=Ed25519PrivateKey.from_private_bytes(bytes(32)))
    for path, body in (
        (agent_path, used_message),
        (agent_path, b"%"),
        (agent_path, agent.sign({**claims, "agent-id": "OTHER"})),
        (agent_path, agent.sign({**claims, "business-id": "OTHER"})),
        (agent_path, agent.sign({**claims, "issued-at": "2099-01-01T00:00:00Z"})),
        (agent_path, agent.sign({**claims, "expires-at": "2020-01-01T00:00:00Z"})),
        (agent_path, agent.sign({**claims, "drp.version": "0.9.4"})),
        ("/v1/agent/NOBODY", agent.sign({**claims, "agent-id": "NOBODY"})),
        (agent_path, other_signer.sign(claims)),
    ):
        refused = await agent.send("POST", path, body)
        assert (refused.status_code, refused.content) == (403, b"")


async def test_a_request_is_answered_with_its_status(agent: AgentClient, clock: Clock) -> None:
    """Section 3.03. Every path also works with a slash at its end."""
    response = await agent.file_request(
        "deletion", email=KNOWN_EMAIL, email_verified=True, **{"agent-request-id": "r-1"}
    )
    assert (response.status_code, response.headers["cache-control"]) == (200, "no-store")
    body = response.json()
    request_id = body["request_id"]
    assert uuid.UUID(request_id).version == 4
    assert body == {
        "request_id": request_id,
        "status": "in_progress",
        "reason": "need_user_verification",
        "received_at": format_timestamp(clock.now),
        "expected_by": body["expected_by"],
        "expires_at": format_timestamp(clock.now + 45 * 24 * 60 * MINUTE_MS),
        "agent_request_id": "r-1",
        "user_verification_url": f"http://127.0.0.1:8000/v1/data-rights-request/{request_id}/verify",
    }
    assert await agent.read_status(request_id) == body
    assert await agent.read_status(f"{request_id}/") == body
    second_body = agent.sign(agent.build_claims(exercise="access", email=KNOWN_EMAIL))
    assert (await agent.send("POST", f"{REQUESTS}/", second_body)).status_code == 200


async def test_known_and_unknown_persons_get_the_same_status(agent: AgentClient, clock: Clock) -> None:
    """Immediately and later, although the known person is protected by another law than an unknown person."""
    pairs = []
    for right in ("deletion", "access", "access:categories", "access:specific", "sale:opt-out"):
        for verified in (True, False):
            if (right, verified) == ("sale:opt-out", True):
                continue  # needs no proof of identity: see the next test
            statuses = [
                (await agent.file_request(right, email=email, email_verified=verified)).json()
                for email in (KNOWN_EMAIL, UNKNOWN_EMAIL)
            ]
            assert _remove_ids(statuses[0]) == _remove_ids(statuses[1])
            pairs.append([status["request_id"] for status in statuses])
    for elapsed_ms in (MINUTE_MS, 30 * 24 * 60 * MINUTE_MS):
        clock.advance(elapsed_ms)
        await agent.platform.internals.requests.workflow_runner.run_due()
        for pair in pairs:
            known_status, unknown_status = [
                _remove_ids(await agent.read_status(request_id)) for request_id in pair
            ]
            assert known_status == unknown_status
            assert known_status["status"] == "in_progress"


async def test_an_opt_out_needs_no_proof_and_does_not_reveal_customers(agent: AgentClient) -> None:
    """11 CCR 7026(d).

    The agent's verification is accepted. Data of an unknown person is not sold, so it is fulfilled.
    """
    known_status, unknown_status = [
        (await agent.file_request("sale:opt-out", email=email, email_verified=True)).json()
        for email in (KNOWN_EMAIL, UNKNOWN_EMAIL)
    ]
    assert _remove_ids(known_status) == _remove_ids(unknown_status)
    assert (unknown_status["status"], unknown_status.get("reason")) == ("fulfilled", None)
    customer_token = await agent.platform.issue_customer_token("email", KNOWN_EMAIL)
    answer = await agent.platform.query(
        "{ me { signals { kind } permissions { purpose permitted } } }", customer_token
    )
    assert answer


async def test_a_replayed_message_is_refused(agent: AgentClient) -> None:
    """The protocol has no nonce, so the server stores each message until it expires."""
    body = agent.sign(agent.build_claims(exercise="deletion", email=KNOWN_EMAIL))
    assert (await agent.send("POST", REQUESTS, body)).status_code == 200
    replay = await agent.send("POST", REQUESTS, body)
    assert read_error_code(replay, 409) == "DRP_REPLAYED"
    assert replay.json()["fatal"] is True


async def test_an_expired_request_is_fatal_and_a_premature_request_is_not(
    agent: AgentClient, clock: Clock
) -> None:
    """Section 2.01: an expired request is discarded."""
    body = agent.sign(agent.build_claims(exercise="deletion", email=KNOWN_EMAIL))
    clock.advance(-1000)
    early = await agent.send("POST", REQUESTS, body)
    assert (read_error_code(early, 400), early.json()["fatal"]) == ("DRP_NOT_YET_ISSUED", False)
    clock.advance(1000 + 10 * MINUTE_MS + 1)
    late = await agent.send("POST", REQUESTS, body)
    assert (read_error_code(late, 400), late.json()["fatal"]) == ("DRP_EXPIRED", True)


async def test_the_body_is_checked_before_the_token(agent: AgentClient) -> None:
    """The order of section 3.07. Without a token the server has no key to verify the signature with."""
    body = agent.sign(agent.build_claims(exercise="deletion", email=KNOWN_EMAIL))
    assert read_error_code(await agent.send("POST", REQUESTS, b"%", token=""), 400) == "DRP_NOT_BASE64"
    missing = await agent.send("POST", REQUESTS, body, token="")
    assert read_error_code(missing, 401) == "AGENT_TOKEN"
    assert missing.headers["www-authenticate"].startswith("Bearer")
    assert read_error_code(await agent.send("POST", REQUESTS, body, token="x" * 43), 401) == "AGENT_TOKEN"
    assert (
        read_error_code(await agent.send("POST", REQUESTS, base64.b64encode(bytes(70_000))), 413)
        == "BODY_TOO_LARGE"
    )


async def test_an_agent_cannot_see_the_requests_of_other_agents(
    platform: PlatformUnderTest, agent: AgentClient
) -> None:
    """Another agent's id, an unassigned id and an invalid id give the same answer to GET and DELETE."""
    other = await register_agent(platform, "OTHER_2", seed=8)
    filed_id = (await agent.file_request("deletion", email=KNOWN_EMAIL)).json()["request_id"]
    answers = []
    for request_id in (filed_id, str(uuid.uuid4()), "1", filed_id.upper()):
        for method, body in (("GET", None), ("DELETE", other.sign({"reason": "mine"}))):
            response = await other.send(method, f"{REQUESTS}/{request_id}", body)
            assert read_error_code(response, 403) == "DRP_REQUEST"
            answers.append(response.content)
    assert len(set(answers)) == 1
    assert (await agent.read_status(filed_id))["status"] == "in_progress"


async def test_a_reference_identifies_one_request(agent: AgentClient, clock: Clock) -> None:
    """An agent that lost the answer sends a newly signed request and gets the request it had filed."""
    first = (await agent.file_request("deletion", email=KNOWN_EMAIL, **{"agent-request-id": "r-1"})).json()
    clock.advance(1000)
    repeated = (await agent.file_request("deletion", email=KNOWN_EMAIL, **{"agent-request-id": "r-1"})).json()
    assert repeated == first
    conflict = await agent.file_request("access", email=KNOWN_EMAIL, **{"agent-request-id": "r-1"})
    assert read_error_code(conflict, 409) == "AGENT_REFERENCE_TAKEN"


async def test_a_signed_message_revokes_a_request(agent: AgentClient) -> None:
    """Section 2.04: the answer contains the new status. A repeated revocation gives the same answer."""
    request_id = (await agent.file_request("deletion", email=KNOWN_EMAIL)).json()["request_id"]
    unsigned = base64.b64encode(bytes(64) + b'{"reason": "no"}')
    assert (
        read_error_code(await agent.send("DELETE", f"{REQUESTS}/{request_id}", unsigned), 403)
        == "DRP_SIGNATURE"
    )
    for body in ({"reason": "I changed my mind"}, {}, agent.build_claims(reason="again")):
        response = await agent.send("DELETE", f"{REQUESTS}/{request_id}/", agent.sign(body))
        assert (response.status_code, response.json()["status"]) == (200, "revoked")
        assert response.json().keys() == {"request_id", "status", "received_at"}
    foreign = agent.sign(agent.build_claims(**{"business-id": "OTHER"}))
    assert (
        read_error_code(await agent.send("DELETE", f"{REQUESTS}/{request_id}", foreign), 403)
        == "DRP_BUSINESS"
    )
    invalid = agent.sign({"reason": 1})
    assert (
        read_error_code(await agent.send("DELETE", f"{REQUESTS}/{request_id}", invalid), 400) == "DRP_REASON"
    )


async def test_a_finished_request_cannot_be_revoked(agent: AgentClient) -> None:
    """The answer is a conflict, and the status does not change."""
    request_id = (await agent.file_request("deletion", email=KNOWN_EMAIL)).json()["request_id"]
    await _set_request_state(agent.platform, request_id, RequestState.FULFILLED, None)
    response = await agent.send("DELETE", f"{REQUESTS}/{request_id}", agent.sign({"reason": "no"}))
    assert read_error_code(response, 409) == "REQUEST_STATE"
    assert (await agent.read_status(request_id))["status"] == "fulfilled"


async def test_every_state_maps_to_a_status_of_the_protocol(agent: AgentClient) -> None:
    """All states and reasons (section 3.02), for a person whose identity is verified."""
    protocol_statuses = set(DRP_OPEN_STATUSES.values()) | set(DRP_FINAL_STATUSES.values())
    request_id = (await agent.file_request("deletion", email=KNOWN_EMAIL)).json()["request_id"]
    for state in RequestState:
        for reason in (None, *RequestReason):
            await _set_request_state(agent.platform, request_id, state, reason, identified=1)
            status = await agent.read_status(request_id)
            assert (status["status"], status.get("reason")) == get_drp_status(state, reason)
            needs_verification = status.get("reason") == "need_user_verification"
            assert needs_verification == ("user_verification_url" in status)
            assert needs_verification or (status["status"], status.get("reason")) in protocol_statuses
            assert ("expected_by" in status) == (status["status"] in ("open", "in_progress"))


async def test_an_unverified_person_never_reads_no_match(agent: AgentClient) -> None:
    """'no_match' would disclose who is a customer.

    Without proof of identity the reason is 'insuf_verification'.
    """
    request_id = (await agent.file_request("deletion", email=KNOWN_EMAIL)).json()["request_id"]
    for reason in (RequestReason.NO_MATCH, RequestReason.NOT_VERIFIED):
        await _set_request_state(agent.platform, request_id, RequestState.UNFULFILLED, reason)
        assert (await agent.read_status(request_id))["reason"] == "insuf_verification"


@pytest.mark.parametrize(
    "url",
    [
        "http://agent.example/status",
        "https://evil.example/status",
        "https://agent.example.evil.example/status",
        "https://agent.example@evil.example/status",
        "https://127.0.0.1/status",
        "https://[::ffff:169.254.169.254]/latest/meta-data",
        "https://localhost/status",
        "file:///etc/passwd",
        "gopher://agent.example/",
    ],
)
async def test_a_callback_url_must_use_a_registered_host_of_the_agent(agent: AgentClient, url: str) -> None:
    """Any other URL is refused when the request is filed, and nothing is stored."""
    refused = await agent.file_request("deletion", email=KNOWN_EMAIL, status_callback=url)
    assert read_error_code(refused, 400) == "DRP_CALLBACK"
    assert await agent.platform.internals.database.count("mandates", {"agent": agent.id}) == 0


async def test_the_directory_entry_lists_exactly_what_is_supported(agent: AgentClient) -> None:
    """Section 3.05.2: all listed actions are accepted, and an action that is not listed is refused."""
    entry = (await agent.platform.http.get("/.well-known/data-rights.json")).json()
    assert (entry["id"], entry["api_base"]) == ("LINDGREN_MOSS", "http://127.0.0.1:8000")
    assert entry["supported_verifications"] == ["email", "phone_number"]
    for right in entry["supported_actions"]:
        assert (await agent.file_request(right, phone_number="+46701234567")).status_code == 200
    assert read_error_code(await agent.file_request("sale:opt-in", email=KNOWN_EMAIL), 400) == "DRP_EXERCISE"


async def test_a_stored_agent_request_contains_no_personal_data(agent: AgentClient) -> None:
    """Neither the e-mail address nor the name nor the power of attorney is in any written collection."""
    response = await agent.file_request(
        "deletion", email="Zed@Nowhere.example", name="Zed Zulu", power_of_attorney="poa-of-zed"
    )
    assert response.status_code == 200
    database = agent.platform.internals.database
    for name in ("mandates", "replays", "requests", "agents"):
        stored_text = repr(await database.find(name, {})).lower()
        assert "zed" not in stored_text
        assert "zulu" not in stored_text


def _remove_ids(status: dict[str, Any]) -> dict[str, Any]:
    """Return a status without the members that contain the request id."""
    ids = ("request_id", "user_verification_url")
    return {name: value for name, value in status.items() if name not in ids}


async def _set_request_state(
    platform: PlatformUnderTest,
    agent_request_id: str,
    state: RequestState,
    reason: RequestReason | None,
    identified: int | None = None,
) -> None:
    """Set the state of the requests of an agent request, as stewards and the workflow do."""
    database = platform.internals.database
    mandate = await database.find_one("mandates", {"_id": uuid.UUID(agent_request_id).bytes})
    assert mandate is not None
    changes: dict[str, Any] = {"state": state.value}
    if identified is not None:
        changes["identified"] = identified
    removals: dict[str, Any] = {}
    if reason is None:
        removals = {"$unset": {"reason": ""}}
    else:
        changes["reason"] = reason.value
    for request_id in mandate["requests"]:
        await database.update_one("requests", {"_id": request_id}, {"$set": changes, **removals})
