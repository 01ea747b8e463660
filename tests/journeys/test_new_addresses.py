"""A new e-mail address or phone number takes effect only after a code that was sent to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.one_time_codes import CODE_LIFE_MS, MAX_CODES, MAX_TRIES
from discretion.domain.requests.submission import ADDRESS_EXPIRY_MS
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.fixtures.text_gateway import TextGateway
from tests.journeys.rights import (
    CORRECTION,
    DECIDE,
    FIELDS,
    READ_REQUEST,
    RESUME,
    WITHDRAW,
    list_requests,
    run_operation,
    run_refused_operation,
)
from tests.journeys.test_identity_proofing import PROVE, SEND

SEND_CODE = "mutation($id: ID!, $a: String!) { sendAddressCode(request: $id, address: $a) { sentTo until } }"
CONFIRM = f"mutation($id: ID!, $code: String!) {{ confirmAddress(request: $id, code: $code) {{ {FIELDS} }} }}"
OWN_CONTACT = "{ me { contact { email emailVerified phone phoneVerified } identity { givenName } } }"
ALL_CONTACTS = "{ customers(first: 9) { nodes { contact { email emailVerified } } } }"
OLD, NEW, VICTIM = "ann@shop.example", "ann@new.example", "victim@shop.example"
OLD_PHONE, NEW_PHONE = "+442079460123", "+33199009901"
SUPPORT = "essential.service.operations.support"


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-02T10:00")


@pytest_asyncio.fixture
async def platform(
    database: Database,
    tmp_path: Path,
    commands: CommandRecorder,
    mail_server: MailServer,
    text_gateway: TextGateway,
    clock: Clock,
) -> AsyncIterator[PlatformUnderTest]:
    """A platform with mail and text messages, whose customer Ann has proven her addresses."""
    test_platform = await build_test_platform(
        database,
        tmp_path,
        commands,
        clock=clock,
        mail_url=mail_server.url,
        text_message_url=text_gateway.url,
    )
    async with test_platform.http:
        await send_traits(
            test_platform,
            "ann",
            firstName="Ann",
            email=OLD,
            emailVerified=True,
            phone=OLD_PHONE,
            phoneVerified=True,
        )
        clock.advance(60_000)
        yield test_platform


async def send_traits(platform: PlatformUnderTest, user: str, number: int = 1, **traits: Any) -> None:
    """Send traits of an account in the web shop."""
    message = {
        "type": "identify",
        "messageId": f"{user}-{number}",
        "userId": f"w-{user}",
        "traits": {"address": {"country": "DE"}, **traits},
    }
    answer = await platform.send_messages("web-shop", message)
    assert answer["results"][0]["status"] == "accepted", answer


def issue_token(platform: PlatformUnderTest, user: str = "ann", *, age_s: int = 0) -> str:
    """Return the token of an account, from a login of so many seconds ago."""
    now_s = platform.internals.discloser.now_ms() // 1000
    return platform.issue_token("customer", subject=f"w-{user}", authenticated=now_s - age_s)


async def read_own(platform: PlatformUnderTest, user: str = "ann") -> dict[str, Any]:
    """Return the contact of an account as its owner reads it, with the given name."""
    answer = await platform.query(OWN_CONTACT, issue_token(platform, user))
    assert "errors" not in answer, answer
    own: dict[str, Any] = {**answer["data"]["me"]["contact"], **answer["data"]["me"]["identity"]}
    return own


async def read_shown(platform: PlatformUnderTest) -> set[tuple[str | None, bool | None]]:
    """Return each e-mail address that support is shown, and whether as verified."""
    token = platform.issue_token(client="desk", subject="desk", purposes=[SUPPORT])
    answer = await platform.query(ALL_CONTACTS, token)
    assert "errors" not in answer, answer
    return {
        (node["contact"]["email"], node["contact"]["emailVerified"])
        for node in answer["data"]["customers"]["nodes"]
    }


async def find_by_email(platform: PlatformUnderTest, email: str) -> str | None:
    """Return the e-mail address of the customer whom support finds by an e-mail address."""
    token = platform.issue_token(client="desk", subject="desk", purposes=[SUPPORT])
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { contact { email } } }'
    answer = await platform.query(query, token, {"v": email})
    assert "errors" not in answer, answer
    customer = answer["data"]["customer"]
    address: str | None = None if customer is None else customer["contact"]["email"]
    return address


async def file_changes(platform: PlatformUnderTest, token: str, **changes: Any) -> dict[str, Any]:
    """File a correction of attributes, named with two underscores for a dot, and run what is due."""
    listed = [{"attribute": path.replace("__", "."), "value": value} for path, value in changes.items()]
    request = await run_operation(platform, token, CORRECTION, changes=listed)
    await platform.internals.requests.workflow_runner.run_due()
    return request


async def confirm(platform: PlatformUnderTest, token: str, request: str, code: str) -> dict[str, Any]:
    """Confirm a new address and run what is due; return the request as it is then."""
    await run_operation(platform, token, CONFIRM, id=request, code=code)
    await platform.internals.requests.workflow_runner.run_due()
    return await run_operation(platform, token, READ_REQUEST, id=request)


async def test_a_new_address_waits_and_the_old_one_stays_until_the_code(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = issue_token(platform)
    request = await file_changes(platform, token, contact__email=NEW)
    assert (request["state"], request["reason"]) == ("ACTION_REQUIRED", "ADDRESS")
    assert "sendAddressCode(request:, address:)" in request["nextStep"]
    assert "confirmAddress(request:, code:)" in request["nextStep"]
    assert (await read_own(platform))["email"] == OLD
    assert await read_shown(platform) == {(OLD, True)}
    sent = await run_operation(platform, token, SEND_CODE, id=request["id"], a=NEW)
    assert sent["sentTo"] == "a***@n***.example"
    assert [recipients for recipients, _ in mail_server.mails] == [[NEW]]
    assert await read_shown(platform) == {(OLD, True)}
    assert await find_by_email(platform, NEW) is None
    confirmed = await confirm(platform, token, request["id"], mail_server.read_code())
    assert (confirmed["state"], confirmed["steps"][0]["name"]) == ("FULFILLED", "correct")
    assert await read_shown(platform) == {(NEW, True)}
    own = await read_own(platform)
    assert (own["email"], own["emailVerified"]) == (NEW, True)
    assert await find_by_email(platform, NEW) == NEW


async def test_other_changes_of_the_same_call_do_not_wait_for_the_code(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = issue_token(platform)
    request = await file_changes(
        platform, token, contact__email=NEW, contact__phone=NEW_PHONE, identity__givenName="Anne"
    )
    assert request["scope"] == {"attributes": ["contact.email"], "remove": []}
    own = await read_own(platform)
    assert (own["givenName"], own["email"], own["phone"]) == ("Anne", OLD, OLD_PHONE)
    steward = platform.issue_token("steward")
    listed = await list_requests(platform, steward)
    assert {(tuple(each["scope"]["attributes"]), each["state"]) for each in listed} == {
        (("contact.email",), "ACTION_REQUIRED"),
        (("contact.phone",), "ACTION_REQUIRED"),
        (("identity.givenName",), "FULFILLED"),
    }
    await run_operation(platform, token, SEND_CODE, id=request["id"], a=NEW)
    await confirm(platform, token, request["id"], mail_server.read_code())
    own = await read_own(platform)
    assert (own["email"], own["phone"]) == (NEW, OLD_PHONE)


async def test_a_phone_number_is_confirmed_by_a_text_message(
    platform: PlatformUnderTest, text_gateway: TextGateway
) -> None:
    token = issue_token(platform)
    request = await file_changes(platform, token, contact__phone=NEW_PHONE)
    text_gateway.is_refusing = True
    refused = await run_refused_operation(platform, token, SEND_CODE, id=request["id"], a=NEW_PHONE)
    assert refused == "TEXT_MESSAGES_UNAVAILABLE"
    text_gateway.is_refusing = False
    sent = await run_operation(platform, token, SEND_CODE, id=request["id"], a="+33 1 99 00 99 01")
    assert sent["sentTo"] == "+33***01"
    assert [message["to"] for message in text_gateway.messages] == [NEW_PHONE]
    assert text_gateway.authorizations == ["Basic c2hvcDpzZWNyZXQ="]
    await confirm(platform, token, request["id"], text_gateway.read_code())
    own = await read_own(platform)
    assert (own["phone"], own["phoneVerified"]) == (NEW_PHONE, True)


async def test_without_a_gateway_a_steward_decides_on_a_phone_number(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    clock = Clock("2026-11-02T10:00")
    platform = await build_test_platform(database, tmp_path, commands, clock=clock)
    async with platform.http:
        await send_traits(platform, "ann", firstName="Ann", email=OLD)
        clock.advance(60_000)
        token, steward = issue_token(platform), platform.issue_token("steward")
        request = await file_changes(platform, token, contact__phone=NEW_PHONE)
        refused = await run_refused_operation(platform, token, SEND_CODE, id=request["id"], a=NEW_PHONE)
        assert refused == "TEXT_MESSAGES_MISSING"
        assert (await read_own(platform))["phone"] is None
        (listed,) = await list_requests(platform, steward)
        assert (
            await run_refused_operation(platform, steward, SEND_CODE, id=listed["id"], a=NEW_PHONE)
            == "CODE_NOT_YOURS"
        )
        await run_operation(platform, steward, RESUME, id=listed["id"])
        await run_operation(platform, steward, DECIDE, id=listed["id"], accept=True)
        await platform.internals.requests.workflow_runner.run_due()
        own = await read_own(platform)
        assert (own["phone"], own["phoneVerified"]) == (NEW_PHONE, True)


@pytest.mark.parametrize("address", [VICTIM, "Victim@Shop.example", "victim@SHOP.example"])
async def test_somebody_elses_address_is_never_shown_as_ones_own(
    platform: PlatformUnderTest, mail_server: MailServer, address: str
) -> None:
    """The code goes to the victim, and no guess of it changes anything."""
    await send_traits(platform, "victim", email=VICTIM, emailVerified=True)
    token = issue_token(platform)
    request = await file_changes(platform, token, contact__email=address)
    await run_operation(platform, token, SEND_CODE, id=request["id"], a=address)
    assert [recipient.casefold() for recipient in mail_server.mails[-1][0]] == [VICTIM]
    right_code = mail_server.read_code()
    for guess in ("00000000", "", "1" * 33, right_code[:-1], right_code + "0"):
        assert (
            await run_refused_operation(platform, token, CONFIRM, id=request["id"], code=guess)
            == "CODE_WRONG"
        )
    await platform.internals.requests.workflow_runner.run_due()
    assert await read_shown(platform) == {(OLD, True), (VICTIM, True)}
    assert (await read_own(platform))["email"] == OLD


@pytest.mark.parametrize("other", ["attacker@evil.example", VICTIM, NEW_PHONE])
async def test_a_code_goes_only_to_the_address_that_the_request_asks_for(
    platform: PlatformUnderTest, mail_server: MailServer, text_gateway: TextGateway, other: str
) -> None:
    """Whoever receives the code at their own address would confirm another one."""
    token = issue_token(platform)
    request = await file_changes(platform, token, contact__email=NEW)
    code = await run_refused_operation(platform, token, SEND_CODE, id=request["id"], a=other)
    assert code in {"ADDRESS_OTHER", "CONTACT_INVALID"}
    assert (mail_server.mails, text_gateway.messages) == ([], [])


async def test_a_code_of_one_request_does_not_confirm_another_one(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    """The attacker has a code to their own address, and an open request for the victim's."""
    token = issue_token(platform)
    mine = await file_changes(platform, token, contact__email=NEW)
    victims = await file_changes(platform, token, contact__email=VICTIM)
    await run_operation(platform, token, SEND_CODE, id=mine["id"], a=NEW)
    code = mail_server.read_code()
    for operation in (CONFIRM, PROVE):
        assert await run_refused_operation(platform, token, operation, id=victims["id"], code=code) in {
            "CODE_WRONG",
            "REQUEST_STATE",
        }
    assert await run_refused_operation(platform, token, SEND, id=victims["id"]) == "REQUEST_STATE"
    assert await read_shown(platform) == {(OLD, True)}


