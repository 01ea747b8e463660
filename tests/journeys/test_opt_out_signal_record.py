"""An opt-out signal is honoured where a law makes it binding, on record once, and shown to the customer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from discretion.store.driver.database import Database
from tests.fixtures.mongo import Commands
from tests.fixtures.platform import House, build

PARTNERS = "marketing.advertising.third_party.targeted"
CAL: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "timestamp": "2026-02-01T00:00:00Z",
    "traits": {"email": "cal@shop.example", "address": {"country": "US", "region": "CA"}},
}
SEEN = """{ me {
  optOutSignal { honouredSince jurisdiction }
  permissions { purpose { key } permitted why }
  consents { nodes { state method by at conflictWith } }
} }"""
GIVE = """mutation($p: [ConsentInput!]!) { setConsent(purposes: $p) {
  receipts { state } optOutSignal { honouredSince } permissions { purpose { key } permitted }
} }"""


async def seen(house: House, token: str, headers: dict[str, str] | None = None) -> dict[str, Any]:
    """What a customer reads."""
    sent = {"authorization": f"Bearer {token}", **(headers or {})}
    answer = (await house.http.post("/graphql", json={"query": SEEN}, headers=sent)).json()
    assert "errors" not in answer, answer
    me: dict[str, Any] = answer["data"]["me"]
    (partners,) = [one for one in me["permissions"] if one["purpose"]["key"] == PARTNERS]
    return {**me, "partners": partners}


async def test_a_signal_from_a_shops_page_is_honoured_and_on_record_once(house: House) -> None:
    await house.tell("web-shop", CAL)
    token = await house.own_token("email", "cal@shop.example")
    before = await seen(house, token)
    assert (before["optOutSignal"], before["partners"]["permitted"]) == (None, True)
    visit = {"type": "page", "userId": "w-1", "name": "Home", "context": {"gpc": True}}
    for number in ("2", "3"):
        at = f"2026-02-0{number}T00:00:00Z"
        await house.tell("web-shop", {**visit, "messageId": f"p{number}", "timestamp": at})
    me = await seen(house, token)
    assert me["optOutSignal"]["honouredSince"] == "2026-02-02T00:00:00.000Z"
    assert me["optOutSignal"]["jurisdiction"] == "us-ca"
    assert (me["partners"]["permitted"], me["partners"]["why"]) == (False, "opt_out_signal")
    (record,) = me["consents"]["nodes"]
    assert (record["state"], record["method"], record["by"]) == ("opted_out", "gpc", "source:web-shop")


async def test_the_browser_in_which_a_customer_asks_is_on_record_once(
    house: House, database: Database, tmp_path: Path, commands: Commands
) -> None:
    """Also if the next request reaches another process, which remembers nothing."""
    await house.tell("web-shop", CAL)
    token = await house.own_token("email", "cal@shop.example")
    for _ in range(2):
        me = await seen(house, token, {"sec-gpc": "1"})
    another = await build(database, tmp_path, commands)
    async with another.http:
        me = await seen(another, token, {"sec-gpc": "1"})
    assert me["optOutSignal"]
    assert [(one["state"], one["method"], one["by"]) for one in me["consents"]["nodes"]] == [
        ("opted_out", "gpc", "self:browser")
    ]


async def test_a_later_express_yes_is_heard_over_the_signal_and_points_at_it(house: House) -> None:
    """11 CCR 7025(c)(3): a specific choice; the signal's record says what it went against."""
    await house.tell("web-shop", {**CAL, "context": {"gpc": True}})
    token = await house.own_token("email", "cal@shop.example")
    answer = await house.ask(GIVE, token, {"p": [{"purpose": PARTNERS, "given": True}]})
    done = answer["data"]["setConsent"]
    assert done["optOutSignal"] is None
    me = await seen(house, token)
    assert me["partners"]["permitted"]
    newest, signal = me["consents"]["nodes"]
    assert newest["state"] == "given"
    assert newest["conflictWith"]
    assert signal["method"] == "gpc"


async def test_where_no_law_makes_a_signal_binding_it_is_on_record_and_nothing_is_shown(house: House) -> None:
    german = {
        **CAL,
        "traits": {"email": "cal@shop.example", "address": {"country": "DE"}},
        "context": {"gpc": True},
    }
    await house.tell("web-shop", german)
    me = await seen(house, await house.own_token("email", "cal@shop.example"))
    assert me["optOutSignal"] is None
    assert [one["method"] for one in me["consents"]["nodes"]] == ["gpc"]
