"""A customer consents, withdraws, objects and opts out: in effect at once, on record, with a receipt."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rdflib import Graph

from tests.fixtures.platform import PlatformUnderTest
from tests.journeys.consent import (
    ANN,
    DESCENDANTS,
    EMAIL,
    NOTICE,
    OBJECT_TO,
    OPT_OUT,
    PARTNERS,
    SET_CONSENT,
    STATISTICS,
    WITHDRAW_CONSENT,
    create_ann,
    find_permission,
    give_consent,
    mutate,
    read_history,
    read_states,
    verify_receipt,
)
from tests.journeys.test_login_reach import merge_ann_and_ben, read_me

# joserfc prefers algorithm names with the curve (RFC 9864); rdflib parses JSON-LD by a deprecated class.
pytestmark = [
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated"),
]


async def sees_customers(platform: PlatformUnderTest, role: str) -> bool:
    """Return whether a role sees any customer."""
    answer = await platform.query("{ customers { nodes { id } } }", platform.issue_token(role))
    return bool(answer["data"]["customers"]["nodes"])


async def test_consent_and_withdrawal_take_effect_at_once(platform: PlatformUnderTest) -> None:
    """One call each; a partner's next request obeys it."""
    token = await create_ann(platform)
    assert not await sees_customers(platform, "partner")
    payload = await give_consent(platform, token, PARTNERS)
    assert read_states(payload) == {PARTNERS: "given"}
    permission = find_permission(payload, PARTNERS)
    assert (permission["permitted"], permission["said"], permission["why"], permission["model"]) == (
        True,
        True,
        "agreed",
        "opt_in",
    )
    assert permission["until"] > permission["since"]
    assert await sees_customers(platform, "partner")
    payload = await mutate(platform, token, WITHDRAW_CONSENT, p=[PARTNERS])
    assert read_states(payload) == {PARTNERS: "withdrawn"}
    assert find_permission(payload, PARTNERS)["why"] == "refused"
    assert not await sees_customers(platform, "partner")


async def test_the_history_lists_statements_with_notice_and_terms_newest_first(
    platform: PlatformUnderTest,
) -> None:
    token = await create_ann(platform)
    await give_consent(platform, token, EMAIL)
    await give_consent(platform, token, EMAIL)
    await mutate(platform, token, WITHDRAW_CONSENT, p=[EMAIL])
    withdrawal, renewal, consent = await read_history(platform, token)
    assert [entry["state"] for entry in (withdrawal, renewal, consent)] == ["withdrawn", "renewed", "given"]
    assert consent["notice"] == NOTICE
    assert consent["terms"]["controller"]["name"] == platform.internals.catalogue.controller
    assert (consent["by"], consent["method"], consent["jurisdictions"]) == (
        "self:customer-app",
        "explicit_click",
        ["eu"],
    )
    page = await platform.query(
        "{ me { consents(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } } }", token
    )
    page = page["data"]["me"]["consents"]
    assert page["pageInfo"]["hasNextPage"]
    rest = await platform.query(
        "query($a: String) { me { consents(after: $a) { nodes { id } } } }",
        token,
        {"a": page["pageInfo"]["endCursor"]},
    )
    ids = [entry["id"] for entry in page["nodes"] + rest["data"]["me"]["consents"]["nodes"]]
    assert ids == [withdrawal["id"], renewal["id"], consent["id"]]


async def test_a_receipt_verifies_with_the_published_keys_and_never_changes(
    platform: PlatformUnderTest,
) -> None:
    token = await create_ann(platform)
    payload = await give_consent(platform, token, EMAIL)
    (receipt,) = payload["receipts"]
    claims = await verify_receipt(platform, receipt["jws"])
    assert claims["sub"] == payload["customer"]["id"]
    assert claims["jti"] == receipt["id"]
    assert claims["event"]["event_state"] == "given"
    assert claims["pii_processing"]["privacy_notice"]["sha256"] == NOTICE["sha256"]
    assert claims["pii_processing"]["jurisdiction"] == ["eu"]
    assert (await read_history(platform, token))[0]["receipt"] == receipt["jws"]
    response = await platform.post_query("{ me { id } }", receipt["jws"])
    assert response.status_code == 401


