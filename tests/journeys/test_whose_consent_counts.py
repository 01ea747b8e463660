"""Whose yes covers what, over all doors: a stranger's yes widens nothing, and a person's own no stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.consent import (
    EMAIL,
    PARTNERS,
    SET_CONSENT,
    WITHDRAW_CONSENT,
    find_permission,
    mutate,
)
from tests.unit.law.signals.strings import encode_tc_string

PERMISSIONS = "{ me { permissions { purpose { key } permitted said why since } } }"
VIC: dict[str, Any] = {
    "type": "identify",
    "userId": "v-1",
    "traits": {
        "firstName": "Vic",
        "email": "vic@mail.example",
        "phone": "+49 30 901820",
        "address": {"country": "DE"},
    },
}
ALL_TCF_PURPOSES = tuple(range(1, 12))


def days_ago(days: float) -> str:
    """Return that time in ISO 8601."""
    return (datetime.now(UTC) - timedelta(days=days)).isoformat()


def prefer(purpose: str, *, permits: bool, **members: Any) -> dict[str, Any]:
    """Return a message in whose context a source repeats a choice."""
    consent = {"categoryPreferences": {purpose: permits}}
    return {"type": "identify", "traits": {}, **members, "context": {"consent": consent}}


async def read_vic(platform: PlatformUnderTest, purpose: str = EMAIL) -> dict[str, Any]:
    """Return Vic's permission for a purpose."""
    token = await platform.issue_customer_token("user_id", "v-1")
    answer = await platform.query(PERMISSIONS, token)
    assert "errors" not in answer, answer
    return find_permission(answer["data"]["me"], purpose)


async def list_marketable(platform: PlatformUnderTest) -> list[str]:
    """Return the e-mail addresses that marketing reads of customers called Vic."""
    query = "{ customers { nodes { identity { givenName } contact { email } } } }"
    answer = await platform.query(query, platform.issue_token("marketing"))
    nodes = answer["data"]["customers"]["nodes"]
    return [
        node["contact"]["email"]
        for node in nodes
        if node["identity"] and node["identity"]["givenName"] == "Vic" and node["contact"]["email"]
    ]


async def find_vic(platform: PlatformUnderTest, client: str) -> str:
    """Return Vic's id as a client sees it."""
    query = '{ customer(identifier: {type: "user_id", value: "v-1"}) { id } }'
    answer = await platform.query(query, platform.issue_token("steward", client=client))
    vic: str = answer["data"]["customer"]["id"]
    return vic


STRANGERS: dict[str, list[tuple[str, dict[str, Any]]]] = {
    "a cookie agrees and types the address": [
        ("web-shop", prefer(EMAIL, permits=True, anonymousId="s-1")),
        ("web-shop", {"type": "identify", "anonymousId": "s-1", "traits": {"email": "vic@mail.example"}}),
    ],
    "a device agrees explicitly and types the address": [
        ("ios-app", {"type": "consent", "anonymousId": "d-1", "purposes": {EMAIL: True}}),
        ("ios-app", {"type": "identify", "anonymousId": "d-1", "traits": {"email": "vic@mail.example"}}),
    ],
    "a payment card agrees at a till": [
        ("tills", {"type": "consent", "anonymousId": "card-1", "purposes": {"marketing": True}}),
        ("tills", {"type": "identify", "anonymousId": "card-1", "traits": {"email": "vic@mail.example"}}),
    ],
    "another account agrees and types the address": [
        ("web-shop", {"type": "consent", "userId": "merge-0", "purposes": {PARTNERS: True, EMAIL: True}}),
        ("web-shop", {"type": "identify", "userId": "merge-0", "traits": {"email": "vic@mail.example"}}),
    ],
    "another account agrees and presents the address as its own login": [
        ("ios-app", {"type": "consent", "userId": "merge-1", "purposes": {"marketing": True}}),
        (
            "ios-app",
            {
                "type": "identify",
                "userId": "merge-1",
                "context": {"externalIds": [{"id": "vic@mail.example", "type": "email"}]},
            },
        ),
    ],
    "a relative agrees and shares the landline": [
        ("tills", {"type": "identify", "userId": "HB-1", "traits": {"phone": "+49 30 901820"}}),
        ("tills", {"type": "consent", "userId": "HB-1", "purposes": {EMAIL: True}}),
    ],
    "a cookie with a consent string of a consent manager": [
        (
            "web-shop",
            {
                "type": "identify",
                "anonymousId": "s-1",
                "traits": {"email": "vic@mail.example"},
                "context": {"tcString": encode_tc_string(ALL_TCF_PURPOSES)},
            },
        ),
    ],
}


