"""A code goes only to an address that the customer has proven: write keys of web pages are public.

The attacker has a stolen session or none, knows an identifier of the victim in the shop, and sends
messages with the web page's write key and any timestamps.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.code_addresses import MERGE_MIN_AGE_MS
from discretion.domain.requests.one_time_codes import mask_address
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.waiting import WAIT_S
from tests.journeys.rights import (
    ACCESS,
    CORRECTION,
    OPT_OUT,
    READ_REQUEST,
    WITHDRAW,
    create_customer,
    find_customer_id,
    list_requests,
    run_operation,
    run_refused_operation,
)
from tests.journeys.test_identity_proofing import (
    PROVE,
    SEND,
    build_contact,
    file_by_contact,
    issue_page_token,
)
from tests.journeys.test_new_addresses import SEND_CODE, confirm

MERGE = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17") { id } }'
ANN, NEW, ATTACKER = "ann@shop.example", "ann@new.example", "mallory@evil.example"
WEB_USER, ATTACKER_DEVICE = {"userId": "w-ann"}, {"anonymousId": "device-evil"}
SHARED_BROWSER = {"anonymousId": "shared-browser"}
OWN_REQUESTS = "{ me { rightsRequests(first: 5) { nodes { id } } } }"
WEEK_MS = 7 * 86_400_000


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-02T10:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform with a mail server, in which Ann has been a customer for a week."""
    test_platform = await build_test_platform(
        database, tmp_path, commands, clock=clock, mail_url=mail_server.url
    )
    async with test_platform.http:
        await create_customer(test_platform)
        clock.advance(WEEK_MS)
        yield test_platform


async def send_address(
    platform: PlatformUnderTest, message_id: str, user: dict[str, str], email: str, **members: Any
) -> None:
    """Send an address for a user with the public write key of the web page; it is a claim."""
    traits = {"email": email, **members.pop("traits", {})}
    message: dict[str, Any] = {"type": "identify", "messageId": message_id, "traits": traits, **members}
    answer = await platform.send_messages("web-shop", {**message, **user})
    assert answer["results"][0]["status"] == "accepted"


async def request_by_session(platform: PlatformUnderTest, email: str | None = None) -> str | None:
    """Request a code with the session of Ann's account; return the error code."""
    token = platform.issue_token("customer", subject="w-ann", authenticated=0)
    request = await run_operation(platform, token, ACCESS)
    contact = None if email is None else build_contact(email)
    answer = await platform.query(SEND, token, {"id": request["id"], "c": contact})
    return answer["errors"][0]["extensions"]["code"] if "errors" in answer else None


async def request_by_page(platform: PlatformUnderTest, email: str) -> None:
    """Request a code on the public page, which always answers alike."""
    page_token = issue_page_token(platform)
    filed = await file_by_contact(platform, page_token, email)
    sent = await run_operation(platform, page_token, SEND, id=filed["id"], c=build_contact(email))
    assert sent["sentTo"] == mask_address(email)


async def list_recipients(platform: PlatformUnderTest, mail_server: MailServer) -> list[str]:
    """Return who got a code by the public page, after a mail that certainly leaves as the last one."""
    await create_customer(platform, "last")
    await request_by_page(platform, "last@shop.example")
    async with asyncio.timeout(WAIT_S):
        while ["last@shop.example"] not in [recipients for recipients, _ in mail_server.mails]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return [recipient for (recipient,), _ in mail_server.mails if recipient != "last@shop.example"]


@pytest.mark.parametrize(
    "claim",
    [
        {},
        {"timestamp": "2026-01-01T00:00:00Z"},
        {"traits": {"emailVerified": False}},
        {"traits": {"emailVerified": "true"}},
    ],
)
async def test_a_claimed_address_gets_no_code(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock, claim: dict[str, Any]
) -> None:
    """Neither by the session of the account nor by the public page, however old the claim is."""
    await send_address(platform, "evil-1", WEB_USER, ATTACKER, **claim)
    clock.advance(MERGE_MIN_AGE_MS)
    assert await request_by_session(platform, ATTACKER) == "CONTACT_UNKNOWN"
    await request_by_page(platform, ATTACKER)
    assert await list_recipients(platform, mail_server) == []