async def test_a_statement_about_a_purpose_covers_its_descendants(platform: PlatformUnderTest) -> None:
    token = await create_ann(platform)
    descendants = {
        purpose for purpose in platform.internals.catalogue.purposes if purpose.startswith("marketing.")
    }
    assert read_states(await give_consent(platform, token, "marketing")) == dict.fromkeys(
        descendants, "given"
    )
    assert read_states(await mutate(platform, token, WITHDRAW_CONSENT, p=["marketing"])) == dict.fromkeys(
        descendants, "withdrawn"
    )


async def test_an_objection_ends_processing_for_a_legitimate_interest(platform: PlatformUnderTest) -> None:
    token = await create_ann(platform)
    payload = await mutate(platform, token, OBJECT_TO, p=[STATISTICS])
    permission = find_permission(payload, STATISTICS)
    assert read_states(payload)[STATISTICS] == "objected"
    assert (permission["permitted"], permission["said"], permission["why"]) == (False, False, "refused")
    payload = await mutate(platform, token, SET_CONSENT, p=[{"purpose": STATISTICS, "given": True}])
    assert read_states(payload)[STATISTICS] == "unobjected"
    assert find_permission(payload, STATISTICS)["permitted"]


async def test_one_call_opts_out_of_sale_sharing_and_targeting(platform: PlatformUnderTest) -> None:
    """Other purposes keep their state."""
    token = await create_ann(platform)
    await give_consent(platform, token, PARTNERS, EMAIL)
    payload = await mutate(platform, token, OPT_OUT)
    assert read_states(payload) == {PARTNERS: "opted_out"}
    assert not find_permission(payload, PARTNERS)["permitted"]
    assert find_permission(payload, EMAIL)["permitted"]


async def test_a_consent_can_have_an_end_date(platform: PlatformUnderTest) -> None:
    token = await create_ann(platform)
    valid_until = "2100-01-01T00:00:00.000Z"
    choices = [{"purpose": EMAIL, "given": True, "validUntil": valid_until}]
    await mutate(platform, token, SET_CONSENT, p=choices)
    assert (await read_history(platform, token))[0]["validUntil"] == valid_until
    choices[0]["validUntil"] = "2020-01-01T00:00:00Z"
    answer = await platform.query(SET_CONSENT, token, {"p": choices})
    assert answer["errors"][0]["extensions"]["code"] == "CONSENT_UNTIL"


@pytest.mark.parametrize(
    ("query", "variables", "code", "advice"),
    [
        (WITHDRAW_CONSENT, {"p": ["functional.service"]}, "CONSENT_NOT_ASKED", "legalBasis"),
        (OBJECT_TO, {"p": ["essential.legal_obligation"]}, "CONSENT_NOT_ASKED", "legalBasis"),
        (WITHDRAW_CONSENT, {"p": ["marketing.comunications.email"]}, "PURPOSE_UNKNOWN", EMAIL),
        (WITHDRAW_CONSENT, {"p": []}, "PURPOSES_COUNT", None),
        (
            SET_CONSENT,
            {"p": [{"purpose": "marketing", "given": False}, {"purpose": EMAIL, "given": True}]},
            "CONSENT_CONTRADICTORY",
            "once",
        ),
        (
            SET_CONSENT,
            {"p": [{"purpose": EMAIL, "given": True}], "n": {**NOTICE, "sha256": "ann@shop.example"}},
            "NOTICE_INVALID",
            "SHA-256",
        ),
        (
            SET_CONSENT,
            {"p": [{"purpose": EMAIL, "given": True}], "g": {"reference": "file/1"}},
            "GUARDIAN_NOT_OWN",
            "steward",
        ),
    ],
)
async def test_an_invalid_statement_is_refused_and_leaves_no_record(
    platform: PlatformUnderTest, query: str, variables: dict[str, Any], code: str, advice: str | None
) -> None:
    token = await create_ann(platform)
    answer = await platform.query(query, token, variables)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == code
    assert advice is None or advice in error["extensions"]["advice"]
    assert "ann@" not in json.dumps(answer)
    assert await read_history(platform, token) == []


