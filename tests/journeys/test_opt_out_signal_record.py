"""An opt-out signal is honoured where a law makes it binding, recorded once and shown to the customer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform

PARTNERS = "marketing.advertising.third_party.targeted"
CAL: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "timestamp": "2026-02-01T00:00:00Z",
    "traits": {"email": "cal@shop.example", "address": {"country": "US", "region": "CA"}},
}
READ_STATE = """{ me {
  optOutSignal { honouredSince jurisdiction }
  permissions { purpose { key } permitted why }
  consents { nodes { state method by at conflictWith } }
} }"""
SET_CONSENT = """mutation($p: [ConsentInput!]!) { setConsent(purposes: $p) {
  receipts { state } optOutSignal { honouredSince } permissions { purpose { key } permitted }
} }"""


async def read_signal_state(
    platform: PlatformUnderTest, token: str, headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return what the customer reads about signal, permissions and consents."""
    all_headers = {"authorization": f"Bearer {token}", **(headers or {})}
    answer = (await platform.http.post("/graphql", json={"query": READ_STATE}, headers=all_headers)).json()
    assert "errors" not in answer, answer
    me: dict[str, Any] = answer["data"]["me"]
    (partners,) = [permission for permission in me["permissions"] if permission["purpose"]["key"] == PARTNERS]
    return {**me, "partners": partners}


async def test_a_signal_from_a_web_page_is_honoured_and_recorded_once(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", CAL)
    token = await platform.issue_customer_token("email", "cal@shop.example")
    state_before = await read_signal_state(platform, token)
    assert (state_before["optOutSignal"], state_before["partners"]["permitted"]) == (None, True)
    visit = {"type": "page", "userId": "w-1", "name": "Home", "context": {"gpc": True}}
    for number in ("2", "3"):
        at = f"2026-02-0{number}T00:00:00Z"
        await platform.send_messages("web-shop", {**visit, "messageId": f"p{number}", "timestamp": at})
    me = await read_signal_state(platform, token)
    assert me["optOutSignal"]["honouredSince"] == "2026-02-02T00:00:00.000Z"
    assert me["optOutSignal"]["jurisdiction"] == "us-ca"
    assert (me["partners"]["permitted"], me["partners"]["why"]) == (False, "opt_out_signal")
    (record,) = me["consents"]["nodes"]
    assert (record["state"], record["method"], record["by"]) == ("opted_out", "gpc", "source:web-shop")


async def test_the_signal_of_the_customers_own_browser_is_recorded_once(
    platform: PlatformUnderTest, database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """This holds if the next request reaches another server process, without the first one's cache."""
    await platform.send_messages("web-shop", CAL)
    token = await platform.issue_customer_token("email", "cal@shop.example")
    for _ in range(2):
        me = await read_signal_state(platform, token, {"sec-gpc": "1"})
    another = await build_test_platform(database, tmp_path, commands)
    async with another.http:
        me = await read_signal_state(another, token, {"sec-gpc": "1"})
    assert me["optOutSignal"]
    assert [(record["state"], record["method"], record["by"]) for record in me["consents"]["nodes"]] == [
        ("opted_out", "gpc", "self:browser")
    ]


async def test_a_later_explicit_consent_overrides_the_signal_and_refers_to_it(
    platform: PlatformUnderTest,
) -> None:
    """11 CCR 7025(c)(3): a specific choice wins; its record names the conflicting signal."""
    await platform.send_messages("web-shop", {**CAL, "context": {"gpc": True}})
    token = await platform.issue_customer_token("email", "cal@shop.example")
    answer = await platform.query(SET_CONSENT, token, {"p": [{"purpose": PARTNERS, "given": True}]})
    payload = answer["data"]["setConsent"]
    assert payload["optOutSignal"] is None
    me = await read_signal_state(platform, token)
    assert me["partners"]["permitted"]
    newest, signal = me["consents"]["nodes"]
    assert newest["state"] == "given"
    assert newest["conflictWith"]
    assert signal["method"] == "gpc"


async def test_a_signal_without_a_binding_law_is_recorded_and_not_shown(
    platform: PlatformUnderTest,
) -> None:
    german = {
        **CAL,
        "traits": {"email": "cal@shop.example", "address": {"country": "DE"}},
        "context": {"gpc": True},
    }
    await platform.send_messages("web-shop", german)
    me = await read_signal_state(platform, await platform.issue_customer_token("email", "cal@shop.example"))
    assert me["optOutSignal"] is None
    assert [record["method"] for record in me["consents"]["nodes"]] == ["gpc"]
