"""A package is made while the customer is split: nothing of it stays stored that the split had to delete."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from discretion.domain.access.package_steps import RETRY_MS
from discretion.domain.identity.stewardship import Stewardship
from discretion.store.transactions import Session, Transactions
from tests.fixtures.package import CLIENT, file_request, find_customer_id, open_package
from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.waiting import WAIT_S

T = TypeVar("T")
ANN, BOB = (
    {"type": "identify", "messageId": user, "userId": user, "traits": {"email": f"{user}@shop.example"}}
    for user in ("w-1", "w-2")
)


class PausedTransactions(Transactions):
    """Transactions that wait before they commit until a test goes on."""

    def __init__(self, platform: PlatformUnderTest) -> None:
        super().__init__(platform.internals.database)
        self.has_written, self.may_commit = asyncio.Event(), asyncio.Event()

    async def run(self, work: Callable[[Session], Awaitable[T]]) -> T:
        """Run ``work``, and wait after its last write."""

        async def work_and_wait(session: Session) -> T:
            result = await work(session)
            self.has_written.set()
            await self.may_commit.wait()
            return result

        return await super().run(work_and_wait)


async def merge_all(platform: PlatformUnderTest) -> bytes:
    """Merge all customers; return the id of the event."""
    stewardship = Stewardship(platform.internals.retention_sweep.rewriter)
    customers = await platform.internals.database.find("customers", {}, {"_id": 1})
    await stewardship.merge([customer["_id"] for customer in customers], "steward:anna", "D-17")
    (event,) = await platform.internals.database.find("identity_events", {"kind": "merged"}, {"_id": 1})
    event_id: bytes = event["_id"]
    return event_id


async def test_pages_that_are_written_during_a_split_are_deleted(platform: PlatformUnderTest) -> None:
    """The split does not see them when it deletes the package, and commits after the package is complete."""
    # Ann first: the customer who came first has the id of both, and still has it after the split.
    await platform.send_messages("web-shop", ANN)
    await platform.send_messages("web-shop", BOB)
    event = await merge_all(platform)
    request = await file_request(platform, await find_customer_id(platform, "email", "w-1@shop.example"))
    rewriter = platform.internals.retention_sweep.rewriter
    transactions = PausedTransactions(platform)
    paused = replace(rewriter, stores=replace(rewriter.stores, transactions=transactions))
    split = asyncio.create_task(Stewardship(paused).unmerge(event, "steward:anna"))
    await transactions.has_written.wait()
    database, runner = platform.internals.database, platform.internals.requests.workflow_runner
    entries = await database.count("disclosures", {})
    gathering = asyncio.create_task(runner.run_due())
    # The reading is on record after all pages are written. What follows has time to end, if it can.
    for _ in range(WAIT_S):
        await asyncio.wait({gathering}, timeout=1)
        if await database.count("disclosures", {}) > entries:
            break
    transactions.may_commit.set()
    await split
    await gathering
    pages = await database.count("packages", {})
    token = platform.issue_token("customer", client=CLIENT, subject="w-1")
    answer: dict[str, Any] = await open_package(platform, request, token)
    assert (pages, answer["errors"][0]["extensions"]["code"]) == (0, "PACKAGE_NOT_READY")
    await asyncio.sleep(RETRY_MS / 1000)
    await platform.run_due_requests()
    assert (await open_package(platform, request, token))["data"]["openPackage"]["url"]