async def test_a_stewards_statement_for_a_customer_is_recorded_as_such(
    platform: PlatformUnderTest,
) -> None:
    token = await create_ann(platform)
    steward = platform.issue_token("steward", client="customer-app")
    answer = await platform.query("{ me { id } }", token)
    customer = answer["data"]["me"]["id"]
    await give_consent(platform, steward, EMAIL, c=customer)
    await mutate(platform, steward, WITHDRAW_CONSENT, p=[EMAIL], c=customer)
    await mutate(platform, token, SET_CONSENT, p=[{"purpose": EMAIL, "given": True}])
    own_consent, withdrawal, steward_consent = await read_history(platform, token)
    assert (steward_consent["by"], steward_consent["method"], withdrawal["state"]) == (
        "steward:customer-app",
        "agent",
        "withdrawn",
    )
    assert own_consent["conflictWith"] == withdrawal["id"]
    incomplete_answer = await platform.query(WITHDRAW_CONSENT, steward, {"p": [EMAIL]})
    assert incomplete_answer["errors"][0]["extensions"]["code"] == "CUSTOMER_ARGUMENTS"


async def test_a_guardian_consents_for_a_child_through_a_steward(platform: PlatformUnderTest) -> None:
    """The child's own consent is not enough; the guardian's is, and its reference is on record."""
    child = {**ANN, "traits": {**ANN["traits"], "birthday": "2016-05-01"}}
    await platform.send_messages("web-shop", child)
    token = await platform.issue_customer_token("email", "ann@shop.example")
    payload = await give_consent(platform, token, EMAIL)
    assert find_permission(payload, EMAIL)["why"] == "age"
    steward = platform.issue_token("steward", client="customer-app")
    payload = await give_consent(
        platform, steward, EMAIL, c=payload["customer"]["id"], g={"reference": "parents/2026-17"}
    )
    assert find_permission(payload, EMAIL)["permitted"]
    entry = (await read_history(platform, token))[0]
    assert (entry["method"], entry["guardian"]) == ("guardian", "parents/2026-17")
    answer = await platform.query(
        SET_CONSENT,
        steward,
        {
            "p": [{"purpose": EMAIL, "given": True}],
            "c": payload["customer"]["id"],
            "g": {"reference": "Eve Marlow, 2 Lake Road"},
        },
    )
    assert answer["errors"][0]["extensions"]["code"] == "GUARDIAN_INVALID"
    assert "Marlow" not in json.dumps(answer)


async def test_a_customer_reads_the_laws_that_protect_them(platform: PlatformUnderTest) -> None:
    answer = await platform.query(
        "{ me { jurisdictions { key label law authority authorityUrl } } }", await create_ann(platform)
    )
    (law,) = answer["data"]["me"]["jurisdictions"]
    assert law["key"] == "eu"
    assert law["authorityUrl"].startswith("https://")
    assert law["label"] and law["law"] and law["authority"]  # noqa: PT018


async def test_the_consent_export_is_read_by_an_rdf_library(platform: PlatformUnderTest) -> None:
    token = await create_ann(platform)
    await give_consent(platform, token, EMAIL)
    await mutate(platform, token, OBJECT_TO, p=[STATISTICS])
    answer = await platform.query("{ me { id consentExport } }", token)
    graph = Graph().parse(data=json.dumps(answer["data"]["me"]["consentExport"]), format="json-ld")
    rows: Any = graph.query(
        """PREFIX dpv: <https://w3id.org/dpv#> PREFIX dct: <http://purl.org/dc/terms/>
           SELECT ?purpose ?state ?person WHERE { ?r dpv:hasProcess/dpv:hasPurpose/dct:identifier ?purpose ;
             dpv:hasStatus ?state ; dpv:hasDataSubject/dct:identifier ?person }"""
    )
    states = {str(purpose): (str(state), str(customer)) for purpose, state, customer in rows}
    assert states[EMAIL] == ("https://w3id.org/dpv#ConsentGiven", answer["data"]["me"]["id"])
    assert states[STATISTICS][0].endswith("#objected")


