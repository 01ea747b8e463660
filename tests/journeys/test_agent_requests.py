"""Agents file requests by the Data Rights Protocol; customers prove their identity, and the agent sees it."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import pytest_asyncio

from discretion.domain.agents.agent import build_agent
from discretion.store.agents import AgentKind
from discretion.store.driver.database import Database
from tests.fixtures.agency import AgentClient, register_agent
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import MailServer
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import (
    DECIDE,
    REFUSAL,
    create_customer,
    issue_own_token,
    list_requests,
    run_operation,
)

PARTNERS = "marketing.advertising.third_party.targeted"
RETURN_URL = "https://agent.example/back?of=7&more=%3C"


@pytest.fixture
def clock() -> Clock:
    """A clock later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture
async def platform(
    database: Database, tmp_path: Path, commands: CommandRecorder, mail_server: MailServer, clock: Clock
) -> AsyncIterator[PlatformUnderTest]:
    """A platform with a mail server."""
    test_platform = await build_test_platform(
        database, tmp_path, commands, clock=clock, mail_url=mail_server.url
    )
    async with test_platform.http:
        yield test_platform


@pytest_asyncio.fixture
async def agency(platform: PlatformUnderTest) -> AgentClient:
    """A registered agent with a token."""
    return await register_agent(platform, "CR_AGENT_1", hosts=("agent.example",))


async def visit(platform: PlatformUnderTest, url: str, **form_fields: str) -> httpx.Response:
    """Open the verification page as the customer's browser does; with form fields, submit its form."""
    path = urlsplit(url).path
    if not form_fields:
        request_id = path.split("/")[-2]
        return await platform.http.get(path, params={"request_id": request_id, "redirect_to": RETURN_URL})
    return await platform.http.post(path, data={"redirect_to": RETURN_URL, **form_fields})


def read_page(page: httpx.Response) -> str:
    """Return the text of a page, after checking that it loads and runs nothing."""
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in page.text
    return re.sub(r"<[^>]+>", " ", page.text)


async def test_a_customer_proves_their_identity_and_the_agent_sees_it(
    platform: PlatformUnderTest, agency: AgentClient, mail_server: MailServer
) -> None:
    """The customer enters a code that was sent to their address; then the browser returns to the agent."""
    email = await create_customer(platform, jurisdiction="us-ca")
    filed = (await agency.file_request("access", email=email, email_verified=True)).json()
    assert filed["reason"] == "need_user_verification"
    url = filed["user_verification_url"]
    assert "agent asks us about your data" in read_page(await visit(platform, url))
    assert "on its way" in read_page(await visit(platform, url, email=email.upper()))
    await mail_server.wait_for_mails(1)
    assert mail_server.mails[0][0] == [email]
    wrong_code_page = await visit(platform, url, code="00000000")
    assert (wrong_code_page.status_code, "not valid" in read_page(wrong_code_page)) == (400, True)
    redirect = await visit(platform, url, code=mail_server.read_code())
    assert (redirect.status_code, redirect.headers["location"]) == (303, RETURN_URL)
    assert (await visit(platform, url)).status_code == 409
    status = await agency.read_status(filed["request_id"])
    assert (status["status"], status.get("reason"), status.get("expires_at")) == ("in_progress", None, None)


async def run_until_fulfilled(
    platform: PlatformUnderTest, clock: Clock, agency: AgentClient, request: str
) -> dict[str, Any]:
    """Return the status of a request after the workflow has run as far as it can."""
    for _ in range(20):
        await platform.internals.requests.workflow_runner.run_due()
        status = await agency.read_status(request)
        if status["status"] == "fulfilled":
            break
        clock.advance(60_000)
    return status


async def prove_identity(platform: PlatformUnderTest, mail_server: MailServer, url: str, email: str) -> None:
    """Prove the customer's identity with the code from the mail."""
    before = len(mail_server.mails)
    await visit(platform, url, email=email)
    await mail_server.wait_for_mails(before + 1)
    assert (await visit(platform, url, code=mail_server.read_code())).status_code == 303


