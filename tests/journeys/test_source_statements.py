"""Consent that a source sends takes effect and is recorded like consent from the customer."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.shown_notice import SHOWN_NOTICE

EMAIL = "marketing.communications.email"
PARTNERS = "marketing.advertising.third_party.targeted"
NOTICE = SHOWN_NOTICE
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "timestamp": "2026-01-01T00:00:00Z",
    "traits": {"email": "ann@shop.example", "address": {"country": "DE"}},
}
CONSENT_MESSAGE: dict[str, Any] = {
    "userId": "w-1",
    "messageId": "c1",
    "timestamp": "2026-02-01T10:00:00Z",
    "purposes": {EMAIL: True},
    "notice": NOTICE,
    "method": "explicit_click",
}
READ_CONSENTS = """{ me {
  consents { nodes { id purpose state at by channel method guardian notice { version } conflictWith } }
  permissions { purpose { key } permitted said why }
} }"""


async def post_consent(platform: PlatformUnderTest, **changes: Any) -> dict[str, Any]:
    """Post the consent message with changes and return the answer of ``POST /v1/consent``."""
    auth = (platform.write_keys["web-shop"], "")
    answer: dict[str, Any] = (
        await platform.http.post("/v1/consent", json={**CONSENT_MESSAGE, **changes}, auth=auth)
    ).json()
    return answer


async def read_consents(
    platform: PlatformUnderTest,
) -> tuple[list[dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return Ann's consent records, newest first, and her permissions by purpose."""
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await platform.query(READ_CONSENTS, token)
    assert "errors" not in answer, answer
    me = answer["data"]["me"]
    return me["consents"]["nodes"], {
        permission["purpose"]["key"]: permission for permission in me["permissions"]
    }


async def test_a_consent_message_takes_effect_and_is_recorded_with_its_notice(
    platform: PlatformUnderTest,
) -> None:
    await platform.send_messages("web-shop", ANN)
    assert (await post_consent(platform))["accepted"] == 1
    records, permissions = await read_consents(platform)
    assert permissions[EMAIL] == {"purpose": {"key": EMAIL}, "permitted": True, "said": True, "why": "agreed"}
    (record,) = records
    del record["id"]
    assert record == {
        "purpose": EMAIL,
        "state": "given",
        "at": "2026-02-01T10:00:00.000Z",
        "by": "source:web-shop",
        "channel": "web",
        "method": "explicit_click",
        "guardian": None,
        "notice": {"version": NOTICE["version"]},
        "conflictWith": None,
    }