async def test_the_consent_record_is_append_only(platform: PlatformUnderTest) -> None:
    """Later statements change no stored entry: MongoDB receives only inserts for this collection."""
    token = await create_ann(platform)
    await give_consent(platform, token, "marketing")
    history_before = await read_history(platform, token)
    platform.commands.clear()
    await mutate(platform, token, WITHDRAW_CONSENT, p=["marketing"])
    await mutate(platform, token, OPT_OUT)
    changing = [
        command
        for name in ("update", "delete", "findAndModify", "bulkWrite")
        for command in platform.commands.list_commands(name)
        if command.get(name) == "consents"
    ]
    assert changing == []
    assert [
        command for command in platform.commands.list_commands("insert") if command["insert"] == "consents"
    ]
    assert (await read_history(platform, token))[-len(history_before) :] == history_before


async def test_the_consent_history_follows_merge_and_unmerge(platform: PlatformUnderTest) -> None:
    """After the unmerge each has their own statements back; an objection of that time stays with both."""
    await platform.send_messages("web-shop", ANN)
    bob = {**ANN, "messageId": "s1", "userId": "a-1", "traits": {"email": "bob@shop.example"}}
    await platform.send_messages("ios-app", bob)
    ann_token, bob_token = [
        await platform.issue_customer_token("email", f"{name}@shop.example") for name in ("ann", "bob")
    ]
    await give_consent(platform, ann_token, EMAIL)
    await give_consent(platform, bob_token, PARTNERS)
    steward = platform.issue_token("steward", client="customer-app")
    ids = [
        (await platform.query("{ me { id } }", token))["data"]["me"]["id"] for token in (ann_token, bob_token)
    ]
    merge_answer = await platform.query(
        (
            "mutation($ids: [ID!]!) { "
            'merge(customers: $ids, reason: "D-17") { id identityHistory { nodes { id } } } }'
        ),
        steward,
        {"ids": ids},
    )
    merged_customer = merge_answer["data"]["merge"]
    token = ann_token
    assert {node["purpose"] for node in await read_history(platform, token)} == {EMAIL, PARTNERS}
    await mutate(platform, token, OBJECT_TO, p=[STATISTICS])
    unmerge_answer = await platform.query(
        "mutation($m: ID!) { unmerge(merge: $m) { id } }",
        steward,
        {"m": merged_customer["identityHistory"]["nodes"][0]["id"]},
    )
    assert {node["id"] for node in unmerge_answer["data"]["unmerge"]} == set(ids)
    assert {node["purpose"] for node in await read_history(platform, ann_token)} == {EMAIL, *DESCENDANTS}
    assert {node["purpose"] for node in await read_history(platform, bob_token)} == {PARTNERS, *DESCENDANTS}


@pytest.mark.parametrize("account", ["w-ann", "w-ben"])
async def test_each_login_of_a_joined_customer_gets_the_answer_to_its_statement(
    platform: PlatformUnderTest, account: str
) -> None:
    """Whichever of the two was known first: the answer shows the customer that both are now."""
    await merge_ann_and_ben(platform)
    token = platform.issue_token("customer", subject=account)
    me = await read_me(platform, account)
    assert me is not None
    statements: list[tuple[str, dict[str, Any]]] = [
        (SET_CONSENT, {"p": [{"purpose": EMAIL, "given": True}]}),
        (OBJECT_TO, {"p": [STATISTICS]}),
        (OPT_OUT, {}),
        (WITHDRAW_CONSENT, {"p": [EMAIL]}),
    ]
    for query, variables in statements:
        payload = await mutate(platform, token, query, **variables)
        assert payload["customer"]["id"] == me["id"]
        claims = await verify_receipt(platform, payload["receipts"][0]["jws"])
        assert claims["sub"] == me["id"]
