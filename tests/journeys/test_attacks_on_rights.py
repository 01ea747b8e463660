"""Whoever means harm by a request, or is careless, gets and destroys nothing of others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.identity_proofing import CODES
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import Sink
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import (
    ACCESS,
    APPEAL,
    CORRECTION,
    DECIDE,
    ERASURE,
    EXTEND,
    LIMIT,
    MESSAGE,
    ONE,
    OPT_OUT,
    PAUSE,
    REFUSAL,
    RESTRICTION,
    RESUME,
    WITHDRAW,
    asked,
    customer_id,
    listed,
    own,
    refused,
    somebody,
)
from tests.journeys.test_identity_proofing import (
    SEND,
    by_contact,
    contact,
    settled,
    stranger,
)

MERGE = "mutation($ids: [ID!]!) { merge(customers: $ids) { identityHistory { nodes { id kind } } } }"
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"


@pytest_asyncio.fixture
async def mailed(database: Database, tmp_path: Path, commands: Commands, sink: Sink) -> AsyncIterator[House]:
    """A house with a clock that stands still and a mail server."""
    clock = Clock("2026-11-02T10:00")
    built = await build(database, tmp_path, commands, clock=clock, mail_url=sink.url)
    async with built.http:
        yield built


@pytest.mark.parametrize("scope", [{"channel": ""}, {"category": ""}, {"purpose": ""}, {"channel": None}, {}])
async def test_a_part_that_names_nothing_is_not_everything(house: House, scope: dict[str, Any]) -> None:
    """A form that was sent without a choice erases nobody whole: that cannot be taken back."""
    token = await own(house, await somebody(house))
    assert await refused(house, token, ERASURE, scope=scope) in {"SCOPE_UNKNOWN", "SCOPE_EMPTY"}
    steward = house.token("steward")
    assert await listed(house, steward) == []


async def test_a_request_that_is_over_tells_nobody_whether_somebody_is_known(mailed: House) -> None:
    """Taken back, or refused: what is said of it afterwards is answered the same for nobody."""
    token, known = stranger(mailed), await somebody(mailed)
    agent = mailed.token(client="partner", subject="agent", scopes=["agent"], purposes=[])
    behalf = {"requester": {"reference": "F-1"}}
    seen = []
    for email in (known, "axx@shop.example"):
        back = await by_contact(mailed, token, email)
        await asked(mailed, token, WITHDRAW, id=back["id"])
        by_agent = {"for": {"contact": contact(email), **behalf}}
        out = await asked(mailed, agent, OPT_OUT, **by_agent)
        lost = await by_contact(mailed, token, email)
        steward = mailed.token("steward")
        waiting = [one for one in await listed(mailed, steward) if one["state"] == "ACTION_REQUIRED"]
        await asked(mailed, steward, DECIDE, id=waiting[-1]["id"], accept=False, refusal=REFUSAL)
        seen.append(
            [
                await refused(mailed, token, MESSAGE, id=back["id"], text="Hello."),
                await refused(mailed, agent, MESSAGE, id=out["id"], text="Hello."),
                await refused(mailed, token, MESSAGE, id=lost["id"], text="Hello."),
                await refused(mailed, token, APPEAL, id=lost["id"]),
            ]
        )
    assert seen[0] == seen[1]


async def test_who_was_one_with_another_by_mistake_erases_themselves_only(house: House) -> None:
    """Whoever the office parts again before it is carried out is who they were when they asked."""
    emails = [await somebody(house, name) for name in ("ann", "bob")]
    ids = [await customer_id(house, one) for one in emails]
    tokens = {one: await own(house, one) for one in emails}
    steward = house.token("steward", purposes=["essential"])
    merged = (await house.ask(MERGE, steward, {"ids": ids}))["data"]["merge"]
    merge = merged["identityHistory"]["nodes"][0]["id"]
    here = await customer_id(house, emails[0])
    gone = emails[0] if ids[0] != here else emails[1]
    stays = emails[1] if gone == emails[0] else emails[0]
    mine = await asked(house, tokens[gone], ERASURE)
    answer = await house.ask(UNMERGE, steward, {"merge": merge})
    assert "errors" not in answer, answer
    await house.carry()
    assert await customer_id(house, stays)
    with pytest.raises(TypeError):
        await customer_id(house, gone)
    assert (await asked(house, tokens[gone], ONE, id=mine["id"]))["id"] == mine["id"]


async def test_what_was_accepted_and_stood_still_goes_on(mailed: House) -> None:
    """Nothing is stuck for ever because the office asked something in between."""
    token = await own(mailed, await somebody(mailed, law="gb"))
    mine = await asked(mailed, token, ACCESS)
    assert mine["state"] == "ACCEPTED"
    steward = mailed.token("steward")
    (waiting,) = await listed(mailed, steward)
    await asked(mailed, steward, EXTEND, id=waiting["id"], reason="There is much of it.", length=None)
    paused = await asked(mailed, steward, PAUSE, id=waiting["id"], reason="CLARIFICATION")
    assert paused["state"] == "ACTION_REQUIRED"
    await mailed.carry()
    assert (await asked(mailed, token, ONE, id=mine["id"]))["state"] == "ACTION_REQUIRED"
    await asked(mailed, steward, RESUME, id=waiting["id"])
    await mailed.carry()
    assert (await asked(mailed, token, ONE, id=mine["id"]))["state"] == "FULFILLED"


@pytest.mark.parametrize("stolen", [True, False])
async def test_codes_are_counted_for_who_gets_them(mailed: House, sink: Sink, *, stolen: bool) -> None:
    """Ever new requests give no more codes to guess, and no more mails to whoever is pestered."""
    email = await somebody(mailed)
    token = await own(mailed, email, fresh=False) if stolen else stranger(mailed)
    behalf = {} if stolen else {"for": {"contact": contact(email)}}
    named = {} if stolen else {"c": contact(email)}
    answers = []
    for number in range(CODES + 2):
        changes = [{"attribute": "identity.givenName", "value": f"Ann {number}"}]
        filed = await asked(mailed, token, CORRECTION, changes=changes, **behalf)
        answer = await mailed.ask(SEND, token, {"id": filed["id"], **named})
        answers.append([one["extensions"]["code"] for one in answer.get("errors", ())])
    assert answers == [[]] * CODES + [["CODES_TOO_MANY"]] * 2
    await settled(sink, CODES)
    await asyncio.sleep(0.1)
    assert len(sink.mails) == CODES


async def test_what_is_in_force_at_once_ends_alike_for_nobody(mailed: House) -> None:
    """An agent who watches what becomes of it does not see whether anybody is known."""
    agent = mailed.token(client="partner", subject="agent", scopes=["agent"], purposes=[])
    seen = []
    for email in (await somebody(mailed), "axx@shop.example"):
        behalf = {"for": {"contact": contact(email), "requester": {"reference": "F-1"}}}
        filed = [await asked(mailed, agent, one, **behalf) for one in (OPT_OUT, LIMIT, RESTRICTION)]
        await mailed.carry()
        ended = [await asked(mailed, agent, ONE, id=one["id"]) for one in filed]
        seen.append([{**one, "id": ""} for one in (*filed, *ended)])
    assert seen[0] == seen[1]