@pytest.mark.parametrize("story", STRANGERS)
async def test_a_strangers_yes_permits_nothing(platform: PlatformUnderTest, story: str) -> None:
    """Before and after: nobody asked Vic, and marketing reads no address."""
    await platform.send_messages("web-shop", VIC)
    assert (await read_vic(platform))["why"] == "not_agreed"
    for source, message in STRANGERS[story]:
        await platform.send_messages(source, message)
    for purpose in (EMAIL, PARTNERS):
        assert not (await read_vic(platform, purpose))["permitted"]
    assert await list_marketable(platform) == []
    partner = platform.issue_token("partner", client="ad-partner")
    answer = await platform.query("{ customers { nodes { id } } }", partner)
    assert await find_vic(platform, "ad-partner") not in [
        node["id"] for node in answer["data"]["customers"]["nodes"]
    ]


async def test_a_yes_under_a_login_stays_when_silent_records_join(platform: PlatformUnderTest) -> None:
    """A yes, then a new cookie, then a confirmed card: still permitted."""
    await platform.send_messages(
        "web-shop", VIC, {"type": "consent", "userId": "v-1", "purposes": {EMAIL: True}}
    )
    await platform.send_messages("web-shop", {"type": "page", "userId": "v-1", "anonymousId": "new-cookie"})
    card = {"id": "L-100200", "type": "loyalty_id", "assurance": "proven"}
    await platform.send_messages(
        "web-shop", {"type": "identify", "userId": "v-1", "context": {"externalIds": [card]}}
    )
    await platform.send_messages(
        "tills", {"type": "identify", "userId": "L-100200", "traits": {"firstName": "V"}}
    )
    assert (await read_vic(platform))["why"] == "agreed"
    assert await list_marketable(platform) == ["vic@mail.example"]


async def test_a_no_on_any_record_covers_the_person(platform: PlatformUnderTest) -> None:
    """Of a cookie that belongs to the login, too."""
    await platform.send_messages("web-shop", {**VIC, "anonymousId": "ck"})
    await platform.send_messages("web-shop", {"type": "consent", "userId": "v-1", "purposes": {EMAIL: True}})
    assert (await read_vic(platform))["permitted"]
    await platform.send_messages("web-shop", prefer(EMAIL, permits=False, anonymousId="ck"))
    assert (await read_vic(platform))["why"] == "refused"


@pytest.mark.parametrize("records", [1, 2])
@pytest.mark.parametrize("later", ["explicit", "ambient"])
async def test_a_sources_later_yes_does_not_lift_an_own_withdrawal(
    platform: PlatformUnderTest, records: int, later: str
) -> None:
    """In one record or in several; the person themselves lifts it."""
    await platform.send_messages("web-shop", {**VIC, "anonymousId": "ck"})
    if records == 2:
        await platform.send_messages("web-shop", {"type": "page", "anonymousId": "ck"})
    agrees = {"type": "consent", "userId": "v-1", "purposes": {EMAIL: True}}
    await platform.send_messages("web-shop", agrees)
    assert (await read_vic(platform))["permitted"]
    token = await platform.issue_customer_token("user_id", "v-1")
    await mutate(platform, token, WITHDRAW_CONSENT, p=[EMAIL])
    repeated = agrees if later == "explicit" else prefer(EMAIL, permits=True, userId="v-1")
    outcome = await platform.send_messages("web-shop", repeated)
    assert outcome["accepted"] == 1
    assert (await read_vic(platform))["why"] == "refused"
    await mutate(platform, token, SET_CONSENT, p=[{"purpose": EMAIL, "given": True}])
    assert (await read_vic(platform))["why"] == "agreed"


