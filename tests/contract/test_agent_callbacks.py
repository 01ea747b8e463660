"""Status callbacks of both protocols (DRP 1.0, 2.03; OpenDSR 2.0, 8.5 to 8.8) to a real server."""

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

from discretion.domain.agents.agent import build_agent
from discretion.domain.agents.callbacks import (
    BACKOFF,
    MAX_TRIES,
    POLL_MS,
    CallbackSender,
)
from discretion.domain.kit.egress import EgressClient
from discretion.serve import open_listening_socket, serve_app
from discretion.store.agents import AgentKind
from discretion.store.driver.connection import connect_database
from tests.fixtures.agency import REQUESTS, AgentClient, register_agent
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

pytestmark = pytest.mark.asyncio(loop_scope="module")
DAY_MS = 24 * 3600 * 1000


@dataclass
class CallbackServer:
    """The server of an agent: it records callbacks and answers with ``statuses`` in turn, then with 200."""

    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    redirected: int = 0

    @property
    def last_status(self) -> dict[str, Any]:
        """The status that it received last."""
        status: dict[str, Any] = orjson.loads(self.received[-1][1])
        return status


@asynccontextmanager
async def run_callback_server() -> AsyncIterator[CallbackServer]:
    """Serve a callback server on this machine until the block ends."""
    server = CallbackServer()

    async def receive_callback(request: Request) -> Response:
        server.received.append((dict(request.headers), await request.body()))
        status = server.statuses.pop(0) if server.statuses else 200
        return Response(b"ignored" * 100, status, {"location": "/elsewhere"} if status == 302 else {})

    async def count_redirected(_request: Request) -> Response:
        server.redirected += 1
        return Response()

    listening_socket = open_listening_socket("127.0.0.1", 0)
    server.url = f"http://127.0.0.1:{listening_socket.getsockname()[1]}/status"
    routes = [
        Route("/status", receive_callback, methods=["POST"]),
        Route("/elsewhere", count_redirected, methods=["GET", "POST"]),
    ]
    async with serve_app(Starlette(routes=routes), listening_socket):
        yield server


@pytest.fixture(scope="module")
def clock() -> Clock:
    """A clock that stands still until the test sets it."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def platform(
    mongo_url: str, tmp_path_factory: pytest.TempPathFactory, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform that may send callbacks to this machine."""
    commands = CommandRecorder()
    database = await connect_database(mongo_url, f"callbacks_{secrets.token_hex(6)}", "pymongo", [commands])
    folder = tmp_path_factory.mktemp("platform")
    test_platform = await build_test_platform(database, folder, commands, clock=clock, outward_loopback=True)
    async with test_platform.http:
        yield test_platform
    await database.command({"dropDatabase": 1})
    await database.close()


@pytest_asyncio.fixture(loop_scope="module")
async def callback_server() -> AsyncIterator[CallbackServer]:
    """The callback server of the agent."""
    async with run_callback_server() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def agent(platform: PlatformUnderTest) -> AgentClient:
    """A registered agent whose host is this machine."""
    await platform.internals.database.delete_many("mandates", {})
    return await register_agent(platform, f"AGENT_{secrets.token_hex(4).upper()}", hosts=("127.0.0.1",))


@pytest.fixture
def callback_sender(platform: PlatformUnderTest) -> CallbackSender:
    """The callback sender. A server runs it in the background; the tests run it step by step."""
    return platform.internals.agents.callbacks


async def file_request_with_callback(agent: AgentClient, callback_server: CallbackServer) -> dict[str, Any]:
    """File a request with a callback URL and return its status."""
    response = await agent.file_request(
        "deletion", email="eve@nowhere.example", status_callback=callback_server.url
    )
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def find_agent_request(agent: AgentClient, request_id: str) -> dict[str, Any]:
    """Return the stored document of an agent request."""
    document = await agent.platform.internals.database.find_one(
        "mandates", {"_id": uuid.UUID(request_id).bytes}
    )
    assert document is not None
    return document


async def revoke_request(agent: AgentClient, request_id: str) -> None:
    """Revoke a request as its agent."""
    response = await agent.send("DELETE", f"{REQUESTS}/{request_id}", agent.sign({"reason": "no"}))
    assert response.status_code == 200