async def test_many_claims_take_no_code_from_the_owner(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    for number in range(25):
        await send_address(platform, f"claim-{number}", {"anonymousId": f"shr-{number}"}, ANN)
    for number in range(3):
        await send_address(platform, f"login-{number}", {"userId": f"w-evil-{number}"}, ANN)
    assert await request_by_session(platform) is None
    await request_by_page(platform, ANN)
    assert await list_recipients(platform, mail_server) == [ANN, ANN]


async def test_an_older_profile_that_claims_her_address_gets_no_code(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer, clock: Clock
) -> None:
    """It stays another customer, and Ann's address leads to Ann, who has proven it."""
    test_platform = await build_test_platform(
        database, tmp_path, commands, clock=clock, mail_url=mail_server.url
    )
    async with test_platform.http:
        await send_address(test_platform, "evil-1", ATTACKER_DEVICE, ATTACKER)
        clock.advance(WEEK_MS)
        await create_customer(test_platform)
        clock.advance(WEEK_MS)
        await send_address(test_platform, "evil-2", ATTACKER_DEVICE, ANN)
        await request_by_page(test_platform, ATTACKER)
        await request_by_page(test_platform, ANN)
        assert await list_recipients(test_platform, mail_server) == [ANN]


async def test_an_address_proven_after_the_request_never_gets_its_code(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    token = platform.issue_token("customer", subject="w-ann", authenticated=0)
    request = await run_operation(platform, token, ACCESS)
    clock.advance(1)
    await send_address(platform, "new-1", WEB_USER, ATTACKER, traits={"emailVerified": True})
    clock.advance(MERGE_MIN_AGE_MS)
    token = platform.issue_token("customer", subject="w-ann", authenticated=0)
    refused = await run_refused_operation(platform, token, SEND, id=request["id"], c=build_contact(ATTACKER))
    assert refused == "CONTACT_UNKNOWN"


async def test_a_replaced_address_gets_no_code_and_the_new_one_does_at_once(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    """Whoever has the old mailbox now reaches nothing, not even if a source repeats the old address."""
    clock.advance(1)
    await send_address(platform, "new-1", WEB_USER, NEW, traits={"emailVerified": True})
    assert await request_by_session(platform, ANN) == "CONTACT_UNKNOWN"
    assert await request_by_session(platform, NEW) is None
    await request_by_page(platform, ANN)
    await request_by_page(platform, NEW)
    assert await list_recipients(platform, mail_server) == [NEW, NEW]


@pytest.mark.parametrize("repeated_by", ["web-shop", "ios-app"])
async def test_an_address_that_the_person_corrected_gets_no_code_if_a_source_repeats_it(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock, repeated_by: str
) -> None:
    token = platform.issue_token("customer", subject="w-ann", authenticated=clock() // 1000)
    changes = [{"attribute": "contact.email", "value": NEW}]
    request = await run_operation(platform, token, CORRECTION, changes=changes)
    await run_operation(platform, token, SEND_CODE, id=request["id"], a=NEW)
    await confirm(platform, token, request["id"], mail_server.read_code())
    clock.advance(60_000)
    message = {"type": "identify", "messageId": "again-1", "userId": "w-ann", "traits": {"email": ANN}}
    await platform.send_messages(repeated_by, message)
    assert await request_by_session(platform, ANN) == "CONTACT_UNKNOWN"
    assert await request_by_session(platform) is None
    assert [recipients for recipients, _ in mail_server.mails] == [[NEW], [NEW]]


@pytest.mark.parametrize("repetition", [{}, {"emailVerified": True}, {"emailVerified": False}])
async def test_an_old_proof_opens_nothing_by_the_address_alone(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock, repetition: dict[str, Any]
) -> None:
    """A mailbox may have a new owner. A login vouches for the customer, a repetition does not."""
    clock.advance(90 * 86_400_000 - WEEK_MS)
    await request_by_page(platform, ANN)
    clock.advance(1)
    await send_address(platform, "again-1", WEB_USER, ANN, traits=repetition)
    clock.advance(3_600_000)
    await withdraw_all(platform)
    await request_by_page(platform, ANN)
    assert await request_by_session(platform) is None
    assert await list_recipients(platform, mail_server) == [ANN, ANN]


async def withdraw_all(platform: PlatformUnderTest) -> None:
    """Withdraw the open requests, which a new one would repeat."""
    steward = platform.issue_token("steward")
    for request in await list_requests(platform, steward, states=["ACTION_REQUIRED"]):
        await run_operation(platform, steward, WITHDRAW, id=request["id"])


async def test_a_merge_shortly_before_the_request_adds_no_address(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    """An account that has proven an address of its own is merged with Ann: neither address gets a code."""
    await send_address(platform, "evil-1", {"userId": "w-evil"}, ATTACKER, traits={"emailVerified": True})
    steward = platform.issue_token("steward", purposes=["essential"])
    ids = [await find_customer_id(platform, email) for email in (ANN, ATTACKER)]
    answer = await platform.query(MERGE, steward, {"ids": ids})
    assert "errors" not in answer, answer
    assert await request_by_session(platform, ATTACKER) == "CONTACT_UNKNOWN"
    assert await request_by_session(platform, ANN) == "CONTACT_UNKNOWN"
    await withdraw_all(platform)
    clock.advance(MERGE_MIN_AGE_MS)
    assert await request_by_session(platform, ANN) is None
    assert [recipients for recipients, _ in mail_server.mails] == [[ANN]]


async def share_browser(platform: PlatformUnderTest, clock: Clock) -> None:
    """Ann has logged in once at a browser; Mallory confirms her own mailbox there, logged out."""
    await send_address(
        platform, "login-1", {**WEB_USER, **SHARED_BROWSER}, ANN, traits={"emailVerified": True}
    )
    clock.advance(2 * MERGE_MIN_AGE_MS)
    await send_address(platform, "evil-1", SHARED_BROWSER, ATTACKER, traits={"emailVerified": True})
    clock.advance(2 * MERGE_MIN_AGE_MS)


async def test_an_address_that_a_shared_browser_confirmed_gets_no_code(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    """The browser's record is attached to Ann, who has an account. Her own address gets the code."""
    await share_browser(platform, clock)
    assert await request_by_session(platform, ATTACKER) == "CONTACT_UNKNOWN"
    assert await request_by_session(platform) is None
    await request_by_page(platform, ATTACKER)
    assert await list_recipients(platform, mail_server) == [ANN]


async def test_a_request_by_the_address_of_a_shared_browser_is_about_nobody(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """So Ann does not find it among hers."""
    await share_browser(platform, clock)
    await file_by_contact(platform, issue_page_token(platform), ATTACKER)
    own_token = platform.issue_token("customer", subject="w-ann")
    answer = await platform.query(OWN_REQUESTS, own_token)
    assert answer["data"]["me"]["rightsRequests"]["nodes"] == []


async def test_an_agent_does_not_opt_out_for_a_customer_by_the_address_of_a_shared_browser(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    await share_browser(platform, clock)
    agent = platform.issue_token(client="agent", scopes=["agent"], subject="agent")
    behalf = {"contact": build_contact(ATTACKER), "requester": {"reference": "file-1"}}
    await run_operation(platform, agent, OPT_OUT, **{"for": behalf})
    own_token = platform.issue_token("customer", subject="w-ann")
    answer = await platform.query(OWN_REQUESTS, own_token)
    assert answer["data"]["me"]["rightsRequests"]["nodes"] == []


async def test_an_address_of_a_browser_without_a_login_gets_the_code(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    """Nobody with an account is attached to it, so it speaks for itself."""
    await send_address(platform, "alone-1", {"anonymousId": "alone"}, NEW, traits={"emailVerified": True})
    clock.advance(MERGE_MIN_AGE_MS)
    await request_by_page(platform, NEW)
    assert await list_recipients(platform, mail_server) == [NEW]


@pytest.mark.parametrize("is_proven_first", [False, True])
async def test_a_request_by_the_address_of_a_browser_ends_if_its_owner_logs_in(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock, *, is_proven_first: bool
) -> None:
    """Ann logs in at the browser after Mallory's code was sent, before or after it is entered."""
    await send_address(platform, "evil-1", SHARED_BROWSER, ATTACKER, traits={"emailVerified": True})
    clock.advance(MERGE_MIN_AGE_MS + 1)
    token = issue_page_token(platform)
    filed = await file_by_contact(platform, token, ATTACKER)
    await run_operation(platform, token, SEND, id=filed["id"], c=build_contact(ATTACKER))
    await mail_server.wait_for_mails(1)
    login = {"type": "identify", "messageId": "login", "traits": {}, **WEB_USER, **SHARED_BROWSER}
    prove = {"id": filed["id"], "code": mail_server.read_code()}
    if is_proven_first:
        assert (await run_operation(platform, token, PROVE, **prove))["state"] == "ACCEPTED"
        await platform.send_messages("web-shop", login)
    else:
        await platform.send_messages("web-shop", login)
        wrong = await platform.query(PROVE, token, {**prove, "code": "00000000"})
        assert wrong["errors"][0]["extensions"]["code"] == "CODE_WRONG", "only who proves it learns that"
        await run_operation(platform, token, PROVE, **prove)
    await platform.run_due_requests()
    ended = await run_operation(platform, token, READ_REQUEST, id=filed["id"])
    assert (ended["state"], ended["reason"]) == ("UNFULFILLED", "REACH_WIDENED")