async def test_an_agents_erasure_request_is_fulfilled_after_proof(
    platform: PlatformUnderTest, agency: AgentClient, mail_server: MailServer, clock: Clock
) -> None:
    """Afterwards a new request gets the same answer as for any unknown contact."""
    email = await create_customer(platform)
    filed = (await agency.file_request("deletion", email=email, email_verified=True)).json()
    await prove_identity(platform, mail_server, filed["user_verification_url"], email)
    status = await run_until_fulfilled(platform, clock, agency, filed["request_id"])
    assert (status["status"], "results_url" in status) == ("fulfilled", False)
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    assert (await platform.query(query, platform.issue_token("steward"), {"v": email}))["data"][
        "customer"
    ] is None
    clock.advance(1000)
    second_filing = (await agency.file_request("deletion", email=email, email_verified=True)).json()
    unknown_filing = (
        await agency.file_request("deletion", email="eve@nowhere.example", email_verified=True)
    ).json()
    ids = ("request_id", "user_verification_url")
    assert {**second_filing, **dict.fromkeys(ids)} == {**unknown_filing, **dict.fromkeys(ids)}


@pytest.mark.parametrize(("right", "values"), [("access", True), ("access:categories", False)])
async def test_an_agent_downloads_what_the_customer_may_access(
    platform: PlatformUnderTest,
    agency: AgentClient,
    mail_server: MailServer,
    clock: Clock,
    right: str,
    values: bool,
) -> None:
    """A link works once, and each status call issues a new one; categories contain no value."""
    email = await create_customer(platform, jurisdiction="us-ca")
    filed = (await agency.file_request(right, email=email, email_verified=True)).json()
    await prove_identity(platform, mail_server, filed["user_verification_url"], email)
    status = await run_until_fulfilled(platform, clock, agency, filed["request_id"])
    path = urlsplit(status["results_url"]).path
    fetched = await platform.http.get(path)
    assert fetched.status_code == 200
    files = zipfile.ZipFile(io.BytesIO(fetched.content))
    text = b"".join(files.read(name) for name in files.namelist())
    assert b"user.contact.email" in text
    assert (email.encode() in text) is values
    assert (await platform.http.get(path)).status_code == 404
    assert (await agency.read_status(filed["request_id"]))["results_url"] != status["results_url"]


@pytest.mark.parametrize("references", [("member-1", "member-2"), (None, None)])
async def test_a_code_proves_only_the_request_that_it_was_sent_for(
    platform: PlatformUnderTest,
    agency: AgentClient,
    mail_server: MailServer,
    clock: Clock,
    references: tuple[str | None, str | None],
) -> None:
    """Another member of the agent, who typed the same address before, gets nothing by it."""
    email = await create_customer(platform, jurisdiction="us-ca")
    filed = []
    for reference in references:
        claims = {} if reference is None else {"agent-request-id": reference}
        filed.append((await agency.file_request("access", email=email, **claims)).json())
        clock.advance(1000)
    stranger, owner = filed
    assert stranger["request_id"] != owner["request_id"]
    await prove_identity(platform, mail_server, owner["user_verification_url"], email)
    assert "results_url" in await run_until_fulfilled(platform, clock, agency, owner["request_id"])
    status = await agency.read_status(stranger["request_id"])
    assert (status["status"], status.get("reason")) == ("in_progress", "need_user_verification")
    assert "results_url" not in status


