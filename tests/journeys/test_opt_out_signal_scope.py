"""An opt-out signal stops sale and sharing for the person, whichever door and name it comes by."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fixtures.platform import House
from tests.journeys.request_states import ADDRESS, PARTNERS, STATISTICS, ann, own, revealed, says
from tests.unit.law.signals.strings import header, letters

CALIFORNIA = {"country": "US", "region": "CA"}
OUT_OF_SALE = f"{header([8])}~{letters(f'{1:06b}' + '00' * 3 + '01' + '00' * 16)}"
"""The section ``usca``: SaleOptOut is 1, all else does not apply."""
STILL_IN = f"{header([8])}~{letters(f'{1:06b}' + '00' * 3 + '10' + '00' * 16)}"
"""There too: SaleOptOut is 2, did not opt out."""
SIGNAL = "{ me { optOutSignal { honouredSince jurisdiction } } }"
VISIT: dict[str, Any] = {"type": "page", "anonymousId": "ck-1", "name": "Home", "context": {}}
Send = Callable[[House, str], Awaitable[None]]


async def tell(house: House, message: dict[str, Any], **headers: str) -> None:
    """Send a message to the tracking door as a browser does."""
    answer = await house.http.post(
        "/v1/batch", json={"batch": [message]}, auth=(house.keys["web-shop"], ""), headers=headers
    )
    assert answer.json()["accepted"] == 1, answer.text


async def by_header(house: House, number: str) -> None:
    """``Sec-GPC`` on a tracking call."""
    await tell(house, {**VISIT, "messageId": f"v{number}"}, **{"sec-gpc": "1"})


async def by_context(house: House, number: str) -> None:
    """``navigator.globalPrivacyControl``, as a page passes it on."""
    await tell(house, {**VISIT, "messageId": f"v{number}", "context": {"gpc": True}})


async def by_string(house: House, number: str) -> None:
    """A consent manager's string."""
    await tell(house, {**VISIT, "messageId": f"v{number}", "context": {"gppString": OUT_OF_SALE}})


async def by_asking(house: House, _: str) -> None:
    """``Sec-GPC`` on Ann's own request."""
    await ask_with(house, "1")


async def ask_with(house: House, gpc: str) -> None:
    """Ann reads about herself in a browser that says so."""
    token = await house.own_token("email", ADDRESS)
    headers = {"authorization": f"Bearer {token}", "sec-gpc": gpc}
    answer = await house.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert answer.json()["data"]["me"]["id"]


async def signal(house: House) -> dict[str, Any] | None:
    """The signal that Ann is told is honoured."""
    told: dict[str, Any] | None = (await own(house, SIGNAL))["me"]["optOutSignal"]
    return told


@pytest.mark.parametrize("send", [by_header, by_context, by_string])
async def test_a_visitor_s_signal_is_the_customer_s_once_they_log_in(house: House, send: Send) -> None:
    """11 CCR 7025(c)(1): the browser's, then the consumer's who is known."""
    await house.tell("web-shop", ann(1, address=CALIFORNIA))
    await house.tell(
        "web-shop",
        {
            "type": "identify",
            "messageId": "a1",
            "anonymousId": "ck-1",
            "traits": {"address": CALIFORNIA},
        },
    )
    await send(house, "1")
    assert await signal(house) is None
    await tell(house, {**ann(2), "anonymousId": "ck-1"})
    assert not await revealed(house, PARTNERS)
    assert await revealed(house, STATISTICS)
    told = await signal(house)
    assert told
    assert told["honouredSince"]
    assert told["jurisdiction"] == "us-ca"


@pytest.mark.parametrize("send", [by_header, by_context, by_string, by_asking])
async def test_a_later_yes_lifts_a_signal_and_the_next_signal_stops_it_again(
    house: House, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    """11 CCR 7025(c)(3) and (4). What Ann asks herself is heard anew once a minute."""
    monkeypatch.setattr("discretion.domain.consent.opt_out_signal.AGAIN_MS", 1)
    await house.tell("web-shop", {**ann(1, address=CALIFORNIA), "anonymousId": "ck-1"})
    assert await revealed(house, PARTNERS)
    for number in ("1", "2"):
        await send(house, number)
        assert not await revealed(house, PARTNERS)
        assert await signal(house)
        await says(house, PARTNERS, given=True)
        assert await revealed(house, PARTNERS)
        assert await signal(house) is None
    await send(house, "3")
    assert not await revealed(house, PARTNERS)


@pytest.mark.parametrize("value", ["0", "true", "01", "1.0", "1, 1", "yes", '"1"', ""])
async def test_any_other_value_of_the_header_says_nothing(house: House, value: str) -> None:
    """GPC specification, section 3.2: the one value is 1."""
    await house.tell("web-shop", {**ann(1, address=CALIFORNIA), "anonymousId": "ck-1"})
    await tell(house, {**VISIT, "messageId": "v1"}, **{"sec-gpc": value})
    await ask_with(house, value)
    assert await revealed(house, PARTNERS)
    assert await signal(house) is None


@pytest.mark.parametrize(
    "context", [{"gpc": False}, {"gpc": None}, {"gpc": 1}, {"gpc": "1"}, {"gppString": STILL_IN}]
)
async def test_nor_does_any_other_value_in_the_context(house: House, context: dict[str, Any]) -> None:
    """What is not exactly an opt-out is none."""
    await house.tell("web-shop", {**ann(1, address=CALIFORNIA), "anonymousId": "ck-1"})
    await tell(house, {**VISIT, "messageId": "v1", "context": context})
    assert await revealed(house, PARTNERS)
    assert await signal(house) is None