async def test_tries_and_codes_are_limited_and_codes_expire(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    token = issue_token(platform)
    request = await file_changes(platform, token, contact__email=NEW)
    await run_operation(platform, token, SEND_CODE, id=request["id"], a=NEW)
    for _ in range(MAX_TRIES):
        assert (
            await run_refused_operation(platform, token, CONFIRM, id=request["id"], code="0") == "CODE_WRONG"
        )
    used_up = mail_server.read_code()
    assert (
        await run_refused_operation(platform, token, CONFIRM, id=request["id"], code=used_up) == "CODE_WRONG"
    )
    await run_operation(platform, token, SEND_CODE, id=request["id"], a=NEW)
    clock.advance(CODE_LIFE_MS)
    late = mail_server.read_code()
    assert await run_refused_operation(platform, token, CONFIRM, id=request["id"], code=late) == "CODE_WRONG"
    for _ in range(MAX_CODES - 2):
        await run_operation(platform, token, SEND_CODE, id=request["id"], a=NEW)
    assert (
        await run_refused_operation(platform, token, SEND_CODE, id=request["id"], a=NEW) == "CODES_TOO_MANY"
    )
    assert await read_shown(platform) == {(OLD, True)}


async def test_many_accounts_together_send_no_more_codes_to_one_address(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    """Otherwise a stranger's mailbox could be filled with our codes."""
    codes = []
    for number in range(MAX_CODES + 1):
        await send_traits(platform, f"bot{number}", email=f"bot{number}@evil.example")
        token = issue_token(platform, f"bot{number}")
        request = await file_changes(platform, token, contact__email=VICTIM)
        answer = await platform.query(SEND_CODE, token, {"id": request["id"], "a": VICTIM})
        codes.append(answer["errors"][0]["extensions"]["code"] if "errors" in answer else None)
    assert codes == [None] * MAX_CODES + ["CODES_TOO_MANY"]
    assert len(mail_server.mails) == MAX_CODES


async def test_a_login_that_is_not_fresh_proves_itself_before_the_address(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    stale = issue_token(platform, age_s=3_600)
    request = await file_changes(platform, stale, contact__email=NEW)
    assert request["reason"] == "IDENTITY"
    assert await run_refused_operation(platform, stale, SEND_CODE, id=request["id"], a=NEW) == "REQUEST_STATE"
    identified = await run_operation(platform, issue_token(platform), PROVE, id=request["id"])
    assert (identified["state"], identified["reason"]) == ("ACTION_REQUIRED", "ADDRESS")
    await run_operation(platform, stale, SEND_CODE, id=request["id"], a=NEW)
    await confirm(platform, stale, request["id"], mail_server.read_code())
    assert await read_shown(platform) == {(NEW, True)}


async def test_a_request_without_confirmation_ends_and_changes_nothing(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    request = await file_changes(platform, issue_token(platform), contact__email=NEW)
    clock.advance(ADDRESS_EXPIRY_MS)
    await platform.internals.requests.deadline_monitor.run_once()
    token = issue_token(platform)
    ended = await run_operation(platform, token, READ_REQUEST, id=request["id"])
    assert (ended["state"], ended["reason"]) == ("UNFULFILLED", "EXPIRED")
    assert (
        await run_refused_operation(platform, token, CONFIRM, id=request["id"], code="0") == "REQUEST_STATE"
    )
    again = await file_changes(platform, token, contact__email=NEW)
    assert (await run_operation(platform, token, WITHDRAW, id=again["id"]))["state"] == "WITHDRAWN"
    assert await read_shown(platform) == {(OLD, True)}


@pytest.mark.parametrize(
    "traits",
    [
        {"email": NEW},
        {"email": NEW, "emailVerified": False},
        {"email": NEW, "emailVerified": "true"},
        {"emailVerified": False},
    ],
)
async def test_an_address_that_nobody_confirmed_is_never_shown_as_verified(
    platform: PlatformUnderTest, clock: Clock, traits: dict[str, Any]
) -> None:
    """A source that changes the address says nothing about the new one by what it said about the old one."""
    await send_traits(platform, "ann", 2, **traits)
    shown = {(NEW, None)} if "email" in traits else {(OLD, True)}
    assert await read_shown(platform) == shown
    clock.advance(60_000)
    await send_traits(platform, "ann", 3, email=OLD)
    assert await read_shown(platform) == {(OLD, True)}


async def test_removing_an_address_needs_no_code(platform: PlatformUnderTest) -> None:
    request = await file_changes(platform, issue_token(platform), contact__email=None)
    assert request["state"] == "ACCEPTED"
    assert await read_shown(platform) == {(None, None)}