async def test_a_repeated_consent_message_is_recorded_once(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", ANN)
    assert (await post_consent(platform))["accepted"] == 1
    assert (await post_consent(platform))["duplicate"] == 1
    batch = await platform.send_messages(
        "web-shop",
        {**CONSENT_MESSAGE, "type": "consent"},
        {**CONSENT_MESSAGE, "type": "consent", "messageId": "c2"},
    )
    assert (batch["duplicate"], batch["accepted"]) == (1, 1)
    assert len((await read_consents(platform))[0]) == 2


async def test_a_late_message_changes_neither_permissions_nor_records(
    platform: PlatformUnderTest,
) -> None:
    """The statement with the later timestamp applies, in whatever order they arrive."""
    await platform.send_messages("web-shop", ANN)
    await post_consent(platform, messageId="c2", purposes={EMAIL: False}, timestamp="2026-03-01T00:00:00Z")
    await post_consent(platform)
    records, permissions = await read_consents(platform)
    assert permissions[EMAIL]["permitted"] is False
    assert [record["state"] for record in records] == ["refused"]


async def test_statements_in_one_batch_are_applied_in_order_of_their_timestamps(
    platform: PlatformUnderTest,
) -> None:
    message = {**CONSENT_MESSAGE, "type": "consent"}
    await platform.send_messages(
        "web-shop",
        ANN,
        message,
        {**message, "messageId": "c3", "purposes": {"marketing": False}, "timestamp": "2026-02-03T00:00:00Z"},
        {**message, "messageId": "c2", "timestamp": "2026-02-02T00:00:00Z"},
    )
    records, permissions = await read_consents(platform)
    states = sorted((record["at"], record["state"]) for record in records if record["purpose"] == EMAIL)
    assert [state for _, state in states] == ["given", "renewed", "withdrawn"]
    assert not permissions[EMAIL]["permitted"]


async def test_a_consent_that_contradicts_the_customers_withdrawal_refers_to_it(
    platform: PlatformUnderTest,
) -> None:
    await platform.send_messages("web-shop", ANN)
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await platform.query(
        "mutation($p: [String!]!) { withdrawConsent(purposes: $p) { receipts { id } } }",
        token,
        {"p": [EMAIL]},
    )
    (receipt,) = answer["data"]["withdrawConsent"]["receipts"]
    later = {"messageId": "c2", "timestamp": "2100-01-01T00:00:00Z"}
    await post_consent(platform, **later)
    records, _ = await read_consents(platform)
    assert records[0]["conflictWith"] == receipt["id"]


async def test_a_guardians_consent_for_a_child_is_accepted_from_a_source(platform: PlatformUnderTest) -> None:
    child = {**ANN, "traits": {**ANN["traits"], "birthday": "2016-05-01"}}
    await platform.send_messages("web-shop", child)
    await post_consent(platform)
    assert (await read_consents(platform))[1][EMAIL]["permitted"] is False
    await post_consent(platform, messageId="c2", method=None, guardian={"reference": "parents/2026-17"})
    records, permissions = await read_consents(platform)
    assert permissions[EMAIL]["permitted"] is True
    assert (records[0]["method"], records[0]["guardian"]) == ("guardian", "parents/2026-17")


async def test_segments_preference_event_is_recorded_as_consent_and_not_as_event(
    platform: PlatformUnderTest,
) -> None:
    await platform.send_messages("web-shop", ANN)
    changed = {
        "type": "track",
        "event": "Segment Consent Preference Updated",
        "userId": "w-1",
        "messageId": "t1",
        "context": {"consent": {"categoryPreferences": {PARTNERS: True, "Advertising": True}}},
    }
    outcome = await platform.send_messages("web-shop", changed)
    assert (outcome["accepted"], outcome["dropped"]) == (1, 1)
    records, permissions = await read_consents(platform)
    assert permissions[PARTNERS]["permitted"]
    assert [(record["purpose"], record["method"]) for record in records] == [(PARTNERS, "source")]
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await platform.query("{ me { events { nodes { id } } } }", token)
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
async def test_an_invalid_consent_message_becomes_a_dead_letter(
    platform: PlatformUnderTest, members: dict[str, Any], code: str
) -> None:
    """The sender gets the code at once, and the steward sees the dead letter."""
    await platform.send_messages("web-shop", ANN)
    outcome = await post_consent(platform, **members)
    assert [result["code"] for result in outcome["results"]] == [code]
    answer = await platform.query("{ deadLetters { code count } }", platform.issue_token("steward"))
    assert answer["data"]["deadLetters"] == [{"code": code, "count": 1}]
    assert (await read_consents(platform))[0] == []


async def test_a_visitors_consent_covers_the_visit_and_not_the_account(platform: PlatformUnderTest) -> None:
    """Who clicked on that device is not known; under the account the same consent counts."""
    await post_consent(platform, userId=None, anonymousId="ck-1")
    await platform.send_messages("web-shop", {**ANN, "anonymousId": "ck-1"})
    records, permissions = await read_consents(platform)
    assert [record["purpose"] for record in records] == [EMAIL]
    assert (permissions[EMAIL]["said"], permissions[EMAIL]["permitted"]) == (None, False)
    await post_consent(platform, messageId="c2")
    assert (await read_consents(platform))[1][EMAIL]["permitted"]


async def test_preferences_in_message_contexts_are_recorded_when_they_change(
    platform: PlatformUnderTest,
) -> None:
    """One record for the consent and one for the refusal; a parent node covers each purpose below it."""

    def build_message(number: int, *, granted: bool) -> dict[str, Any]:
        context = {"consent": {"categoryPreferences": {"marketing.communications": granted}}}
        sent = {"messageId": f"s{number}", "timestamp": f"2026-02-0{number}T00:00:00Z"}
        return {**ANN, **sent, "context": context}

    await platform.send_messages(
        "web-shop", ANN, build_message(1, granted=True), build_message(2, granted=True)
    )
    await platform.send_messages("web-shop", build_message(3, granted=True))
    await platform.send_messages("web-shop", build_message(4, granted=False), build_message(5, granted=False))
    records, permissions = await read_consents(platform)
    about = [
        (record["purpose"], record["state"], record["at"][:10])
        for record in records
        if record["purpose"] == EMAIL
    ]
    assert about == [(EMAIL, "withdrawn", "2026-02-04"), (EMAIL, "given", "2026-02-01")]
    assert {record["purpose"] for record in records} == {EMAIL, "marketing.communications.sms"}
    assert permissions[EMAIL]["permitted"] is False


async def test_the_string_that_carried_a_signal_is_recorded(platform: PlatformUnderTest) -> None:
    """A GPP string of California that opts out of sale and sharing."""
    string = "DBABBg~BVqqqqpY.YA"
    await platform.send_messages("web-shop", {**ANN, "context": {"gppString": string, "gpc": True}})
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await platform.query("{ me { consents { nodes { purpose state method signal } } } }", token)
    signals = {record["method"]: record["signal"] for record in answer["data"]["me"]["consents"]["nodes"]}
    assert signals == {"gpc": "Sec-GPC: 1", "gpp": string}


@pytest.mark.parametrize("header", [True, False])
async def test_a_browser_signal_is_recorded_alike_from_header_and_context(
    platform: PlatformUnderTest, header: bool
) -> None:
    """The header and the value that a page script read are the same signal, recorded as ``Sec-GPC: 1``."""
    context: dict[str, Any] = {} if header else {"gpc": True}
    await platform.http.post(
        "/v1/batch",
        json={"batch": [{**ANN, "context": context}]},
        auth=(platform.write_keys["web-shop"], ""),
        headers={"sec-gpc": "1"} if header else {},
    )
    token = await platform.issue_customer_token("email", "ann@shop.example")
    answer = await platform.query("{ me { consents { nodes { state method signal } } } }", token)
    (record,) = answer["data"]["me"]["consents"]["nodes"]
    assert record == {"state": "opted_out", "method": "gpc", "signal": "Sec-GPC: 1"}