async def test_another_controller_requests_an_erasure_by_opendsr(
    platform: PlatformUnderTest, clock: Clock
) -> None:
    """The controller vouches for the identity; the status says how many customers were erased."""
    email = await create_customer(platform)
    register = platform.internals.agents.agent_register
    await register.register(build_agent("shop-4308", AgentKind.CONTROLLER, "Another shop"))
    headers = {"authorization": f"Bearer {await register.issue_token('shop-4308', AgentKind.CONTROLLER)}"}
    request_id = "a7551968-d5d6-44b2-9831-815ac9017798"
    body = {
        "regulation": "gdpr",
        "subject_request_id": request_id,
        "subject_request_type": "erasure",
        "submitted_time": "2027-02-28T15:00:00Z",
        "subject_identities": [{"identity_type": "email", "identity_value": email, "identity_format": "raw"}],
    }
    assert (await platform.http.post("/opendsr/v2/requests", json=body, headers=headers)).status_code == 201
    for _ in range(20):
        await platform.internals.requests.workflow_runner.run_due()
        status = (await platform.http.get(f"/opendsr/v2/requests/{request_id}", headers=headers)).json()
        if status["request_status"] == "completed":
            break
        assert status["request_status"] == "in_progress"
        clock.advance(60_000)
    assert (status["request_status"], status["results_count"]) == ("completed", 1)
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    assert (await platform.query(query, platform.issue_token("steward"), {"v": email}))["data"][
        "customer"
    ] is None


@pytest.mark.parametrize(("right", "of_account", "of_browser"), [("erasure", 0, 1), ("access", 0, 0)])
async def test_a_controller_reaches_nobody_by_an_address_that_an_account_only_typed(
    platform: PlatformUnderTest, clock: Clock, right: str, of_account: int, of_browser: int
) -> None:
    """What was typed erases no account, and nobody is answered about a browser because of it."""
    typed = {"type": "identify", "traits": {"email": "eve@post.example"}}
    browser = {**typed, "anonymousId": "ck-1", "traits": {"email": "max@post.example"}}
    await platform.send_messages("web-shop", {**typed, "userId": "w-ann"}, browser)
    register = platform.internals.agents.agent_register
    await register.register(build_agent("shop-4308", AgentKind.CONTROLLER, "Another shop"))
    headers = {"authorization": f"Bearer {await register.issue_token('shop-4308', AgentKind.CONTROLLER)}"}
    counts = []
    for number, email in enumerate(("eve@post.example", "max@post.example")):
        request_id = f"a7551968-d5d6-44b2-9831-815ac901779{number}"
        body = {
            "regulation": "gdpr",
            "subject_request_id": request_id,
            "subject_request_type": right,
            "submitted_time": "2027-02-28T15:00:00Z",
            "subject_identities": [
                {"identity_type": "email", "identity_value": email, "identity_format": "raw"}
            ],
        }
        await platform.http.post("/opendsr/v2/requests", json=body, headers=headers)
        for _ in range(20):
            await platform.internals.requests.workflow_runner.run_due()
            clock.advance(60_000)
        status = (await platform.http.get(f"/opendsr/v2/requests/{request_id}", headers=headers)).json()
        assert status["request_status"] == "completed"
        counts.append(status["results_count"])
    assert counts == [of_account, of_browser]


async def test_an_unverified_erasure_waits_for_the_customers_code(
    platform: PlatformUnderTest, agency: AgentClient, mail_server: MailServer
) -> None:
    """Nothing is erased before the customer enters the code; then all is, and the agent reads the status."""
    email = await create_customer(platform, "Ann", jurisdiction="us-ca")
    filed = (await agency.file_request("deletion", email=email.lower())).json()
    await platform.run_due_requests()
    assert await is_known(platform, email)
    url = filed["user_verification_url"]
    await visit(platform, url, email=email.lower())
    await mail_server.wait_for_mails(1)
    assert mail_server.mails[0][0] == [email]  # as its owner spells it
    await visit(platform, url, code=mail_server.read_code())
    await platform.run_due_requests()
    assert not await is_known(platform, email)
    assert (await agency.read_status(filed["request_id"]))["status"] == "fulfilled"


async def is_known(platform: PlatformUnderTest, email: str) -> bool:
    """Return whether a steward finds a customer by this address."""
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    return (await platform.query(query, platform.issue_token("steward"), {"v": email}))["data"][
        "customer"
    ] is not None