async def test_a_sources_later_no_withdraws_an_own_yes(platform: PlatformUnderTest) -> None:
    await platform.send_messages("web-shop", VIC)
    token = await platform.issue_customer_token("user_id", "v-1")
    await mutate(platform, token, SET_CONSENT, p=[{"purpose": EMAIL, "given": True}])
    await platform.send_messages("web-shop", {"type": "consent", "userId": "v-1", "purposes": {EMAIL: False}})
    assert (await read_vic(platform))["why"] == "refused"


async def test_a_repeated_state_renews_nothing(platform: PlatformUnderTest) -> None:
    """Consent to e-mail lasts three years; a page that repeats it each day does not prolong it."""
    await platform.send_messages("web-shop", VIC)
    for number, days in enumerate((1200, 600, 0)):
        message = prefer(EMAIL, permits=True, userId="v-1", messageId=f"p-{number}", timestamp=days_ago(days))
        await platform.send_messages("web-shop", message)
    assert not (await read_vic(platform))["permitted"]
    await platform.send_messages("web-shop", {"type": "consent", "userId": "v-1", "purposes": {EMAIL: True}})
    assert (await read_vic(platform))["permitted"]


@pytest.mark.parametrize(("updated_days_ago", "permitted"), [(500, False), (100, True)])
async def test_a_consent_string_counts_from_its_last_update(
    platform: PlatformUnderTest, updated_days_ago: int, permitted: bool
) -> None:
    """Consent to sharing with partners lasts thirteen months, however often the string is sent."""
    await platform.send_messages("web-shop", VIC)
    updated = datetime.now(UTC) - timedelta(days=updated_days_ago)
    string = encode_tc_string(ALL_TCF_PURPOSES, updated=int(updated.timestamp() * 10))
    for number in range(2):
        message = {"type": "page", "userId": "v-1", "messageId": f"t-{number}"}
        await platform.send_messages("web-shop", {**message, "context": {"tcString": string}})
    assert (await read_vic(platform, PARTNERS))["permitted"] is permitted


async def test_a_string_that_is_older_than_a_refusal_does_not_lift_it(platform: PlatformUnderTest) -> None:
    """A page that was not informed of the refusal keeps sending the former string; a later one counts."""
    await platform.send_messages("web-shop", VIC)
    before, after = (
        encode_tc_string(
            ALL_TCF_PURPOSES, updated=int((datetime.now(UTC) - timedelta(days=days)).timestamp() * 10)
        )
        for days in (20, 5)
    )
    refusal = prefer(PARTNERS, permits=False, userId="v-1", timestamp=days_ago(10))
    page = {"type": "page", "userId": "v-1"}
    await platform.send_messages("web-shop", refusal, {**page, "context": {"tcString": before}})
    assert (await read_vic(platform, PARTNERS))["why"] == "refused"
    await platform.send_messages("web-shop", {**page, "context": {"tcString": after}})
    assert (await read_vic(platform, PARTNERS))["why"] == "agreed"


@pytest.mark.parametrize("denied", [EMAIL, "marketing.communications", "marketing"])
async def test_rudderstacks_denied_consent_ids_count(platform: PlatformUnderTest, denied: str) -> None:
    """``context.consentManagement`` of any message; what has no meaning is named in its answer."""
    agrees = {"type": "consent", "userId": "v-1", "purposes": {EMAIL: True}}
    await platform.send_messages("web-shop", VIC, agrees)
    management = {"deniedConsentIds": [denied], "allowedConsentIds": ["C0001"], "provider": "custom"}
    page = {"type": "page", "userId": "v-1", "context": {"consentManagement": management}}
    outcome = await platform.send_messages("web-shop", page)
    (result,) = outcome["results"]
    assert [(item["code"], item["place"]) for item in result["leftOut"]] == [
        ("CONSENT_ID_UNKNOWN", "context.consentManagement.allowedConsentIds.C0001")
    ]
    assert (await read_vic(platform))["why"] == "refused"