async def test_a_status_is_resent_until_it_is_accepted(
    agent: AgentClient, callback_server: CallbackServer, callback_sender: CallbackSender, clock: Clock
) -> None:
    """The delay grows with each failure. An accepted status is not sent again."""
    status = await file_request_with_callback(agent, callback_server)
    callback_server.statuses = [500, 302, 204]
    for attempt in range(1, 4):
        await callback_sender.run_once()
        assert len(callback_server.received) == attempt
        await callback_sender.run_once()  # not due yet
        assert len(callback_server.received) == attempt
        clock.advance(BACKOFF.compute_delay(attempt))
    await callback_sender.run_once()
    assert (len(callback_server.received), callback_server.last_status) == (4, status)
    assert callback_server.received[-1][0]["content-type"] == "application/json"
    clock.advance(POLL_MS)
    await callback_sender.run_once()
    assert (len(callback_server.received), callback_server.redirected) == (4, 0)


async def test_a_changed_status_is_sent_and_the_final_one_deletes_the_url(
    agent: AgentClient, callback_server: CallbackServer, callback_sender: CallbackSender, clock: Clock
) -> None:
    """The URL may contain personal data, so it is stored only as long as it is needed."""
    request_id = (await file_request_with_callback(agent, callback_server))["request_id"]
    await callback_sender.run_once()
    await revoke_request(agent, request_id)
    clock.advance(POLL_MS)
    await callback_sender.run_once()
    assert [orjson.loads(content)["status"] for _, content in callback_server.received] == [
        "in_progress",
        "revoked",
    ]
    assert callback_server.url.encode() not in repr(await find_agent_request(agent, request_id)).encode()
    ends = (await find_agent_request(agent, request_id))["ends"]
    assert 59 * DAY_MS <= ends.timestamp() * 1000 - clock.now <= 60 * DAY_MS
    clock.advance(DAY_MS)
    assert await callback_sender.run_once() == 0
    assert (await agent.read_status(request_id))["status"] == "revoked"


async def test_only_the_latest_status_is_sent_after_a_failure(
    agent: AgentClient, callback_server: CallbackServer, callback_sender: CallbackSender, clock: Clock
) -> None:
    """DRP requires 'the most recent status update': older statuses are not sent later."""
    request_id = (await file_request_with_callback(agent, callback_server))["request_id"]
    callback_server.statuses = [503]
    await callback_sender.run_once()
    await revoke_request(agent, request_id)
    clock.advance(BACKOFF.min_ms)
    await callback_sender.run_once()
    assert callback_server.last_status["status"] == "revoked"
    assert len(callback_server.received) == 2


async def test_concurrent_senders_send_a_status_once(
    agent: AgentClient, callback_server: CallbackServer, callback_sender: CallbackSender
) -> None:
    """Of several processes that look for due work at the same time, the one with the lease sends it."""
    await file_request_with_callback(agent, callback_server)
    await asyncio.gather(*(callback_sender.run_once() for _ in range(4)))
    assert len(callback_server.received) == 1


async def test_no_callback_goes_to_a_host_removed_from_the_register(
    agent: AgentClient, callback_server: CallbackServer, callback_sender: CallbackSender, clock: Clock
) -> None:
    """The register is read again at the time of each callback."""
    await file_request_with_callback(agent, callback_server)
    agent_register = agent.platform.internals.agents.agent_register
    registered_agent = await agent_register.find_by_id(agent.id, AgentKind.AGENT)
    assert registered_agent is not None
    await agent_register.register(replace(registered_agent, hosts=("agent.example",)))
    await callback_sender.run_once()
    assert callback_server.received == []
    await agent_register.register(registered_agent)
    clock.advance(BACKOFF.min_ms)
    await callback_sender.run_once()
    assert len(callback_server.received) == 1


async def test_a_removed_agent_gets_no_callbacks(
    agent: AgentClient, callback_server: CallbackServer, callback_sender: CallbackSender
) -> None:
    """Its callbacks are deleted."""
    request_id = (await file_request_with_callback(agent, callback_server))["request_id"]
    await agent.platform.internals.agents.agent_register.remove(agent.id)
    await callback_sender.run_once()
    assert callback_server.received == []
    assert (await find_agent_request(agent, request_id))["callbacks"] == []


