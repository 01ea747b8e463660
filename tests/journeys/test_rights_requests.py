"""Customers file the rights requests of their jurisdiction and read their state and outcome."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.rights import (
    ACCESS,
    APPEAL,
    CORRECTION,
    DECIDE,
    ERASURE,
    LIMIT,
    LIST_OWN_REQUESTS,
    MESSAGE,
    OPT_OUT,
    PLACES,
    PORTABILITY,
    READ_REQUEST,
    REFUSAL,
    RESTRICTION,
    REVIEW,
    WITHDRAW,
    create_customer,
    find_customer_id,
    issue_own_token,
    list_requests,
    run_operation,
    run_refused_operation,
)

BIRTH_DATE_CHANGE = {"attribute": "demographics.birthDate", "value": "1986-03-04"}
PARTNERS = "marketing.advertising.third_party.targeted"
PENDING_REQUESTS: list[tuple[str, dict[str, Any]]] = [
    (ACCESS, {}),
    (PORTABILITY, {}),
    (CORRECTION, {"changes": [{"attribute": "identity.givenName", "value": "Anne"}]}),
    (ERASURE, {"scope": {"channel": "store"}}),
    (REVIEW, {"decision": "D-1"}),
]


@pytest.mark.parametrize("law", PLACES)
async def test_each_request_is_recorded_with_its_due_date_and_laws(
    platform: PlatformUnderTest, law: str
) -> None:
    """Each request shows its due date, its laws and the customer's next step; a repeated call returns it."""
    token = await issue_own_token(platform, await create_customer(platform, jurisdiction=law))
    for query, variables in PENDING_REQUESTS:
        request = await run_operation(platform, token, query, **variables)
        assert request["state"] in {"ACKNOWLEDGED", "ACCEPTED"}
        assert request["laws"]
        assert request["dueAt"] > request["receivedAt"]
        assert request["nextStep"]
        assert (await run_operation(platform, token, query, **variables))["id"] == request["id"]
    answer = await platform.query(LIST_OWN_REQUESTS, token)
    assert len(answer["data"]["me"]["rightsRequests"]["nodes"]) == len(PENDING_REQUESTS)


@pytest.mark.parametrize("law", PLACES)
async def test_opt_outs_and_restriction_take_effect_at_once(platform: PlatformUnderTest, law: str) -> None:
    token = await issue_own_token(
        platform, await create_customer(platform, jurisdiction=law), just_authenticated=False
    )
    permissions_query = "{ me { permissions { purpose { key } permitted why } } }"
    for query in (OPT_OUT, LIMIT):
        request = await run_operation(platform, token, query)
        assert request["state"] == "FULFILLED"
        assert all(step["done"] for step in request["steps"])
    permissions = (await platform.query(permissions_query, token))["data"]["me"]["permissions"]
    assert not any(
        permission["permitted"] for permission in permissions if permission["purpose"]["key"] == PARTNERS
    )
    restriction = await run_operation(platform, token, RESTRICTION)
    assert [step["done"] for step in restriction["steps"]] == [True, False, False]
    permissions = (await platform.query(permissions_query, token))["data"]["me"]["permissions"]
    assert {permission["why"] for permission in permissions if not permission["permitted"]} == {"restricted"}
    await platform.run_due_requests()  # notifies the recipients of the data (GDPR Art. 19)
    assert (await run_operation(platform, token, READ_REQUEST, id=restriction["id"]))["state"] == "FULFILLED"
    assert (await run_operation(platform, token, RESTRICTION, lift=True))["scope"] == {"lift": True}
    permissions = (await platform.query(permissions_query, token))["data"]["me"]["permissions"]
    assert "restricted" not in {permission["why"] for permission in permissions}


async def test_a_restriction_can_be_repeated_while_an_earlier_one_is_open(
    platform: PlatformUnderTest,
) -> None:
    token = await issue_own_token(platform, await create_customer(platform))
    for lift in (False, False, True, True, False):
        assert (await run_operation(platform, token, RESTRICTION, lift=lift))["state"] == "ACCEPTED"
        answer = await platform.query("{ me { permissions { why } } }", token)
        reasons = {permission["why"] for permission in answer["data"]["me"]["permissions"]}
        assert ("restricted" in reasons) is not lift


async def test_a_refusal_names_the_law_and_the_next_step(platform: PlatformUnderTest) -> None:
    token, steward = (
        await issue_own_token(platform, await create_customer(platform)),
        platform.issue_token("steward"),
    )
    await run_operation(platform, token, REVIEW, decision="D-1")
    (pending,) = await list_requests(platform, steward, states=["ACKNOWLEDGED"])
    vague_refusal = {**REFUSAL, "law": "our policy"}
    assert (
        await run_refused_operation(
            platform, steward, DECIDE, id=pending["id"], accept=False, refusal=vague_refusal
        )
        == "REFUSAL_LAW"
    )
    decision = await run_operation(platform, steward, DECIDE, id=pending["id"], accept=False, refusal=REFUSAL)
    assert decision["state"] == "REJECTED"
    (own_view,) = (await platform.query(LIST_OWN_REQUESTS, token))["data"]["me"]["rightsRequests"]["nodes"]
    assert own_view["refusal"]["law"] == REFUSAL["law"]
    assert "complain to" in own_view["refusal"]["next"]
    assert not own_view["appealable"]  # the GDPR has no appeal
    assert await run_refused_operation(platform, token, APPEAL, id=own_view["id"]) == "APPEAL_NOT_GIVEN"
    assert (
        await run_refused_operation(platform, steward, DECIDE, id=pending["id"], accept=True)
        == "REQUEST_STATE"
    )


