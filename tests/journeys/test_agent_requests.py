"""An agent files for people by the Data Rights Protocol; they prove who they are, and it is told."""

from __future__ import annotations

import asyncio
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

from discretion.domain.agents.agent import Kind, agent
from discretion.store.driver.database import Database
from tests.fixtures.agency import Agency, register
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import Sink
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import DECIDE, REFUSAL, asked, listed, own, somebody

PARTNERS = "marketing.advertising.third_party.targeted"
BACK = "https://agent.example/back?of=7&more=%3C"


@pytest.fixture
def clock() -> Clock:
    """Later than today, so that MongoDB deletes nothing that has yet to expire."""
    return Clock("2027-03-01T12:00:00")


@pytest_asyncio.fixture
async def house(
    database: Database, tmp_path: Path, commands: Commands, sink: Sink, clock: Clock
) -> AsyncIterator[House]:
    """A house with a mail server."""
    built = await build(database, tmp_path, commands, clock=clock, mail_url=sink.url)
    async with built.http:
        yield built


@pytest_asyncio.fixture
async def agency(house: House) -> Agency:
    """An agent with a token."""
    return await register(house, "CR_AGENT_1", hosts=("agent.example",))


async def visit(house: House, url: str, **filled: str) -> httpx.Response:
    """A person's browser at the page their agent sends them to; it fills in a form, if there is something."""
    path = urlsplit(url).path
    if not filled:
        name = path.split("/")[-2]
        return await house.http.get(path, params={"request_id": name, "redirect_to": BACK})
    return await house.http.post(path, data={"redirect_to": BACK, **filled})


def read(page: httpx.Response) -> str:
    """What a page says; it loads and runs nothing."""
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert "<script" not in page.text
    return re.sub(r"<[^>]+>", " ", page.text)


async def mailed(sink: Sink, many: int) -> None:
    """Wait for mails, which no answer waits for."""
    async with asyncio.timeout(5):
        while len(sink.mails) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_person_proves_who_they_are_and_the_agent_is_told(
    house: House, agency: Agency, sink: Sink
) -> None:
    """By a code that only they can read; then the agent sees them on their way back."""
    email = await somebody(house, law="us-ca")
    told = (await agency.exercise("access", email=email, email_verified=True)).json()
    assert told["reason"] == "need_user_verification"
    url = told["user_verification_url"]
    assert "agent asks us about your data" in read(await visit(house, url))
    assert "on its way" in read(await visit(house, url, email=email.upper()))
    await mailed(sink, 1)
    assert sink.mails[0][0] == [email]
    wrong = await visit(house, url, code="00000000")
    assert (wrong.status_code, "not good" in read(wrong)) == (400, True)
    sent_back = await visit(house, url, code=sink.code())
    assert (sent_back.status_code, sent_back.headers["location"]) == (303, BACK)
    assert (await visit(house, url)).status_code == 409
    proven = await agency.status(told["request_id"])
    assert (proven["status"], proven.get("reason"), proven.get("expires_at")) == ("in_progress", None, None)


async def carried(house: House, clock: Clock, agency: Agency, request: str) -> dict[str, Any]:
    """How a request stands once the engine has carried it out as far as it goes."""
    for _ in range(20):
        await house.platform.rights.engine.once()
        told = await agency.status(request)
        if told["status"] == "fulfilled":
            break
        clock.forward(60_000)
    return told


async def proven(house: House, sink: Sink, url: str, email: str) -> None:
    """The person reads their mail and says that it is them."""
    before = len(sink.mails)
    await visit(house, url, email=email)
    await mailed(sink, before + 1)
    assert (await visit(house, url, code=sink.code())).status_code == 303


async def test_a_person_has_themselves_erased_through_an_agent(
    house: House, agency: Agency, sink: Sink, clock: Clock
) -> None:
    """To the end; then they are nobody, and who asks again is told as little as ever."""
    email = await somebody(house)
    told = (await agency.exercise("deletion", email=email, email_verified=True)).json()
    await proven(house, sink, told["user_verification_url"], email)
    done = await carried(house, clock, agency, told["request_id"])
    assert (done["status"], "results_url" in done) == ("fulfilled", False)
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    assert (await house.ask(query, house.token("steward"), {"v": email}))["data"]["customer"] is None
    clock.forward(1000)
    again = (await agency.exercise("deletion", email=email, email_verified=True)).json()
    nobody = (await agency.exercise("deletion", email="eve@nowhere.example", email_verified=True)).json()
    ids = ("request_id", "user_verification_url")
    assert {**again, **dict.fromkeys(ids)} == {**nobody, **dict.fromkeys(ids)}


@pytest.mark.parametrize(("right", "values"), [("access", True), ("access:categories", False)])
async def test_an_agent_fetches_what_a_person_may_know(
    house: House, agency: Agency, sink: Sink, clock: Clock, right: str, values: bool
) -> None:
    """Once, by a link that is new with each asking; of kinds of data no value is in it."""
    email = await somebody(house, law="us-ca")
    told = (await agency.exercise(right, email=email, email_verified=True)).json()
    await proven(house, sink, told["user_verification_url"], email)
    done = await carried(house, clock, agency, told["request_id"])
    path = urlsplit(done["results_url"]).path
    fetched = await house.http.get(path)
    assert fetched.status_code == 200
    files = zipfile.ZipFile(io.BytesIO(fetched.content))
    text = b"".join(files.read(name) for name in files.namelist())
    assert b"user.contact.email" in text
    assert (email.encode() in text) is values
    assert (await house.http.get(path)).status_code == 404
    assert (await agency.status(told["request_id"]))["results_url"] != done["results_url"]


