"""The erasure benchmark erases its customers, and the other customers stay readable."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from discretion.app.clock import now_ms
from discretion.catalogue.load import load_catalogue
from discretion.domain.kit.workflow.runner import run_workflows
from discretion.law.load import load_lawbook
from tests.bench.recompute.population import CustomerGenerator
from tests.bench.rights.erase import READ_CUSTOMER, ErasureClient
from tests.bench.rights.population import EVENTS_PER_CUSTOMER, CustomerDocumentGenerator
from tests.fixtures.platform import PlatformUnderTest

CUSTOMERS, ERASED = 60, 5


@pytest_asyncio.fixture
async def customer_ids(platform: PlatformUnderTest) -> AsyncIterator[list[bytes]]:
    """Ids of generated customers in a platform that executes requests."""
    catalogue, now = load_catalogue(None), now_ms()
    generator = CustomerGenerator(catalogue, load_lawbook(None, catalogue), now)
    generated = list(
        CustomerDocumentGenerator(
            generator,
            platform.internals.discloser.revealer.buckets,
            platform.internals.discloser.login_reaches.blind_index,
            now,
        ).generate_documents(CUSTOMERS, ERASED)
    )
    for name in generated[0]:
        await platform.internals.database.insert_many(
            name,
            [
                customer_documents_2
                for customer_documents in generated
                for customer_documents_2 in customer_documents[name]
            ],
        )
    async with run_workflows(platform.internals.requests.workflow_runner):
        yield [customer_documents_2["customers"][0]["_id"] for customer_documents_2 in generated]


async def read_customer(platform: PlatformUnderTest, customer: bytes) -> object:
    """Return what a steward reads of a customer."""
    encoded_id = platform.internals.discloser.revealer.pairwise.encode(
        "privacy-office", b"customer", customer
    )
    answer = await platform.query(READ_CUSTOMER, platform.issue_token("steward"), {"id": encoded_id})
    assert "errors" not in answer, answer
    return answer["data"]["customer"]


async def test_erased_customers_are_gone_and_the_others_are_readable(
    platform: PlatformUnderTest, customer_ids: list[bytes]
) -> None:
    database = platform.internals.database
    assert await database.count("events", {}) == ERASED * EVENTS_PER_CUSTOMER
    erasures = await ErasureClient(platform.http, platform.internals).erase_concurrently(
        customer_ids[:ERASED]
    )
    assert all(0 < times.acknowledged_ms <= times.certified_ms for times in erasures)
    assert all(times.unreadable_ms <= times.certified_ms for times in erasures)
    assert await database.count("customers", {}) == CUSTOMERS - ERASED
    assert await database.count("events", {}) == 0
    assert [await read_customer(platform, erased_id) for erased_id in customer_ids[:ERASED]] == [
        None
    ] * ERASED
    for customer_id in customer_ids[ERASED:]:
        customer = await read_customer(platform, customer_id)
        assert isinstance(customer, dict)
        assert customer["identity"]["givenName"] == "Ada"