async def test_a_final_status_is_abandoned_after_three_days(
    agent: AgentClient, callback_sender: CallbackSender, callback_server: CallbackServer, clock: Clock
) -> None:
    """Callbacks are best effort. The agent can still read the status."""
    request_id = (await file_request_with_callback(agent, callback_server))["request_id"]
    await revoke_request(agent, request_id)
    callback_server.statuses = [500] * MAX_TRIES
    for attempt in range(1, MAX_TRIES + 1):
        await callback_sender.run_once()
        clock.advance(BACKOFF.compute_delay(attempt))
    assert len(callback_server.received) == MAX_TRIES
    assert (await find_agent_request(agent, request_id))["callbacks"] == []
    assert 2.5 * DAY_MS < sum(map(BACKOFF.compute_delay, range(1, MAX_TRIES))) < 3.5 * DAY_MS


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
async def test_a_host_that_later_resolves_to_a_private_address_is_not_called(
    platform: PlatformUnderTest,
    callback_sender: CallbackSender,
    callback_server: CallbackServer,
    address: str,
) -> None:
    """DNS rebinding: the host was allowed at filing and later resolves to another address."""
    await platform.internals.database.delete_many("mandates", {})
    agent = await register_agent(platform, f"AGENT_{secrets.token_hex(4).upper()}", hosts=("agent.example",))
    port = callback_server.url.rpartition(":")[2]
    url = f"https://agent.example:{port}"
    response = await agent.file_request("deletion", email="eve@nowhere.example", status_callback=url)
    resolved_hosts = []

    async def resolve_to_address(host: str, _port: int) -> Sequence[str]:
        resolved_hosts.append(host)
        return [address]

    assert await replace(callback_sender, egress=EgressClient(resolve=resolve_to_address)).run_once() == 1
    assert (resolved_hosts, callback_server.received) == (["agent.example"], [])
    (callback,) = (await find_agent_request(agent, response.json()["request_id"]))["callbacks"]
    assert (callback["tries"], callback["told"]) == (1, b"")


async def test_a_controller_can_verify_the_signature_of_a_callback(
    platform: PlatformUnderTest, callback_sender: CallbackSender, callback_server: CallbackServer
) -> None:
    """Section 8.8: the certificate of discovery verifies the raw body, and the body names the URL."""
    await platform.internals.database.delete_many("mandates", {})
    await platform.internals.agents.agent_register.register(
        build_agent("shop-1", AgentKind.CONTROLLER, "A shop", ("127.0.0.1",))
    )
    token = await platform.internals.agents.agent_register.issue_token("shop-1", AgentKind.CONTROLLER)
    request = {
        "regulation": "gdpr",
        "subject_request_id": str(uuid.uuid4()),
        "subject_request_type": "access",
        "submitted_time": "2027-02-28T15:00:00Z",
        "subject_identities": [
            {"identity_type": "email", "identity_value": "eve@nowhere.example", "identity_format": "raw"}
        ],
        "status_callback_urls": [callback_server.url, f"{callback_server.url}?second"],
    }
    headers = {"authorization": f"Bearer {token}"}
    assert (
        await platform.http.post("/opendsr/v2/requests", json=request, headers=headers)
    ).status_code == 201
    await callback_sender.run_once()
    chain = (await platform.http.get("/opendsr/certificate.pem")).content
    public_key = x509.load_pem_x509_certificate(chain).public_key()
    assert isinstance(public_key, RSAPublicKey)
    for callback_headers, content in callback_server.received:
        public_key.verify(
            base64.b64decode(callback_headers["x-opendsr-signature"]), content, PKCS1v15(), hashes.SHA256()
        )
        assert (
            callback_headers["x-opendsr-processor-domain"]
            == callback_headers["x-opengdpr-processor-domain"]
            == "127.0.0.1"
        )
        status = orjson.loads(content)
        assert status["subject_request_id"] == request["subject_request_id"]
        assert (status["request_status"], status["results_count"]) == ("completed", 0)
    urls = sorted(orjson.loads(content)["status_callback_url"] for _, content in callback_server.received)
    assert urls == request["status_callback_urls"]
