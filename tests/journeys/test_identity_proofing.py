"""Who asks shows who they are as far as it takes: by a login a moment ago, or a code to a known address."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.identity_proofing import CODES, LIFE_MS, TRIES
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import Sink
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import ACCESS, FIELDS, ONE, OPT_OUT, RESTRICTION, asked, own, refused, somebody

SEND = "mutation($id: ID!, $c: IdentifierInput) { sendCode(request: $id, contact: $c) { sentTo until } }"
PROVE = f"mutation($id: ID!, $code: String) {{ proveIdentity(request: $id, code: $code) {{ {FIELDS} }} }}"


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-02T10:00")


@pytest_asyncio.fixture
async def mailed(
    database: Database, tmp_path: Path, commands: Commands, sink: Sink, clock: Clock
) -> AsyncIterator[House]:
    """A house with a clock that stands still and a mail server."""
    built = await build(database, tmp_path, commands, clock=clock, mail_url=sink.url)
    async with built.http:
        yield built


def contact(email: str) -> dict[str, Any]:
    return {"type": "email", "value": email}


def stranger(house: House) -> str:
    """The token of a page on which anybody may ask."""
    return house.token(client="rights-page", subject="page", scopes=["rights"], purposes=[])


async def by_contact(house: House, token: str, email: str, query: str = ACCESS) -> dict[str, Any]:
    return await asked(house, token, query, **{"for": {"contact": contact(email)}})


async def settled(sink: Sink, many: int) -> None:
    async with asyncio.timeout(5):
        while len(sink.mails) < many:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_login_a_moment_ago_is_enough_and_an_old_one_is_not(mailed: House) -> None:
    email = await somebody(mailed)
    old = await own(mailed, email, fresh=False)
    waits = await asked(mailed, old, ACCESS)
    assert (waits["state"], waits["reason"]) == ("ACTION_REQUIRED", "IDENTITY")
    assert "sendCode" in waits["nextStep"]
    assert await refused(mailed, old, PROVE, id=waits["id"]) == "LOGIN_NOT_FRESH"
    assert (await asked(mailed, old, OPT_OUT))["state"] == "FULFILLED"
    fresh = await own(mailed, email)
    assert (await asked(mailed, fresh, PROVE, id=waits["id"]))["identifiedAt"]


async def test_a_code_to_a_known_address_proves_who_asks(mailed: House, sink: Sink) -> None:
    token = await own(mailed, await somebody(mailed), fresh=False)
    waits = await asked(mailed, token, ACCESS)
    sent = await asked(mailed, token, SEND, id=waits["id"])
    assert sent["sentTo"] == "a***@s***.example"
    assert sink.mails[0][0] == ["ann@shop.example"]
    assert await refused(mailed, token, PROVE, id=waits["id"], code="0") == "CODE_WRONG"
    proven = await asked(mailed, token, PROVE, id=waits["id"], code=sink.code())
    assert proven["state"] in {"ACKNOWLEDGED", "ACCEPTED"}
    assert await refused(mailed, token, PROVE, id=waits["id"], code=sink.code()) == "REQUEST_STATE"
    seen = await mailed.ask("{ me { disclosures(first: 50) { nodes { also } } } }", token)
    assert {"also": ["contact"]} in seen["data"]["me"]["disclosures"]["nodes"]  # it was read to be sent to


async def test_a_code_goes_to_no_address_but_theirs(mailed: House, sink: Sink) -> None:
    token = await own(mailed, await somebody(mailed), fresh=False)
    waits = await asked(mailed, token, ACCESS)
    await somebody(mailed, "mallory")
    theirs = contact("mallory@shop.example")
    assert await refused(mailed, token, SEND, id=waits["id"], c=theirs) == "CONTACT_UNKNOWN"
    assert not sink.mails


async def test_five_wrong_tries_are_the_last(mailed: House, sink: Sink) -> None:
    token = await own(mailed, await somebody(mailed), fresh=False)
    waits = await asked(mailed, token, ACCESS)
    await asked(mailed, token, SEND, id=waits["id"])
    for _ in range(TRIES):
        assert await refused(mailed, token, PROVE, id=waits["id"], code="00000000") == "CODE_WRONG"
    assert await refused(mailed, token, PROVE, id=waits["id"], code=sink.code()) == "CODE_WRONG"


async def test_a_code_is_good_for_ten_minutes(mailed: House, sink: Sink, clock: Clock) -> None:
    token = await own(mailed, await somebody(mailed), fresh=False)
    waits = await asked(mailed, token, ACCESS)
    await asked(mailed, token, SEND, id=waits["id"])
    clock.forward(LIFE_MS)
    assert await refused(mailed, token, PROVE, id=waits["id"], code=sink.code()) == "CODE_WRONG"


async def test_nobody_is_flooded_with_codes(mailed: House, sink: Sink) -> None:
    token = await own(mailed, await somebody(mailed), fresh=False)
    waits = await asked(mailed, token, ACCESS)
    for _ in range(CODES):
        await asked(mailed, token, SEND, id=waits["id"])
    assert await refused(mailed, token, SEND, id=waits["id"]) == "CODES_TOO_MANY"
    assert len(sink.mails) == CODES


async def test_a_mail_that_cannot_be_sent_is_said(mailed: House, sink: Sink) -> None:
    token = await own(mailed, await somebody(mailed), fresh=False)
    waits = await asked(mailed, token, ACCESS)
    sink.refuses = True
    answer = await mailed.ask(SEND, token, {"id": waits["id"]})
    assert answer["errors"][0]["extensions"]["code"] == "MAIL_UNAVAILABLE"


async def test_whether_anybody_is_known_is_told_to_nobody(mailed: House, sink: Sink) -> None:
    """Asked by an address, everything is answered the same for a customer and for nobody."""
    token, known = stranger(mailed), await somebody(mailed)
    seen = []
    for email in (known, "axx@shop.example"):
        filed = await by_contact(mailed, token, email)
        assert (await by_contact(mailed, token, email))["id"] == filed["id"]
        sent = await asked(mailed, token, SEND, id=filed["id"], c=contact(email))
        wrong = await mailed.ask(PROVE, token, {"id": filed["id"], "code": "00000000"})
        withheld = await asked(mailed, token, ONE, id=filed["id"])
        stopped = await by_contact(mailed, token, email, RESTRICTION)
        for one in (filed, withheld, stopped):
            del one["id"]
        seen.append((filed, sent, wrong["errors"][0]["extensions"]["code"], withheld, stopped))
    await settled(sink, 1)
    assert seen[0] == seen[1]
    assert [to for to, _ in sink.mails] == [[known]]


async def test_whoever_is_named_by_their_address_reads_the_code_and_is_proven(
    mailed: House, sink: Sink
) -> None:
    token, email = stranger(mailed), await somebody(mailed)
    filed = await by_contact(mailed, token, email)
    await asked(mailed, token, SEND, id=filed["id"], c=contact(email))
    await settled(sink, 1)
    proven = await asked(mailed, token, PROVE, id=filed["id"], code=sink.code())
    assert [one["key"] for one in proven["laws"]] == ["eu"]
    assert proven["dueAt"] > filed["dueAt"]


async def test_an_agent_opts_out_at_once_and_has_more_confirmed_by_the_person(
    mailed: House, sink: Sink
) -> None:
    email = await somebody(mailed, law="us-ca")
    agent = mailed.token(client="agent-co", subject="agent-co", scopes=["agent"], purposes=[])
    behalf = {"contact": contact(email)}
    assert await refused(mailed, agent, OPT_OUT, **{"for": behalf}) == "FOR_ARGUMENTS"
    behalf["requester"] = {"reference": "A-1"}
    done = await asked(mailed, agent, OPT_OUT, **{"for": behalf})
    assert (done["state"], done["requester"], done["reference"]) == ("FULFILLED", "AGENT", "A-1")
    told = await mailed.ask("{ me { permissions { why } } }", await own(mailed, email))
    assert "refused" in {one["why"] for one in told["data"]["me"]["permissions"]}
    waits = await asked(mailed, agent, ACCESS, **{"for": behalf})
    assert waits["state"] == "ACTION_REQUIRED"
    await asked(mailed, agent, SEND, id=waits["id"], c=contact(email))
    await settled(sink, 1)
    assert sink.mails[0][0] == [email]
    assert (await asked(mailed, agent, PROVE, id=waits["id"], code=sink.code()))["identifiedAt"]


async def test_what_was_opted_out_by_an_address_is_done_when_it_is_proven(mailed: House, sink: Sink) -> None:
    token, email = stranger(mailed), await somebody(mailed)
    waits = await by_contact(mailed, token, email, RESTRICTION)
    await asked(mailed, token, SEND, id=waits["id"], c=contact(email))
    await settled(sink, 1)
    await asked(mailed, token, PROVE, id=waits["id"], code=sink.code())
    await mailed.carry()
    assert (await asked(mailed, token, ONE, id=waits["id"]))["state"] == "FULFILLED"
    told = await mailed.ask("{ me { permissions { why } } }", await own(mailed, email))
    assert "restricted" in {one["why"] for one in told["data"]["me"]["permissions"]}