async def test_a_controller_has_somebody_erased(house: House, clock: Clock) -> None:
    """It answers for knowing who asks; what it named is gone, and it is told for how many."""
    email = await somebody(house)
    book = house.platform.acting.register
    await book.enter(agent("shop-4308", Kind.CONTROLLER, "Another shop"))
    headers = {"authorization": f"Bearer {await book.entrust('shop-4308', Kind.CONTROLLER)}"}
    name = "a7551968-d5d6-44b2-9831-815ac9017798"
    body = {
        "regulation": "gdpr",
        "subject_request_id": name,
        "subject_request_type": "erasure",
        "submitted_time": "2027-02-28T15:00:00Z",
        "subject_identities": [{"identity_type": "email", "identity_value": email, "identity_format": "raw"}],
    }
    assert (await house.http.post("/opendsr/v2/requests", json=body, headers=headers)).status_code == 201
    for _ in range(20):
        await house.platform.rights.engine.once()
        told = (await house.http.get(f"/opendsr/v2/requests/{name}", headers=headers)).json()
        if told["request_status"] == "completed":
            break
        assert told["request_status"] == "in_progress"
        clock.forward(60_000)
    assert (told["request_status"], told["results_count"]) == ("completed", 1)
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    assert (await house.ask(query, house.token("steward"), {"v": email}))["data"]["customer"] is None


async def test_an_agent_has_somebody_erased_who_said_that_it_is_them(
    house: House, agency: Agency, sink: Sink
) -> None:
    """Nothing goes before the person read their code; then all of it, and the agent is told so."""
    email = await somebody(house, law="us-ca")
    told = (await agency.exercise("deletion", email=email)).json()
    await house.carry()
    assert await known(house, email)
    url = told["user_verification_url"]
    await visit(house, url, email=email)
    await mailed(sink, 1)
    await visit(house, url, code=sink.code())
    await house.carry()
    assert not await known(house, email)
    assert (await agency.status(told["request_id"]))["status"] == "fulfilled"


async def known(house: House, email: str) -> bool:
    """Whether the office finds anybody under an address."""
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    return (await house.ask(query, house.token("steward"), {"v": email}))["data"]["customer"] is not None


async def test_the_office_refuses_and_its_words_are_the_persons(house: House, agency: Agency) -> None:
    """The agent reads the protocol's reason; who proved nothing is told no provision and no word."""
    told = (await agency.exercise("deletion", email=await somebody(house))).json()
    steward = house.token("steward", client="privacy-office")
    (waiting,) = await listed(house, steward)
    assert (waiting["requester"], waiting["by"], waiting["right"]) == ("AGENT", "agent:CR_AGENT_1", "ERASURE")
    refusal = {**REFUSAL, "reason": "FRAUD"}
    await asked(house, steward, DECIDE, id=waiting["id"], accept=False, refusal=refusal)
    denied = await agency.status(told["request_id"])
    assert (denied["status"], denied["reason"]) == ("denied", "suspected_fraud")
    assert "processing_details" not in denied
    assert REFUSAL["words"] not in str(denied)


async def test_nobody_sees_the_same_page_and_gets_no_mail(house: House, agency: Agency, sink: Sink) -> None:
    """Whoever tries out addresses learns nothing, however often."""
    email = await somebody(house)
    pages = []
    for address in (email, "eve@nowhere.example"):
        told = (await agency.exercise("deletion", email=address)).json()
        seen = [
            await visit(house, told["user_verification_url"], **one)
            for one in ({}, {"email": address}, {"email": "else@nowhere.example"}, {"code": "12345678"})
        ]
        pages.append([(one.status_code, one.text) for one in seen])
    assert pages[0] == pages[1]
    await mailed(sink, 1)
    assert [to for to, _ in sink.mails] == [[email]]


async def test_a_page_leads_back_to_the_agent_and_nowhere_else(
    house: House, agency: Agency, sink: Sink
) -> None:
    """Neither to another host nor to another's request, and what is in its address is text on it."""
    email = await somebody(house)
    told = (await agency.exercise("access", email=email)).json()
    path = urlsplit(told["user_verification_url"]).path
    for evil in ("https://evil.example/", "javascript:alert(1)", '"><script>alert(1)</script>'):
        page = await house.http.get(path, params={"redirect_to": evil})
        assert page.status_code == 200
        assert "redirect_to" not in page.text
        assert "evil" not in page.text
        assert "<script" not in page.text
    other = await house.http.get(path, params={"request_id": "0d0c2a3e-7644-4ceb-9981-4b35c264aac3"})
    assert (other.status_code, "no such request" in read(other)) == (404, True)
    await visit(house, path, email=email)
    await mailed(sink, 1)
    done = await house.http.post(path, data={"redirect_to": "https://evil.example/", "code": sink.code()})
    assert (done.status_code, "Thank you" in read(done)) == (200, True)


async def test_an_agent_opts_somebody_out_of_sale(house: House, agency: Agency) -> None:
    """At once, by a word that the person finds on record with who said it."""
    email = await somebody(house, law="us-ca")
    mine = await own(house, email)
    query = "{ me { permissions { purpose { key } permitted } rightsRequests { nodes { by right state } } } }"

    async def sold() -> bool:
        me = (await house.ask(query, mine))["data"]["me"]
        return any(one["permitted"] for one in me["permissions"] if one["purpose"]["key"] == PARTNERS)

    before = await sold()
    told = (await agency.exercise("sale:opt-out", email=email, email_verified=True)).json()
    assert told["status"] == "fulfilled"
    assert (before, await sold()) == (True, False)
    (request,) = (await house.ask(query, mine))["data"]["me"]["rightsRequests"]["nodes"]
    assert request == {"by": "agent:CR_AGENT_1", "right": "OPT_OUT_SALE", "state": "FULFILLED"}
