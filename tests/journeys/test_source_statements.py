"""What a shop's own pages were told is in force and on record like the customer's own word."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import House

EMAIL = "marketing.communications.email"
PARTNERS = "marketing.advertising.third_party.targeted"
NOTICE = {"version": "2026-09", "language": "de", "sha256": "ab" * 32}
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "timestamp": "2026-01-01T00:00:00Z",
    "traits": {"email": "ann@shop.example", "address": {"country": "DE"}},
}
SAID: dict[str, Any] = {
    "userId": "w-1",
    "messageId": "c1",
    "timestamp": "2026-02-01T10:00:00Z",
    "purposes": {EMAIL: True},
    "notice": NOTICE,
    "method": "explicit_click",
}
RECORDS = """{ me {
  consents { nodes { id purpose state at by channel method guardian notice { version } conflictWith } }
  permissions { purpose { key } permitted said why }
} }"""


async def post(house: House, **members: Any) -> dict[str, Any]:
    """The answer to ``POST /v1/consent``."""
    auth = (house.keys["web-shop"], "")
    told: dict[str, Any] = (await house.http.post("/v1/consent", json={**SAID, **members}, auth=auth)).json()
    return told


async def known(house: House) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """What is on record about Ann, newest first, and what she permits."""
    token = await house.own_token("email", "ann@shop.example")
    answer = await house.ask(RECORDS, token)
    assert "errors" not in answer, answer
    me = answer["data"]["me"]
    return me["consents"]["nodes"], {one["purpose"]["key"]: one for one in me["permissions"]}


async def test_a_consent_message_counts_and_is_on_record_with_the_notice(house: House) -> None:
    await house.tell("web-shop", ANN)
    assert (await post(house))["accepted"] == 1
    records, permissions = await known(house)
    assert permissions[EMAIL] == {"purpose": {"key": EMAIL}, "permitted": True, "said": True, "why": "agreed"}
    (one,) = records
    del one["id"]
    assert one == {
        "purpose": EMAIL,
        "state": "given",
        "at": "2026-02-01T10:00:00.000Z",
        "by": "source:web-shop",
        "channel": "web",
        "method": "explicit_click",
        "guardian": None,
        "notice": {"version": "2026-09"},
        "conflictWith": None,
    }


async def test_it_is_told_once_however_often_it_is_sent(house: House) -> None:
    await house.tell("web-shop", ANN)
    assert (await post(house))["accepted"] == 1
    assert (await post(house))["duplicate"] == 1
    batch = await house.tell(
        "web-shop", {**SAID, "type": "consent"}, {**SAID, "type": "consent", "messageId": "c2"}
    )
    assert (batch["duplicate"], batch["accepted"]) == (1, 1)
    assert len((await known(house))[0]) == 2


async def test_a_message_that_comes_late_changes_neither_what_is_permitted_nor_the_record(
    house: House,
) -> None:
    """The later word stands, whatever comes in after it."""
    await house.tell("web-shop", ANN)
    await post(house, messageId="c2", purposes={EMAIL: False}, timestamp="2026-03-01T00:00:00Z")
    await post(house)
    records, permissions = await known(house)
    assert permissions[EMAIL]["permitted"] is False
    assert [one["state"] for one in records] == ["refused"]


async def test_words_about_one_person_in_one_batch_follow_each_other(house: House) -> None:
    said = {**SAID, "type": "consent"}
    await house.tell(
        "web-shop",
        ANN,
        said,
        {**said, "messageId": "c3", "purposes": {"marketing": False}, "timestamp": "2026-02-03T00:00:00Z"},
        {**said, "messageId": "c2", "timestamp": "2026-02-02T00:00:00Z"},
    )
    records, permissions = await known(house)
    states = sorted((one["at"], one["state"]) for one in records if one["purpose"] == EMAIL)
    assert [state for _, state in states] == ["given", "renewed", "withdrawn"]
    assert not permissions[EMAIL]["permitted"]


async def test_a_yes_that_contradicts_the_customers_own_no_points_at_it(house: House) -> None:
    await house.tell("web-shop", ANN)
    token = await house.own_token("email", "ann@shop.example")
    answer = await house.ask(
        "mutation($p: [String!]!) { withdrawConsent(purposes: $p) { receipts { id } } }",
        token,
        {"p": [EMAIL]},
    )
    (own,) = answer["data"]["withdrawConsent"]["receipts"]
    later = {"messageId": "c2", "timestamp": "2100-01-01T00:00:00Z"}
    await post(house, **later)
    records, _ = await known(house)
    assert records[0]["conflictWith"] == own["id"]


async def test_a_guardian_agrees_for_a_child_through_a_source(house: House) -> None:
    child = {**ANN, "traits": {**ANN["traits"], "birthday": "2016-05-01"}}
    await house.tell("web-shop", child)
    await post(house)
    assert (await known(house))[1][EMAIL]["permitted"] is False
    await post(house, messageId="c2", method=None, guardian={"reference": "parents/2026-17"})
    records, permissions = await known(house)
    assert permissions[EMAIL]["permitted"] is True
    assert (records[0]["method"], records[0]["guardian"]) == ("guardian", "parents/2026-17")


async def test_segments_event_of_changed_preferences_is_consent_and_not_in_the_timeline(house: House) -> None:
    await house.tell("web-shop", ANN)
    changed = {
        "type": "track",
        "event": "Segment Consent Preference Updated",
        "userId": "w-1",
        "messageId": "t1",
        "context": {"consent": {"categoryPreferences": {PARTNERS: True, "Advertising": True}}},
    }
    told = await house.tell("web-shop", changed)
    assert (told["accepted"], told["dropped"]) == (1, 1)
    records, permissions = await known(house)
    assert permissions[PARTNERS]["permitted"]
    assert [(one["purpose"], one["method"]) for one in records] == [(PARTNERS, "source")]
    token = await house.own_token("email", "ann@shop.example")
    answer = await house.ask("{ me { events { nodes { id } } } }", token)
    assert answer["data"]["me"]["events"]["nodes"] == []


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"purposes": {"marketing.pigeons": True}}, "PURPOSE_UNKNOWN"),
        ({"purposes": {}}, "PURPOSES_MISSING"),
        ({"notice": {"version": "1"}}, "NOTICE_INVALID"),
        ({"guardian": {"reference": "Eve Marlow"}}, "GUARDIAN_INVALID"),
    ],
)
async def test_a_consent_message_that_is_wrong_is_refused_and_not_lost(
    house: House, members: dict[str, Any], code: str
) -> None:
    """The sender is told at once, and the privacy office sees that something waits."""
    await house.tell("web-shop", ANN)
    told = await post(house, **members)
    assert [one["code"] for one in told["results"]] == [code]
    waiting = await house.ask("{ deadLetters { code count } }", house.token("steward"))
    assert waiting["data"]["deadLetters"] == [{"code": code, "count": 1}]
    assert (await known(house))[0] == []


async def test_somebody_nobody_knew_may_say_something_first(house: House) -> None:
    """A visitor agrees before anything else is known of them."""
    await post(house, userId=None, anonymousId="ck-1")
    await house.tell("web-shop", {**ANN, "anonymousId": "ck-1"})
    records, permissions = await known(house)
    assert [one["purpose"] for one in records] == [EMAIL]
    assert permissions[EMAIL]["said"] is True


async def test_what_comes_with_every_message_is_on_record_when_it_changes(house: House) -> None:
    """Once for yes, however many pages; once for no; and a node speaks for each purpose below it."""

    def stamped(number: int, *, given: bool) -> dict[str, Any]:
        said = {"consent": {"categoryPreferences": {"marketing.communications": given}}}
        when = {"messageId": f"s{number}", "timestamp": f"2026-02-0{number}T00:00:00Z"}
        return {**ANN, **when, "context": said}

    await house.tell("web-shop", ANN, stamped(1, given=True), stamped(2, given=True))
    await house.tell("web-shop", stamped(3, given=True))
    await house.tell("web-shop", stamped(4, given=False), stamped(5, given=False))
    records, permissions = await known(house)
    about = [(one["purpose"], one["state"], one["at"][:10]) for one in records if one["purpose"] == EMAIL]
    assert about == [(EMAIL, "withdrawn", "2026-02-04"), (EMAIL, "given", "2026-02-01")]
    assert {one["purpose"] for one in records} == {EMAIL, "marketing.communications.sms"}
    assert permissions[EMAIL]["permitted"] is False


async def test_the_string_that_a_signal_was_read_in_is_on_record(house: House) -> None:
    """A GPP string of California, in which sale and sharing are opted out of."""
    string = "DBABBg~BVqqqqpY.YA"
    await house.tell("web-shop", {**ANN, "context": {"gppString": string, "gpc": True}})
    token = await house.own_token("email", "ann@shop.example")
    answer = await house.ask("{ me { consents { nodes { purpose state method signal } } } }", token)
    told = {one["method"]: one["signal"] for one in answer["data"]["me"]["consents"]["nodes"]}
    assert told == {"gpc": "Sec-GPC: 1", "gpp": string}


@pytest.mark.parametrize("header", [True, False])
async def test_a_browser_is_the_one_who_says_so_whichever_way_it_does(house: House, header: bool) -> None:
    """In a header of the request, or as the page's script read it: one signal, and not an IAB string."""
    ways: list[dict[str, Any]] = [{"gpc": True}] if not header else [{}]
    await house.http.post(
        "/v1/batch",
        json={"batch": [{**ANN, "context": ways[0]}]},
        auth=(house.keys["web-shop"], ""),
        headers={"sec-gpc": "1"} if header else {},
    )
    token = await house.own_token("email", "ann@shop.example")
    answer = await house.ask("{ me { consents { nodes { state method signal } } } }", token)
    (told,) = answer["data"]["me"]["consents"]["nodes"]
    assert told == {"state": "opted_out", "method": "gpc", "signal": "Sec-GPC: 1"}
