"""An address that an attacker adds to a profile receives no code: write keys of web pages are public.

The attacker has a stolen session or none, knows an identifier of the victim in the shop, and sends
messages with the web page's write key and any timestamps.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.code_addresses import ADDRESS_MIN_AGE_MS
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    ACCESS,
    create_customer,
    issue_own_token,
    run_operation,
    run_refused_operation,
)
from tests.journeys.test_identity_proofing import (
    SEND,
    build_contact,
    file_by_contact,
    issue_page_token,
    wait_for_mails,
)

ANN, ATTACKER = "ann@shop.example", "mallory@evil.example"
WEB_USER, ATTACKER_DEVICE = {"userId": "w-ann"}, {"anonymousId": "device-evil"}
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
    platform: PlatformUnderTest, message_id: str, user: dict[str, str], email: str, timestamp: str
) -> None:
    """Send an address for a user with the public write key of the web page."""
    message: dict[str, Any] = {"type": "identify", "messageId": message_id, "timestamp": timestamp}
    answer = await platform.send_messages("web-shop", {**message, **user, "traits": {"email": email}})
    assert answer["results"][0]["status"] == "accepted"


async def request_codes(
    platform: PlatformUnderTest, mail_server: MailServer, expected_mails: int = 2
) -> tuple[str, list[str]]:
    """Request codes by session and by public page; return the session's error code and all recipients."""
    token = await issue_own_token(platform, ANN, just_authenticated=False)
    request = await run_operation(platform, token, ACCESS)
    code = await run_refused_operation(platform, token, SEND, id=request["id"], c=build_contact(ATTACKER))
    await run_operation(platform, token, SEND, id=request["id"])
    page_token = issue_page_token(platform)
    filed = await file_by_contact(platform, page_token, ATTACKER)
    await run_operation(platform, page_token, SEND, id=filed["id"], c=build_contact(ATTACKER))
    filed = await file_by_contact(platform, page_token, ANN)
    await run_operation(platform, page_token, SEND, id=filed["id"], c=build_contact(ANN))
    await wait_for_mails(mail_server, expected_mails)
    return code, [recipient for (recipient,), _ in mail_server.mails]


@pytest.mark.parametrize(
    ("timestamp", "recipients"),
    [("2001-01-01T00:00:00Z", [ANN, ANN]), ("2026-11-09T10:00:00Z", [ANN])],
)
async def test_a_newly_added_address_gets_no_code(
    platform: PlatformUnderTest, mail_server: MailServer, timestamp: str, recipients: list[str]
) -> None:
    """A session and the public page both refuse it, whatever time the sender claims.

    An account that states another address later has replaced the first: the public page knows neither then.
    """
    await send_address(platform, "evil-1", WEB_USER, ATTACKER, timestamp)
    codes = await request_codes(platform, mail_server, len(recipients))
    assert codes == ("CONTACT_UNKNOWN", recipients)


async def test_an_older_profile_that_claims_her_address_gets_no_code(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer, clock: Clock
) -> None:
    """It stays another customer, and Ann's address leads to Ann, who typed it under a login."""
    test_platform = await build_test_platform(
        database, tmp_path, commands, clock=clock, mail_url=mail_server.url
    )
    async with test_platform.http:
        await send_address(test_platform, "evil-1", ATTACKER_DEVICE, ATTACKER, "2026-11-01T10:00:00Z")
        clock.advance(WEEK_MS)
        await create_customer(test_platform)
        clock.advance(WEEK_MS)
        await send_address(test_platform, "evil-2", ATTACKER_DEVICE, ANN, "2026-11-16T10:00:00Z")
        answer = await test_platform.query(
            "{ customers { nodes { id } } }", test_platform.issue_token("steward")
        )
        assert len(answer["data"]["customers"]["nodes"]) == 2
        assert await request_codes(test_platform, mail_server) == ("CONTACT_UNKNOWN", [ANN, ANN])


async def test_an_address_added_after_the_request_never_gets_its_code(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    request = await run_operation(
        platform, await issue_own_token(platform, ANN, just_authenticated=False), ACCESS
    )
    await send_address(platform, "evil-1", WEB_USER, ATTACKER, "2001-01-01T00:00:00Z")
    clock.advance(ADDRESS_MIN_AGE_MS + 1)
    token = await issue_own_token(platform, ANN, just_authenticated=False)
    assert (
        await run_refused_operation(platform, token, SEND, id=request["id"], c=build_contact(ATTACKER))
        == "CONTACT_UNKNOWN"
    )


async def test_a_day_old_address_gets_codes_and_the_oldest_is_the_default(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    """Age counts by the server's clock: an earlier time claimed by a sender makes no address older."""
    await send_address(platform, "new-1", WEB_USER, "ann@new.example", "2001-01-01T00:00:00Z")
    clock.advance(ADDRESS_MIN_AGE_MS)
    token = await issue_own_token(platform, ANN, just_authenticated=False)
    request = await run_operation(platform, token, ACCESS)
    await run_operation(platform, token, SEND, id=request["id"])
    await run_operation(platform, token, SEND, id=request["id"], c=build_contact("ann@new.example"))
    assert [recipient for (recipient,), _ in mail_server.mails] == [ANN, "ann@new.example"]
