"""An acceptance refers only to a privacy notice that people are shown; a refusal counts with any."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.shown_notice import SHOWN_NOTICE
from tests.journeys.consent import EMAIL, PARTNERS, SET_CONSENT, create_ann, find_permission, read_history

UNKNOWN_NOTICES = [
    {**SHOWN_NOTICE, "sha256": "ab" * 32},
    {**SHOWN_NOTICE, "version": "2"},
    {**SHOWN_NOTICE, "language": "tlh"},
    {**SHOWN_NOTICE, "language": "ja"},  # of the German text
]
SHOW_NOTICE = """query($j: String!, $l: String!) {
  privacyNotice(jurisdiction: $j, language: $l) { version sha256 }
}"""
PERMISSIONS = "{ me { permissions { purpose { key } permitted said why } } }"


async def read_permission(platform: PlatformUnderTest, token: str, purpose: str) -> dict[str, Any]:
    """Return the customer's permission for a purpose."""
    answer = await platform.query(PERMISSIONS, token)
    return find_permission(answer["data"]["me"], purpose)


async def post_consent(platform: PlatformUnderTest, **members: Any) -> dict[str, Any]:
    """Report a statement of Ann's and return the answer."""
    auth = (platform.write_keys["web-shop"], "")
    message = {"userId": "w-1", **members}
    answer: dict[str, Any] = (await platform.http.post("/v1/consent", json=message, auth=auth)).json()
    return answer


@pytest.mark.parametrize("notice", UNKNOWN_NOTICES)
async def test_an_acceptance_with_an_unknown_notice_is_refused(
    platform: PlatformUnderTest, notice: dict[str, str]
) -> None:
    token = await create_ann(platform)
    choices = [{"purpose": EMAIL, "given": True}]
    answer = await platform.query(SET_CONSENT, token, {"p": choices, "n": notice})
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == "NOTICE_UNKNOWN"
    assert "privacyNotice" in error["extensions"]["advice"]
    (result,) = (await post_consent(platform, purposes={EMAIL: True}, notice=notice))["results"]
    assert (result["status"], result["code"], result["place"]) == ("refused", "NOTICE_UNKNOWN", "notice")
    assert "privacyNotice" in result["reason"]
    assert (await read_permission(platform, token, EMAIL))["said"] is None
    assert await read_history(platform, token) == []


@pytest.mark.parametrize("jurisdiction", ["eu", "us-ca", "jp"])
@pytest.mark.parametrize("language", ["de", "de-AT", "en", "ja"])
async def test_the_notice_that_the_api_shows_is_known(
    platform: PlatformUnderTest, jurisdiction: str, language: str
) -> None:
    """Also by the reader's own language tag, which the notice of a wider language serves."""
    token = await create_ann(platform)
    query = (
        "query($j: String!, $l: String!) { privacyNotice(jurisdiction: $j, language: $l) { version sha256 } }"
    )
    shown = (await platform.query(query, None, {"j": jurisdiction, "l": language}))["data"]["privacyNotice"]
    notice = {**shown, "language": language}
    assert (await post_consent(platform, purposes={EMAIL: True}, notice=notice))["accepted"] == 1
    assert (await read_permission(platform, token, EMAIL))["permitted"]


async def test_refusals_beside_an_acceptance_with_an_unknown_notice_are_in_force(
    platform: PlatformUnderTest,
) -> None:
    """The acceptance is refused and named; the refusal in the same call or message counts."""
    token = await create_ann(platform)
    choices = [{"purpose": EMAIL, "given": True}, {"purpose": PARTNERS, "given": False}]
    answer = await platform.query(SET_CONSENT, token, {"p": choices, "n": UNKNOWN_NOTICES[0]})
    assert answer["errors"][0]["extensions"]["code"] == "NOTICE_UNKNOWN"
    assert "in force" in answer["errors"][0]["message"]
    assert (await read_permission(platform, token, EMAIL))["said"] is None
    assert (await read_permission(platform, token, PARTNERS))["said"] is False
    outcome = await post_consent(
        platform, purposes={PARTNERS: True, EMAIL: False}, notice=UNKNOWN_NOTICES[0], messageId="m-1"
    )
    (result,) = outcome["results"]
    assert (result["code"], result["statements"]) == ("NOTICE_UNKNOWN", "accepted")
    assert (await read_permission(platform, token, EMAIL))["why"] == "refused"


async def test_a_refusal_needs_no_notice(platform: PlatformUnderTest) -> None:
    """It is recorded without the notice that nobody can have been shown."""
    token = await create_ann(platform)
    outcome = await post_consent(platform, purposes={EMAIL: False}, notice=UNKNOWN_NOTICES[1])
    assert (outcome["accepted"], outcome["dropped"]) == (1, 0)
    (record,) = await read_history(platform, token)
    assert (record["state"], record["notice"]) == ("refused", None)
