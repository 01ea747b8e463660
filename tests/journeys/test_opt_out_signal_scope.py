"""An opt-out signal stops sale and sharing, by whatever endpoint and identifier it arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.request_states import (
    ADDRESS,
    PARTNERS,
    STATISTICS,
    build_ann_message,
    is_ann_revealed,
    query_as_customer,
    set_consent,
)
from tests.unit.law.signals.strings import encode_base64url, encode_header

CALIFORNIA = {"country": "US", "region": "CA"}
OPTED_OUT_STRING = f"{encode_header([8])}~{encode_base64url(f'{1:06b}' + '00' * 3 + '01' + '00' * 16)}"
"""A GPP string with the section ``usca``: SaleOptOut is 1, all other fields do not apply."""
NOT_OPTED_OUT_STRING = f"{encode_header([8])}~{encode_base64url(f'{1:06b}' + '00' * 3 + '10' + '00' * 16)}"
"""The same section with SaleOptOut 2: did not opt out."""
READ_SIGNAL = "{ me { optOutSignal { honouredSince jurisdiction } } }"
VISIT: dict[str, Any] = {"type": "page", "anonymousId": "ck-1", "name": "Home", "context": {}}
SendSignal = Callable[[PlatformUnderTest, str], Awaitable[None]]


async def send_message(platform: PlatformUnderTest, message: dict[str, Any], **headers: str) -> None:
    """Send a message to the tracking endpoint as a browser does."""
    answer = await platform.http.post(
        "/v1/batch", json={"batch": [message]}, auth=(platform.write_keys["web-shop"], ""), headers=headers
    )
    assert answer.json()["accepted"] == 1, answer.text


async def send_by_header(platform: PlatformUnderTest, number: str) -> None:
    """Send a page view with the ``Sec-GPC`` header."""
    await send_message(platform, {**VISIT, "messageId": f"v{number}"}, **{"sec-gpc": "1"})


async def send_by_context(platform: PlatformUnderTest, number: str) -> None:
    """Send ``navigator.globalPrivacyControl`` in the context, as a page script reads it."""
    await send_message(platform, {**VISIT, "messageId": f"v{number}", "context": {"gpc": True}})


async def send_by_gpp_string(platform: PlatformUnderTest, number: str) -> None:
    """Send the GPP string of a consent manager."""
    await send_message(
        platform, {**VISIT, "messageId": f"v{number}", "context": {"gppString": OPTED_OUT_STRING}}
    )


async def send_by_query(platform: PlatformUnderTest, _: str) -> None:
    """Send ``Sec-GPC`` with Ann's own GraphQL request."""
    await query_with_gpc(platform, "1")


async def query_with_gpc(platform: PlatformUnderTest, gpc: str) -> None:
    """Query Ann's own data with a ``Sec-GPC`` header."""
    token = await platform.issue_customer_token("email", ADDRESS)
    headers = {"authorization": f"Bearer {token}", "sec-gpc": gpc}
    answer = await platform.http.post("/graphql", json={"query": "{ me { id } }"}, headers=headers)
    assert answer.json()["data"]["me"]["id"]


async def read_signal(platform: PlatformUnderTest) -> dict[str, Any] | None:
    """Return the honoured signal that Ann sees; None if there is none."""
    honoured_signal: dict[str, Any] | None = (await query_as_customer(platform, READ_SIGNAL))["me"][
        "optOutSignal"
    ]
    return honoured_signal


@pytest.mark.parametrize("send", [send_by_header, send_by_context, send_by_gpp_string])
async def test_a_visitors_signal_applies_to_the_customer_after_login(
    platform: PlatformUnderTest, send: SendSignal
) -> None:
    """11 CCR 7025(c)(1): a signal of the browser applies to the consumer once they are identified."""
    await platform.send_messages("web-shop", build_ann_message(1, address=CALIFORNIA))
    await platform.send_messages(
        "web-shop",
        {
            "type": "identify",
            "messageId": "a1",
            "anonymousId": "ck-1",
            "traits": {"address": CALIFORNIA},
        },
    )
    await send(platform, "1")
    assert await read_signal(platform) is None
    await send_message(platform, {**build_ann_message(2), "anonymousId": "ck-1"})
    assert not await is_ann_revealed(platform, PARTNERS)
    assert await is_ann_revealed(platform, STATISTICS)
    honoured_signal = await read_signal(platform)
    assert honoured_signal
    assert honoured_signal["honouredSince"]
    assert honoured_signal["jurisdiction"] == "us-ca"


@pytest.mark.parametrize("send", [send_by_header, send_by_context, send_by_gpp_string, send_by_query])
async def test_a_later_consent_lifts_the_signal_until_the_next_signal(
    platform: PlatformUnderTest, send: SendSignal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """11 CCR 7025(c)(3) and (4). A signal of Ann's own browser is recorded at most once a minute."""
    monkeypatch.setattr("discretion.domain.consent.opt_out_signal.REPEAT_AFTER_MS", 1)
    await platform.send_messages(
        "web-shop", {**build_ann_message(1, address=CALIFORNIA), "anonymousId": "ck-1"}
    )
    assert await is_ann_revealed(platform, PARTNERS)
    for number in ("1", "2"):
        await send(platform, number)
        assert not await is_ann_revealed(platform, PARTNERS)
        assert await read_signal(platform)
        await set_consent(platform, PARTNERS, granted=True)
        assert await is_ann_revealed(platform, PARTNERS)
        assert await read_signal(platform) is None
    await send(platform, "3")
    assert not await is_ann_revealed(platform, PARTNERS)


@pytest.mark.parametrize("value", ["0", "true", "01", "1.0", "1, 1", "yes", '"1"', ""])
async def test_any_other_value_of_the_header_is_no_signal(platform: PlatformUnderTest, value: str) -> None:
    """GPC specification, section 3.2: the only value is 1."""
    await platform.send_messages(
        "web-shop", {**build_ann_message(1, address=CALIFORNIA), "anonymousId": "ck-1"}
    )
    await send_message(platform, {**VISIT, "messageId": "v1"}, **{"sec-gpc": value})
    await query_with_gpc(platform, value)
    assert await is_ann_revealed(platform, PARTNERS)
    assert await read_signal(platform) is None


@pytest.mark.parametrize(
    "context", [{"gpc": False}, {"gpc": None}, {"gpc": 1}, {"gpc": "1"}, {"gppString": NOT_OPTED_OUT_STRING}]
)
async def test_any_other_value_in_the_context_is_no_signal(
    platform: PlatformUnderTest, context: dict[str, Any]
) -> None:
    """Only the boolean true or a GPP opt-out counts."""
    await platform.send_messages(
        "web-shop", {**build_ann_message(1, address=CALIFORNIA), "anonymousId": "ck-1"}
    )
    await send_message(platform, {**VISIT, "messageId": "v1", "context": context})
    assert await is_ann_revealed(platform, PARTNERS)
    assert await read_signal(platform) is None