async def test_a_refusal_gives_the_agent_only_the_protocols_reason(
    platform: PlatformUnderTest, agency: AgentClient
) -> None:
    """Without proof of identity the agent reads neither the law's provision nor the steward's text."""
    filed = (await agency.file_request("deletion", email=await create_customer(platform))).json()
    steward = platform.issue_token("steward", client="privacy-office")
    (request,) = await list_requests(platform, steward)
    assert (request["requester"], request["by"], request["right"]) == ("AGENT", "agent:CR_AGENT_1", "ERASURE")
    refusal = {**REFUSAL, "reason": "FRAUD"}
    await run_operation(platform, steward, DECIDE, id=request["id"], accept=False, refusal=refusal)
    status = await agency.read_status(filed["request_id"])
    assert (status["status"], status["reason"]) == ("denied", "suspected_fraud")
    assert "processing_details" not in status
    assert REFUSAL["words"] not in str(status)


async def test_unknown_addresses_get_the_same_page_and_no_mail(
    platform: PlatformUnderTest, agency: AgentClient, mail_server: MailServer
) -> None:
    """Somebody who tries out addresses learns nothing."""
    email = await create_customer(platform)
    pages_by_address = []
    for address in (email, "eve@nowhere.example"):
        filed = (await agency.file_request("deletion", email=address)).json()
        pages = [
            await visit(platform, filed["user_verification_url"], **form)
            for form in ({}, {"email": address}, {"email": "else@nowhere.example"}, {"code": "12345678"})
        ]
        pages_by_address.append([(page.status_code, page.text) for page in pages])
    assert pages_by_address[0] == pages_by_address[1]
    await mail_server.wait_for_mails(1)
    assert [to for to, _ in mail_server.mails] == [[email]]


async def test_the_verification_page_redirects_only_to_the_agent(
    platform: PlatformUnderTest, agency: AgentClient, mail_server: MailServer
) -> None:
    """Other hosts and other requests are no targets; query parameters appear on the page as text only."""
    email = await create_customer(platform)
    filed = (await agency.file_request("access", email=email)).json()
    path = urlsplit(filed["user_verification_url"]).path
    for target in ("https://evil.example/", "javascript:alert(1)", '"><script>alert(1)</script>'):
        page = await platform.http.get(path, params={"redirect_to": target})
        assert page.status_code == 200
        assert "redirect_to" not in page.text
        assert "evil" not in page.text
        assert "<script" not in page.text
    foreign_page = await platform.http.get(
        path, params={"request_id": "0d0c2a3e-7644-4ceb-9981-4b35c264aac3"}
    )
    assert (foreign_page.status_code, "no such request" in read_page(foreign_page)) == (404, True)
    overlong_form = await visit(platform, path, **{f"field{number}": "x" for number in range(11)})
    assert (overlong_form.status_code, "too many fields" in read_page(overlong_form)) == (400, True)
    await visit(platform, path, email=email)
    await mail_server.wait_for_mails(1)
    proof_page = await platform.http.post(
        path, data={"redirect_to": "https://evil.example/", "code": mail_server.read_code()}
    )
    assert (proof_page.status_code, "Thank you" in read_page(proof_page)) == (200, True)


async def test_an_agent_opts_a_customer_out_of_sale(platform: PlatformUnderTest, agency: AgentClient) -> None:
    """The opt-out is in effect at once and recorded with the agent who stated it."""
    email = await create_customer(platform, jurisdiction="us-ca")
    own_token = await issue_own_token(platform, email)
    query = "{ me { permissions { purpose { key } permitted } rightsRequests { nodes { by right state } } } }"

    async def is_sale_permitted() -> bool:
        me = (await platform.query(query, own_token))["data"]["me"]
        return any(
            permission["permitted"]
            for permission in me["permissions"]
            if permission["purpose"]["key"] == PARTNERS
        )

    permitted_before = await is_sale_permitted()
    filed = (await agency.file_request("sale:opt-out", email=email, email_verified=True)).json()
    assert filed["status"] == "fulfilled"
    assert (permitted_before, await is_sale_permitted()) == (True, False)
    (request,) = (await platform.query(query, own_token))["data"]["me"]["rightsRequests"]["nodes"]
    assert request == {"by": "agent:CR_AGENT_1", "right": "OPT_OUT_SALE", "state": "FULFILLED"}
