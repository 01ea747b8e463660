"""A request is carried out only for the records that the login which filed it still reaches."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from discretion.domain.identity.stewardship import Stewardship
from discretion.domain.requests.model import RequestDetails, Requester
from discretion.law.jurisdiction import Right
from discretion.store.document import build_date
from discretion.store.request_state import RequesterAssurance, RequesterRole, RequestReason, RequestState
from discretion.store.subject_request import SubjectRequest
from tests.fixtures.platform import PlatformUnderTest


def build_account(account: str) -> dict[str, Any]:
    """Build an identify message of an account."""
    return {"type": "identify", "messageId": account, "userId": account, "traits": {"firstName": account}}


async def find_customer(platform: PlatformUnderTest, account: str) -> bytes:
    """Return the customer of an account."""
    login_reaches = platform.internals.discloser.login_reaches
    customer = await login_reaches.find_customer(login_reaches.blind_index.index("user_id", account))
    assert customer is not None
    return customer


async def file_request(
    platform: PlatformUnderTest,
    customer: bytes,
    login: str,
    right: Right = Right.ACCESS,
    reached: bytes | None = None,
) -> SubjectRequest:
    """File a request about a customer, as the login of an account."""
    entry = platform.internals.discloser.login_reaches.blind_index.index("user_id", login)
    requester = Requester(
        RequesterRole.PERSON, "self:app", "app", login, RequesterAssurance.FRESH, login=entry, reached=reached
    )
    submission = platform.internals.requests.submission
    return await submission.submit(customer, RequestDetails(right), requester)


async def run_to_its_end(platform: PlatformUnderTest, request: SubjectRequest) -> SubjectRequest:
    """Carry out a request, and return it as it is then."""
    await platform.run_due_requests()
    stored = await platform.internals.requests.store.find(request.id)
    assert stored is not None
    return stored


async def test_a_request_of_which_nothing_is_done_follows_its_login(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", build_account("w-ann"), build_account("w-ben"))
    ann, ben = [await find_customer(platform, account) for account in ("w-ann", "w-ben")]
    ended = await run_to_its_end(platform, await file_request(platform, ann, "w-ben"))
    assert (ended.state, ended.customer) == (RequestState.FULFILLED, ben)
    assert ended.package is not None
    assert ended.package.customer == ben


@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE])
async def test_a_request_whose_login_reaches_nobody_ends_without_effect(
    platform: PlatformUnderTest, right: Right
) -> None:
    """Neither a package nor an erasure is made for whoever cannot reach the records any more."""
    await platform.send_messages("web-shop", build_account("w-ann"))
    ann = await find_customer(platform, "w-ann")
    ended = await run_to_its_end(platform, await file_request(platform, ann, "w-gone", right))
    assert (ended.state, ended.reason) == (RequestState.UNFULFILLED, RequestReason.REACH_ENDED)
    assert (ended.login, ended.package, ended.snapshot) == (None, None, None)
    assert await platform.internals.database.count("packages", {}) == 0
    assert await find_customer(platform, "w-ann") == ann


async def test_a_request_under_way_ends_and_its_package_is_destroyed(platform: PlatformUnderTest) -> None:
    """Its first step was done for somebody whom the login does not reach."""
    await platform.send_messages("web-shop", build_account("w-ann"), build_account("w-ben"))
    request = await file_request(platform, await find_customer(platform, "w-ann"), "w-ben")
    database = platform.internals.database
    page = {"_id": request.id + bytes(12), "request": request.id, "customer": request.customer}
    expires = platform.internals.discloser.now_ms() + 3_600_000
    await database.insert_many("packages", [{**page, "sealed": b"s", "expires": build_date(expires)}])
    first_step, *later_steps = request.steps
    begun = replace(request, steps=(replace(first_step, is_done=True, at=1), *later_steps))
    await platform.internals.requests.store.change(request, begun)
    ended = await run_to_its_end(platform, request)
    assert (ended.state, ended.reason) == (RequestState.UNFULFILLED, RequestReason.REACH_ENDED)
    assert await database.count("packages", {}) == 0


@pytest.mark.parametrize("right", [Right.ACCESS, Right.ERASURE, Right.RESTRICTION])
async def test_a_join_between_the_check_and_the_first_write_ends_the_request(
    platform: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch, right: Right
) -> None:
    """Nothing is done for the login that was joined: the first write checks it again."""
    await platform.send_messages("web-shop", build_account("w-ann"), build_account("w-ben"))
    ann, ben = [await find_customer(platform, account) for account in ("w-ann", "w-ben")]
    request = await file_request(platform, ann, "w-ann", right, reached=ann)
    runner = platform.internals.requests.workflow_runner
    checks: list[SubjectRequest | None] = []
    check_request, sweep = runner._check_request, platform.internals.retention_sweep

    async def check_then_join(checked: SubjectRequest) -> SubjectRequest | None:
        admitted = await check_request(checked)
        if not checks:
            await Stewardship(sweep.rewriter).merge([ann, ben], "steward:office", "D-1")
        checks.append(admitted)
        return admitted

    monkeypatch.setattr(runner, "_check_request", check_then_join)
    interrupted = await run_to_its_end(platform, request)
    assert interrupted.is_open
    assert interrupted.steps[0].why == "REACH_CHANGED"
    assert not interrupted.is_under_way
    await platform.internals.requests.store.change(interrupted, replace(interrupted, next_run=0))
    ended = await run_to_its_end(platform, request)
    assert (ended.state, ended.reason) == (RequestState.UNFULFILLED, RequestReason.REACH_WIDENED)
    assert await find_customer(platform, "w-ben") == await find_customer(platform, "w-ann")
    assert await platform.internals.database.count("packages", {}) == 0
    assert await platform.internals.database.count("customers", {"restricted": True}) == 0


async def test_a_separation_ends_a_request_by_an_address_only_before_anything_was_done(
    platform: PlatformUnderTest,
) -> None:
    """Later its recipients are still to be notified; it belongs to the id that stays with the address."""
    await platform.send_messages("web-shop", build_account("w-ann"), build_account("w-ben"))
    ids = [await find_customer(platform, account) for account in ("w-ann", "w-ben")]
    rights, rewriter = platform.internals.requests, platform.internals.retention_sweep.rewriter
    merged = await Stewardship(rewriter).merge(ids, "steward:office", "D-1")
    requester = Requester(
        RequesterRole.PERSON,
        "contact:page",
        "page",
        "page",
        RequesterAssurance.CODE,
        contact=b"c",
        reached=merged,
    )
    request = await rights.submission.submit(merged, RequestDetails(Right.RESTRICTION), requester)
    (merge,) = await rewriter.stores.identity_events.of([merged], None, 1)
    await Stewardship(rewriter).unmerge(merge.id, "steward:office")
    first_step, *later_steps = request.steps
    begun = replace(request, steps=(replace(first_step, is_done=True, at=1), *later_steps))
    assert await rights.reach_check.check(begun) == begun
    assert await rights.reach_check.check(request) is None
