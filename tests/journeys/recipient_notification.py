"""A platform with one customer and partners who received her data, for tests of recipient notification."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import jwt
from jwt.types import Options

from discretion.domain.kit.workflow.runner import WorkflowRunner
from discretion.domain.kit.workflow.step import list_actions
from discretion.domain.recipients.notification import DELIVERY_HEADER
from discretion.domain.requests.workflows import fulfil_request
from discretion.law.jurisdiction import Right
from discretion.store.deliveries import DeliveryState
from discretion.store.document import JsonValue
from discretion.store.driver.database import Database
from discretion.store.request_state import RequestState
from discretion.store.subject_request import ErasureSnapshot, RequestScope
from tests.fixtures.clock import Clock
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.subject_request import build_accepted_request
from tests.unit.domain.kit.servers import StubServer

PARTNER = "marketing.advertising.third_party.targeted"
EMAIL = "greta.albrecht@post.example"
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"
READ_TIERS = "{ customers(first: 10) { nodes { id commerce { loyaltyTier } } } }"
READ_REGIONS = "{ customers(first: 10) { nodes { id contact { address { region } } } } }"


class NotificationScenario:
    """A platform whose requests run when a test says so, with a test clock."""

    def __init__(self, platform: PlatformUnderTest, clock: Clock) -> None:
        self.platform = platform
        self.clock = clock
        self.database: Database = platform.internals.database
        recipients = platform.internals.recipients
        self.recipients = recipients
        self.workflow_runner = WorkflowRunner(
            platform.internals.requests.store,
            list_actions(platform.internals.requests.workflows.values()),
            fulfil_request,
            clock,
        )

    async def query_customers(self, query: str, client: str, purpose: str) -> list[dict[str, Any]]:
        """Return the customers that a client is answered for a purpose."""
        token = self.platform.issue_token(client=client, subject=client, purposes=[purpose])
        answer = await self.platform.query(query, token)
        assert "errors" not in answer, answer
        nodes: list[dict[str, Any]] = answer["data"]["customers"]["nodes"]
        return nodes

    async def find_customer(self) -> bytes:
        """Return the id of the only customer."""
        document = await self.database.find_one("customers", {}, {"_id": 1})
        assert document is not None
        customer: bytes = document["_id"]
        return customer

    async def create_request(
        self,
        right: Right = Right.ERASURE,
        scope: RequestScope | None = None,
        customer: bytes | None = None,
        snapshot: ErasureSnapshot | None = None,
    ) -> bytes:
        """Store an accepted request that notifies recipients, run it and return its id."""
        accepted = build_accepted_request(
            b"\1" * 16,
            ("tell", "told"),
            right=right,
            customer=customer or await self.find_customer(),
            received=self.clock(),
        )
        request = replace(accepted, scope=scope or RequestScope(), snapshot=snapshot)
        await self.platform.internals.requests.store.add(request)
        await self.workflow_runner.run_due()
        return request.id

    async def read_states(self, request: bytes) -> dict[str, DeliveryState]:
        """Return the states of the deliveries of a request, by client."""
        return {
            delivery.client: delivery.state
            for delivery in await self.recipients.notifier.list_of_request(request)
        }

    async def read_outcome(self, request: bytes) -> Mapping[str, JsonValue] | None:
        """Return the result of the last step of a request; None while it is not complete."""
        await self.workflow_runner.run_due()
        stored = await self.platform.internals.requests.store.find(request)
        assert stored is not None
        result = stored.steps[1].output
        assert (result is not None) == (stored.state is RequestState.FULFILLED)
        return result


@asynccontextmanager
async def open_scenario(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> AsyncIterator[NotificationScenario]:
    """Open a platform with one customer who consents to third-party advertising."""
    clock = Clock("2026-11-02T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock, outward_loopback=True)
    async with platform.http:
        await platform.send_messages(
            "web-shop",
            {
                "type": "identify",
                "messageId": "m1",
                "userId": "u1",
                "traits": {
                    "email": EMAIL,
                    "birthday": "1985-03-04",
                    "loyaltyTier": "gold",
                    "address": {"country": "DE", "state": "Bayern"},
                },
                "context": {"consent": {"categoryPreferences": {PARTNER: True}}},
                "timestamp": "2026-11-01T10:00:00Z",
            },
        )
        yield NotificationScenario(platform, clock)


async def count_named_deliveries(scenario: NotificationScenario) -> int:
    """Return the number of deliveries that still hold ids of customers."""
    return await scenario.database.count("deliveries", {"subjects": {"$exists": True}})


async def read_notice(
    scenario: NotificationScenario, partner: StubServer, number: int = 0
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return claims and header of a received notice, verified with the published keys."""
    head, _, body = partner.requests[number].partition(b"\r\n\r\n")
    assert b"content-type: application/rights-notice+jwt\r\n" in head + b"\r\n"
    header = jwt.get_unverified_header(body.decode())
    published = (await scenario.platform.http.get("/.well-known/jwks.json")).json()["keys"]
    (key,) = (jwt.PyJWK(key_document) for key_document in published if key_document["kid"] == header["kid"])
    timeless: Options = {"verify_exp": False, "verify_iat": False}  # the platform runs on a test clock
    issuer = "http://127.0.0.1:8000"
    claims = jwt.decode(body.decode(), key, ["EdDSA"], audience="ad-partner", issuer=issuer, options=timeless)
    assert f"{DELIVERY_HEADER}: {claims['jti']}\r\n".encode() in head
    return claims, header
