"""Whoever adds an address to somebody's profile has no code sent there: keys that write are public.

The attacker has a stolen session, or none, knows how the victim is known to the shop, and sends messages with
the key of its web page, with whatever times they like.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from discretion.domain.requests.code_addresses import SETTLED_MS
from discretion.store.driver.database import Database
from tests.fixtures.clock import Clock
from tests.fixtures.mail_server import Sink
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build
from tests.journeys.rights import ACCESS, asked, own, refused, somebody
from tests.journeys.test_identity_proofing import SEND, by_contact, contact, settled, stranger

ANN, EVIL = "ann@shop.example", "mallory@evil.example"
WEB, DEVICE = {"userId": "w-ann"}, {"anonymousId": "device-evil"}
WEEK_MS = 7 * 86_400_000


@pytest.fixture
def clock() -> Clock:
    return Clock("2026-11-02T10:00")


@pytest_asyncio.fixture
async def house(
    database: Database, tmp_path: Path, commands: Commands, sink: Sink, clock: Clock
) -> AsyncIterator[House]:
    """A house with a mail server, in which Ann has been known for a week."""
    built = await build(database, tmp_path, commands, clock=clock, mail_url=sink.url)
    async with built.http:
        await somebody(built)
        clock.forward(WEEK_MS)
        yield built


async def tells(house: House, number: str, user: dict[str, str], email: str, at: str) -> None:
    """A message with the public key of the shop's page."""
    told: dict[str, Any] = {"type": "identify", "messageId": number, "timestamp": at}
    answer = await house.tell("web-shop", {**told, **user, "traits": {"email": email}})
    assert answer["results"][0]["status"] == "accepted"


async def codes(house: House, sink: Sink) -> tuple[str, list[str]]:
    """What a stolen session is told that asks for a code to the attacker's address, and whom codes go to."""
    token = await own(house, ANN, fresh=False)
    waits = await asked(house, token, ACCESS)
    code = await refused(house, token, SEND, id=waits["id"], c=contact(EVIL))
    await asked(house, token, SEND, id=waits["id"])
    page = stranger(house)
    filed = await by_contact(house, page, EVIL)
    await asked(house, page, SEND, id=filed["id"], c=contact(EVIL))
    filed = await by_contact(house, page, ANN)
    await asked(house, page, SEND, id=filed["id"], c=contact(ANN))
    await settled(sink, 2)
    return code, [to for (to,), _ in sink.mails]


@pytest.mark.parametrize("at", ["2001-01-01T00:00:00Z", "2026-11-09T10:00:00Z"])
async def test_an_address_that_was_added_just_now_gets_no_code(house: House, sink: Sink, at: str) -> None:
    """Not by a session, not by the page for everybody, and whatever time the sender claims."""
    await tells(house, "evil-1", WEB, EVIL, at)
    assert await codes(house, sink) == ("CONTACT_UNKNOWN", [ANN, ANN])


async def test_an_old_profile_that_is_made_one_with_hers_gets_no_code(
    database: Database, tmp_path: Path, commands: Commands, sink: Sink, clock: Clock
) -> None:
    """The attacker's own, known for longer than she is: by age alone it would be the better one."""
    built = await build(database, tmp_path, commands, clock=clock, mail_url=sink.url)
    async with built.http:
        await tells(built, "evil-1", DEVICE, EVIL, "2026-11-01T10:00:00Z")
        clock.forward(WEEK_MS)
        await somebody(built)
        clock.forward(WEEK_MS)
        await tells(built, "evil-2", DEVICE, ANN, "2026-11-16T10:00:00Z")
        everybody = await built.ask("{ customers { nodes { id } } }", built.token("steward"))
        assert len(everybody["data"]["customers"]["nodes"]) == 1
        assert await codes(built, sink) == ("CONTACT_UNKNOWN", [ANN, ANN])


async def test_an_address_that_was_added_after_the_request_gets_no_code_however_long_it_waits(
    house: House, clock: Clock
) -> None:
    waits = await asked(house, await own(house, ANN, fresh=False), ACCESS)
    await tells(house, "evil-1", WEB, EVIL, "2001-01-01T00:00:00Z")
    clock.forward(SETTLED_MS + 1)
    token = await own(house, ANN, fresh=False)
    assert await refused(house, token, SEND, id=waits["id"], c=contact(EVIL)) == "CONTACT_UNKNOWN"


async def test_an_address_of_a_day_is_theirs_and_the_oldest_comes_first(
    house: House, sink: Sink, clock: Clock
) -> None:
    """By our clock: a sender who claims an earlier time is not the older one."""
    await tells(house, "new-1", WEB, "ann@new.example", "2001-01-01T00:00:00Z")
    clock.forward(SETTLED_MS)
    token = await own(house, ANN, fresh=False)
    waits = await asked(house, token, ACCESS)
    await asked(house, token, SEND, id=waits["id"])
    await asked(house, token, SEND, id=waits["id"], c=contact("ann@new.example"))
    assert [to for (to,), _ in sink.mails] == [ANN, "ann@new.example"]