async def test_a_refusal_can_be_appealed_where_the_law_grants_an_appeal(platform: PlatformUnderTest) -> None:
    token, steward = (
        await issue_own_token(platform, await create_customer(platform, jurisdiction="us-va")),
        platform.issue_token("steward"),
    )
    first_request = await run_operation(platform, token, CORRECTION, changes=[BIRTH_DATE_CHANGE])
    (pending,) = await list_requests(platform, steward)
    refusal = {**REFUSAL, "law": "Va. Code 59.1-577(B)(3)"}
    await run_operation(platform, steward, DECIDE, id=pending["id"], accept=False, refusal=refusal)
    own_view = await run_operation(platform, token, READ_REQUEST, id=first_request["id"])
    assert own_view["appealable"]
    assert "appeal" in own_view["nextStep"]
    appeal = await run_operation(
        platform, token, APPEAL, id=first_request["id"], words="I never asked before."
    )
    assert appeal["appealOf"] == first_request["id"]
    assert appeal["state"] == "ACKNOWLEDGED"
    assert appeal["dueAt"] != first_request["dueAt"]
    (pending,) = await list_requests(platform, steward, states=["ACKNOWLEDGED"])
    assert [message["text"] for message in pending["messages"]] == ["I never asked before."]
    await run_operation(platform, steward, DECIDE, id=pending["id"], accept=False, refusal=refusal)
    appeal_outcome = await run_operation(platform, token, READ_REQUEST, id=appeal["id"])
    assert not appeal_outcome["appealable"]
    assert "Attorney General" in appeal_outcome["refusal"]["next"]


async def test_a_written_answer_fulfils_a_request_without_automated_steps(
    platform: PlatformUnderTest,
) -> None:
    token, steward = (
        await issue_own_token(platform, await create_customer(platform)),
        platform.issue_token("steward"),
    )
    own_request = await run_operation(platform, token, REVIEW, decision="D-1")
    (pending,) = await list_requests(platform, steward)
    assert (
        await run_refused_operation(platform, steward, DECIDE, id=pending["id"], accept=True)
        == "ANSWER_MISSING"
    )
    await run_operation(
        platform, steward, DECIDE, id=pending["id"], accept=True, answer="A person looked: approved."
    )
    decision = await run_operation(platform, token, READ_REQUEST, id=own_request["id"])
    assert decision["state"] == "FULFILLED"
    assert decision["messages"] == [{"by": "steward:privacy-office", "text": "A person looked: approved."}]


async def test_a_request_can_be_withdrawn_before_its_first_step(platform: PlatformUnderTest) -> None:
    token = await issue_own_token(platform, await create_customer(platform))
    own_request = await run_operation(platform, token, REVIEW, decision="D-1")
    assert (await run_operation(platform, token, WITHDRAW, id=own_request["id"]))["state"] == "WITHDRAWN"
    assert await run_refused_operation(platform, token, WITHDRAW, id=own_request["id"]) == "REQUEST_STATE"
    second_request = await run_operation(platform, token, REVIEW, decision="D-1")
    assert second_request["id"] != own_request["id"]


async def test_a_steward_files_for_a_customer_and_for_a_guardian(platform: PlatformUnderTest) -> None:
    email, steward = await create_customer(platform), platform.issue_token("steward")
    behalf = {"customer": await find_customer_id(platform, email)}
    request = await run_operation(platform, steward, ACCESS, **{"for": behalf})
    assert (request["requester"], request["by"]) == ("STEWARD", "steward:privacy-office")
    guardian = {**behalf, "requester": {"kind": "GUARDIAN", "reference": "G-7"}}
    request = await run_operation(platform, steward, OPT_OUT, **{"for": guardian})
    assert (request["requester"], request["reference"], request["state"]) == ("GUARDIAN", "G-7", "FULFILLED")


async def test_no_caller_reads_or_changes_the_request_of_another_customer(
    platform: PlatformUnderTest,
) -> None:
    own_token = await issue_own_token(platform, await create_customer(platform))
    other_token = await issue_own_token(platform, await create_customer(platform, "bob"))
    request = await run_operation(platform, own_token, REVIEW, decision="D-1")
    for token in (other_token, platform.issue_token("marketing"), platform.issue_token("steward")):
        assert (
            await run_refused_operation(platform, token, READ_REQUEST, id=request["id"])
            == "REQUEST_NOT_FOUND"
        )
        assert await run_refused_operation(platform, token, WITHDRAW, id=request["id"]) == "REQUEST_NOT_FOUND"
        assert (
            await run_refused_operation(platform, token, MESSAGE, id=request["id"], text="me")
            == "REQUEST_NOT_FOUND"
        )
    for token in (own_token, other_token, platform.issue_token("support")):
        assert (
            await run_refused_operation(platform, token, DECIDE, id=request["id"], accept=True)
            == "STEWARD_ONLY"
        )


async def test_a_stewards_read_of_a_request_is_a_recorded_disclosure(platform: PlatformUnderTest) -> None:
    token, steward = (
        await issue_own_token(platform, await create_customer(platform)),
        platform.issue_token("steward"),
    )
    await run_operation(platform, token, REVIEW, decision="D-1")
    await list_requests(platform, steward)
    answer = await platform.query("{ me { disclosures { nodes { client also } } } }", token)
    disclosures = answer["data"]["me"]["disclosures"]["nodes"]
    assert any(
        disclosure["client"] == "privacy-office" and "requests" in disclosure["also"]
        for disclosure in disclosures
    )
