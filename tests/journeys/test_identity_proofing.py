"""Identity proofing: by a recent login or by a code sent to a stored address."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.one_time_codes import CODE_LIFE_MS, MAX_CODES, MAX_TRIES
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    ACCESS,
    FIELDS,
    OPT_OUT,
    PORTABILITY,
    READ_REQUEST,
    RESTRICTION,
    create_customer,
    issue_own_token,
    run_operation,
    run_refused_operation,
)

SEND = "mutation($id: ID!, $c: IdentifierInput) { sendCode(request: $id, contact: $c) { sentTo until } }"
PROVE = f"mutation($id: ID!, $code: String) {{ proveIdentity(request: $id, code: $code) {{ {FIELDS} }} }}"


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-02T10:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """Yield a platform with a test clock and a mail server."""
    test_platform = await build_test_platform(
        database, tmp_path, commands, clock=clock, mail_url=mail_server.url
    )
    async with test_platform.http:
        yield test_platform


def build_contact(email: str) -> dict[str, Any]:
    return {"type": "email", "value": email}


def issue_page_token(platform: PlatformUnderTest) -> str:
    """Return the token of a public web form that files requests for visitors without a login."""
    return platform.issue_token(client="rights-page", subject="page", scopes=["rights"], purposes=[])


async def file_by_contact(
    platform: PlatformUnderTest, token: str, email: str, query: str = ACCESS
) -> dict[str, Any]:
    return await run_operation(platform, token, query, **{"for": {"contact": build_contact(email)}})


async def test_a_recent_login_proves_identity_and_an_old_login_does_not(platform: PlatformUnderTest) -> None:
    email = await create_customer(platform)
    stale_token = await issue_own_token(platform, email, just_authenticated=False)
    pending = await run_operation(platform, stale_token, ACCESS)
    assert (pending["state"], pending["reason"]) == ("ACTION_REQUIRED", "IDENTITY")
    assert "sendCode" in pending["nextStep"]
    assert await run_refused_operation(platform, stale_token, PROVE, id=pending["id"]) == "LOGIN_NOT_FRESH"
    assert (await run_operation(platform, stale_token, OPT_OUT))["state"] == "FULFILLED"
    fresh_token = await issue_own_token(platform, email)
    assert (await run_operation(platform, fresh_token, PROVE, id=pending["id"]))["identifiedAt"]


async def test_a_code_sent_to_a_stored_address_proves_the_requesters_identity(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    sent_code = await run_operation(platform, token, SEND, id=pending["id"])
    assert sent_code["sentTo"] == "a***@s***.example"
    assert mail_server.mails[0][0] == ["ann@shop.example"]
    assert await run_refused_operation(platform, token, PROVE, id=pending["id"], code="0") == "CODE_WRONG"
    proven = await run_operation(platform, token, PROVE, id=pending["id"], code=mail_server.read_code())
    assert proven["state"] in {"ACKNOWLEDGED", "ACCEPTED"}
    assert (
        await run_refused_operation(platform, token, PROVE, id=pending["id"], code=mail_server.read_code())
        == "REQUEST_STATE"
    )
    answer = await platform.query("{ me { disclosures(first: 50) { nodes { also } } } }", token)
    assert {"also": ["contact"]} in answer["data"]["me"]["disclosures"][
        "nodes"
    ]  # sending the code read the address


@pytest.mark.parametrize(
    ("spelling", "recipient"),
    [
        ("O.Meyer@Stra\u00dfe.example", "O.Meyer@xn--strae-oqa.example"),
        ("O.Meyer@Shop.Example", "O.Meyer@shop.example"),
        ("o.meyer@xn--bcher-kva.example", "o.meyer@xn--bcher-kva.example"),
    ],
)
async def test_a_code_goes_to_the_address_as_its_owner_spells_it(
    platform: PlatformUnderTest, mail_server: MailServer, spelling: str, recipient: str
) -> None:
    """Another host, or another case of the local part, may be another person's mailbox."""
    message = {
        "type": "identify",
        "userId": "w-1",
        "traits": {"email": spelling, "emailVerified": True, "address": {"country": "DE"}},
    }
    await platform.send_messages("web-shop", message)
    token = await issue_own_token(platform, spelling, just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    await run_operation(platform, token, SEND, id=pending["id"])
    assert mail_server.mails[0][0] == [recipient]
    assert str(mail_server.mails[0][1]["To"]) == recipient
    proven = await run_operation(platform, token, PROVE, id=pending["id"], code=mail_server.read_code())
    assert proven["state"] in {"ACKNOWLEDGED", "ACCEPTED"}


async def test_a_code_is_sent_only_to_an_address_of_the_customer(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    await create_customer(platform, "mallory")
    other_contact = build_contact("mallory@shop.example")
    assert (
        await run_refused_operation(platform, token, SEND, id=pending["id"], c=other_contact)
        == "CONTACT_UNKNOWN"
    )
    assert not mail_server.mails


async def test_after_five_wrong_codes_the_right_code_is_refused(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    await run_operation(platform, token, SEND, id=pending["id"])
    for _ in range(MAX_TRIES):
        assert (
            await run_refused_operation(platform, token, PROVE, id=pending["id"], code="00000000")
            == "CODE_WRONG"
        )
    assert (
        await run_refused_operation(platform, token, PROVE, id=pending["id"], code=mail_server.read_code())
        == "CODE_WRONG"
    )


async def test_a_code_expires_after_ten_minutes(
    platform: PlatformUnderTest, mail_server: MailServer, clock: Clock
) -> None:
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    await run_operation(platform, token, SEND, id=pending["id"])
    clock.advance(CODE_LIFE_MS)
    assert (
        await run_refused_operation(platform, token, PROVE, id=pending["id"], code=mail_server.read_code())
        == "CODE_WRONG"
    )


async def test_the_number_of_codes_for_a_request_is_limited(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    for _ in range(MAX_CODES):
        await run_operation(platform, token, SEND, id=pending["id"])
    assert await run_refused_operation(platform, token, SEND, id=pending["id"]) == "CODES_TOO_MANY"
    assert len(mail_server.mails) == MAX_CODES


async def test_a_refused_code_leaves_the_one_before_it_valid(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    """The other codes of the hour were for another request of the same person."""
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    first, second = [await run_operation(platform, token, query) for query in (ACCESS, PORTABILITY)]
    await run_operation(platform, token, SEND, id=first["id"])
    code = mail_server.read_code()
    for _ in range(MAX_CODES - 1):
        await run_operation(platform, token, SEND, id=second["id"])
    assert await run_refused_operation(platform, token, SEND, id=first["id"]) == "CODES_TOO_MANY"
    proven = await run_operation(platform, token, PROVE, id=first["id"], code=code)
    assert proven["state"] != "ACTION_REQUIRED"


async def test_a_mail_that_cannot_be_sent_is_reported(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token = await issue_own_token(platform, await create_customer(platform), just_authenticated=False)
    pending = await run_operation(platform, token, ACCESS)
    mail_server.is_refusing = True
    answer = await platform.query(SEND, token, {"id": pending["id"]})
    assert answer["errors"][0]["extensions"]["code"] == "MAIL_UNAVAILABLE"


async def test_the_answers_do_not_reveal_whether_an_address_is_known(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    """A request filed by address gets the same answers for a customer and for an unknown address."""
    token, customer_email = issue_page_token(platform), await create_customer(platform)
    outcomes = []
    for email in (customer_email, "axx@shop.example"):
        filed = await file_by_contact(platform, token, email)
        again = await file_by_contact(platform, token, email)
        assert again["id"] != filed["id"], "it may be another visitor who types the address"
        sent_code = await run_operation(platform, token, SEND, id=filed["id"], c=build_contact(email))
        wrong_code = await platform.query(PROVE, token, {"id": filed["id"], "code": "00000000"})
        withheld = await run_operation(platform, token, READ_REQUEST, id=filed["id"])
        restriction = await file_by_contact(platform, token, email, RESTRICTION)
        for request in (filed, withheld, restriction):
            del request["id"]
        outcomes.append(
            (filed, sent_code, wrong_code["errors"][0]["extensions"]["code"], withheld, restriction)
        )
    await mail_server.wait_for_mails(1)
    assert outcomes[0] == outcomes[1]
    assert [to for to, _ in mail_server.mails] == [[customer_email]]


async def test_a_customer_named_by_address_proves_their_identity_with_the_code(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    """The code goes to the address as it was proven, and not as it is typed."""
    token, proven_email = issue_page_token(platform), await create_customer(platform, "Ann")
    email = proven_email.lower()
    filed = await file_by_contact(platform, token, email)
    sent = await run_operation(platform, token, SEND, id=filed["id"], c=build_contact(email))
    assert sent["sentTo"] == "a***@s***.example"
    await mail_server.wait_for_mails(1)
    assert mail_server.mails[0][0] == [proven_email]
    proven = await run_operation(platform, token, PROVE, id=filed["id"], code=mail_server.read_code())
    assert [law["key"] for law in proven["laws"]] == ["eu"]
    assert proven["dueAt"] > filed["dueAt"]
    own_token = await issue_own_token(platform, email)
    answer = await platform.query("{ me { disclosures(first: 50) { nodes { client also } } } }", own_token)
    entry = {"client": "rights-page", "also": ["contact"]}
    assert entry in answer["data"]["me"]["disclosures"]["nodes"]


async def test_an_agents_opt_out_is_immediate_and_access_needs_the_customers_code(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    email = await create_customer(platform, jurisdiction="us-ca")
    agent = platform.issue_token(client="agent-co", subject="agent-co", scopes=["agent"], purposes=[])
    behalf = {"contact": build_contact(email)}
    assert await run_refused_operation(platform, agent, OPT_OUT, **{"for": behalf}) == "FOR_ARGUMENTS"
    behalf["requester"] = {"reference": "A-1"}
    opt_out = await run_operation(platform, agent, OPT_OUT, **{"for": behalf})
    assert (opt_out["state"], opt_out["requester"], opt_out["reference"]) == ("FULFILLED", "AGENT", "A-1")
    answer = await platform.query("{ me { permissions { why } } }", await issue_own_token(platform, email))
    assert "refused" in {permission["why"] for permission in answer["data"]["me"]["permissions"]}
    pending = await run_operation(platform, agent, ACCESS, **{"for": behalf})
    assert pending["state"] == "ACTION_REQUIRED"
    await run_operation(platform, agent, SEND, id=pending["id"], c=build_contact(email))
    await mail_server.wait_for_mails(1)
    assert mail_server.mails[0][0] == [email]
    assert (await run_operation(platform, agent, PROVE, id=pending["id"], code=mail_server.read_code()))[
        "identifiedAt"
    ]


async def test_a_restriction_filed_by_address_takes_effect_once_identity_is_proven(
    platform: PlatformUnderTest, mail_server: MailServer
) -> None:
    token, email = issue_page_token(platform), await create_customer(platform)
    pending = await file_by_contact(platform, token, email, RESTRICTION)
    await run_operation(platform, token, SEND, id=pending["id"], c=build_contact(email))
    await mail_server.wait_for_mails(1)
    await run_operation(platform, token, PROVE, id=pending["id"], code=mail_server.read_code())
    await platform.run_due_requests()
    assert (await run_operation(platform, token, READ_REQUEST, id=pending["id"]))["state"] == "FULFILLED"
    answer = await platform.query("{ me { permissions { why } } }", await issue_own_token(platform, email))
    assert "restricted" in {permission["why"] for permission in answer["data"]["me"]["permissions"]}
