"""A customer gives and takes back consent, objects, opts out: in force at once, on record, receipted."""

from __future__ import annotations

import json
from typing import Any

import pytest
from rdflib import Graph

from tests.fixtures.platform import House
from tests.journeys.consent import (
    ANN,
    BELOW,
    EMAIL,
    NOTICE,
    OBJECT,
    OPT_OUT,
    PARTNERS,
    SET,
    STATISTICS,
    WITHDRAW,
    ann,
    done,
    give,
    history,
    opened,
    permission,
    states,
)

# joserfc would have the curve in the name of the algorithm (RFC 9864); rdflib reads JSON-LD by old means.
pytestmark = [
    pytest.mark.filterwarnings("ignore:EdDSA is deprecated"),
    pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated"),
]


async def met(house: House, role: str) -> bool:
    """Whether a role meets anybody."""
    answer = await house.ask("{ customers { nodes { id } } }", house.token(role))
    return bool(answer["data"]["customers"]["nodes"])


async def test_a_consent_acts_at_once_and_so_does_taking_it_back(house: House) -> None:
    """One call each; the next request of a partner obeys."""
    token = await ann(house)
    assert not await met(house, "partner")
    payload = await give(house, token, PARTNERS)
    assert states(payload) == {PARTNERS: "given"}
    found = permission(payload, PARTNERS)
    assert (found["permitted"], found["said"], found["why"], found["model"]) == (
        True,
        True,
        "agreed",
        "opt_in",
    )
    assert found["until"] > found["since"]
    assert await met(house, "partner")
    payload = await done(house, token, WITHDRAW, p=[PARTNERS])
    assert states(payload) == {PARTNERS: "withdrawn"}
    assert permission(payload, PARTNERS)["why"] == "refused"
    assert not await met(house, "partner")


async def test_every_word_is_on_record_newest_first_with_notice_and_terms(house: House) -> None:
    token = await ann(house)
    await give(house, token, EMAIL)
    await give(house, token, EMAIL)
    await done(house, token, WITHDRAW, p=[EMAIL])
    last, again, first = await history(house, token)
    assert [one["state"] for one in (last, again, first)] == ["withdrawn", "renewed", "given"]
    assert first["notice"] == NOTICE
    assert first["terms"]["controller"]["name"] == house.platform.catalogue.controller
    assert (first["by"], first["method"], first["jurisdictions"]) == (
        "self:customer-app",
        "explicit_click",
        ["eu"],
    )
    page = await house.ask(
        "{ me { consents(first: 2) { nodes { id } pageInfo { hasNextPage endCursor } } } }", token
    )
    page = page["data"]["me"]["consents"]
    assert page["pageInfo"]["hasNextPage"]
    rest = await house.ask(
        "query($a: String) { me { consents(after: $a) { nodes { id } } } }",
        token,
        {"a": page["pageInfo"]["endCursor"]},
    )
    ids = [one["id"] for one in page["nodes"] + rest["data"]["me"]["consents"]["nodes"]]
    assert ids == [last["id"], again["id"], first["id"]]


async def test_a_receipt_is_verified_by_others_and_given_again_as_it_was(house: House) -> None:
    token = await ann(house)
    payload = await give(house, token, EMAIL)
    (receipt,) = payload["receipts"]
    found = await opened(house, receipt["jws"])
    assert found["sub"] == payload["customer"]["id"]
    assert found["jti"] == receipt["id"]
    assert found["event"]["event_state"] == "given"
    assert found["pii_processing"]["privacy_notice"]["sha256"] == NOTICE["sha256"]
    assert found["pii_processing"]["jurisdiction"] == ["eu"]
    assert (await history(house, token))[0]["receipt"] == receipt["jws"]
    refused = await house.raw("{ me { id } }", receipt["jws"])
    assert refused.status_code == 401


async def test_a_node_of_the_tree_covers_what_is_below_it(house: House) -> None:
    token = await ann(house)
    below = {one for one in house.platform.catalogue.purposes if one.startswith("marketing.")}
    assert states(await give(house, token, "marketing")) == dict.fromkeys(below, "given")
    assert states(await done(house, token, WITHDRAW, p=["marketing"])) == dict.fromkeys(below, "withdrawn")


async def test_an_objection_ends_what_rests_on_an_interest(house: House) -> None:
    token = await ann(house)
    payload = await done(house, token, OBJECT, p=[STATISTICS])
    found = permission(payload, STATISTICS)
    assert states(payload)[STATISTICS] == "objected"
    assert (found["permitted"], found["said"], found["why"]) == (False, False, "refused")
    payload = await done(house, token, SET, p=[{"purpose": STATISTICS, "given": True}])
    assert states(payload)[STATISTICS] == "unobjected"
    assert permission(payload, STATISTICS)["permitted"]


async def test_one_call_opts_out_of_sale_sharing_and_targeting(house: House) -> None:
    """Nothing else is touched."""
    token = await ann(house)
    await give(house, token, PARTNERS, EMAIL)
    payload = await done(house, token, OPT_OUT)
    assert states(payload) == {PARTNERS: "opted_out"}
    assert not permission(payload, PARTNERS)["permitted"]
    assert permission(payload, EMAIL)["permitted"]


async def test_a_consent_may_be_given_for_a_time(house: House) -> None:
    token = await ann(house)
    until = "2100-01-01T00:00:00.000Z"
    said = [{"purpose": EMAIL, "given": True, "validUntil": until}]
    await done(house, token, SET, p=said)
    assert (await history(house, token))[0]["validUntil"] == until
    said[0]["validUntil"] = "2020-01-01T00:00:00Z"
    answer = await house.ask(SET, token, {"p": said})
    assert answer["errors"][0]["extensions"]["code"] == "CONSENT_UNTIL"


@pytest.mark.parametrize(
    ("query", "variables", "code", "advice"),
    [
        (WITHDRAW, {"p": ["functional.service"]}, "CONSENT_NOT_ASKED", "legalBasis"),
        (OBJECT, {"p": ["essential.legal_obligation"]}, "CONSENT_NOT_ASKED", "legalBasis"),
        (WITHDRAW, {"p": ["marketing.comunications.email"]}, "PURPOSE_UNKNOWN", EMAIL),
        (WITHDRAW, {"p": []}, "PURPOSES_COUNT", None),
        (
            SET,
            {"p": [{"purpose": "marketing", "given": False}, {"purpose": EMAIL, "given": True}]},
            "CONSENT_CONTRADICTORY",
            "once",
        ),
        (
            SET,
            {"p": [{"purpose": EMAIL, "given": True}], "n": {**NOTICE, "sha256": "ann@shop.example"}},
            "NOTICE_INVALID",
            "SHA-256",
        ),
        (
            SET,
            {"p": [{"purpose": EMAIL, "given": True}], "g": {"reference": "file/1"}},
            "GUARDIAN_NOT_OWN",
            "steward",
        ),
    ],
)
async def test_what_cannot_be_said_is_refused_and_leaves_nothing(
    house: House, query: str, variables: dict[str, Any], code: str, advice: str | None
) -> None:
    token = await ann(house)
    answer = await house.ask(query, token, variables)
    (error,) = answer["errors"]
    assert error["extensions"]["code"] == code
    assert advice is None or advice in error["extensions"]["advice"]
    assert "ann@" not in json.dumps(answer)
    assert await history(house, token) == []


async def test_a_steward_speaks_on_behalf_of_a_customer_and_that_is_on_record(house: House) -> None:
    token = await ann(house)
    steward = house.token("steward", client="customer-app")
    answer = await house.ask("{ me { id } }", token)
    customer = answer["data"]["me"]["id"]
    await give(house, steward, EMAIL, c=customer)
    await done(house, steward, WITHDRAW, p=[EMAIL], c=customer)
    await done(house, token, SET, p=[{"purpose": EMAIL, "given": True}])
    own, taken, given = await history(house, token)
    assert (given["by"], given["method"], taken["state"]) == ("steward:customer-app", "agent", "withdrawn")
    assert own["conflictWith"] == taken["id"]
    lacking = await house.ask(WITHDRAW, steward, {"p": [EMAIL]})
    assert lacking["errors"][0]["extensions"]["code"] == "CUSTOMER_ARGUMENTS"


async def test_a_guardian_agrees_for_a_child_through_a_steward(house: House) -> None:
    """The child's own yes is not enough; the guardian's is, and its reference is on record."""
    child = {**ANN, "traits": {**ANN["traits"], "birthday": "2016-05-01"}}
    await house.tell("web-shop", child)
    token = await house.own_token("email", "ann@shop.example")
    payload = await give(house, token, EMAIL)
    assert permission(payload, EMAIL)["why"] == "age"
    steward = house.token("steward", client="customer-app")
    payload = await give(
        house, steward, EMAIL, c=payload["customer"]["id"], g={"reference": "parents/2026-17"}
    )
    assert permission(payload, EMAIL)["permitted"]
    last = (await history(house, token))[0]
    assert (last["method"], last["guardian"]) == ("guardian", "parents/2026-17")
    named = await house.ask(
        SET,
        steward,
        {
            "p": [{"purpose": EMAIL, "given": True}],
            "c": payload["customer"]["id"],
            "g": {"reference": "Eve Marlow, 2 Lake Road"},
        },
    )
    assert named["errors"][0]["extensions"]["code"] == "GUARDIAN_INVALID"
    assert "Marlow" not in json.dumps(named)


async def test_the_laws_that_protect_a_customer_are_told_to_them(house: House) -> None:
    answer = await house.ask(
        "{ me { jurisdictions { key label law authority authorityUrl } } }", await ann(house)
    )
    (law,) = answer["data"]["me"]["jurisdictions"]
    assert law["key"] == "eu"
    assert law["authorityUrl"].startswith("https://")
    assert law["label"] and law["law"] and law["authority"]  # noqa: PT018


async def test_an_export_is_read_by_another_program(house: House) -> None:
    token = await ann(house)
    await give(house, token, EMAIL)
    await done(house, token, OBJECT, p=[STATISTICS])
    answer = await house.ask("{ me { id consentExport } }", token)
    graph = Graph().parse(data=json.dumps(answer["data"]["me"]["consentExport"]), format="json-ld")
    rows: Any = graph.query(
        """PREFIX dpv: <https://w3id.org/dpv#> PREFIX dct: <http://purl.org/dc/terms/>
           SELECT ?purpose ?state ?person WHERE { ?r dpv:hasProcess/dpv:hasPurpose/dct:identifier ?purpose ;
             dpv:hasStatus ?state ; dpv:hasDataSubject/dct:identifier ?person }"""
    )
    found = {str(purpose): (str(state), str(who)) for purpose, state, who in rows}
    assert found[EMAIL] == ("https://w3id.org/dpv#ConsentGiven", answer["data"]["me"]["id"])
    assert found[STATISTICS][0].endswith("#objected")


async def test_the_record_only_grows(house: House) -> None:
    """Whatever is said, what was written before is never written again: MongoDB is only asked to add."""
    token = await ann(house)
    await give(house, token, "marketing")
    first = await history(house, token)
    house.commands.clear()
    await done(house, token, WITHDRAW, p=["marketing"])
    await done(house, token, OPT_OUT)
    changing = [
        one
        for name in ("update", "delete", "findAndModify", "bulkWrite")
        for one in house.commands.named(name)
        if one.get(name) == "consents"
    ]
    assert changing == []
    assert [one for one in house.commands.named("insert") if one["insert"] == "consents"]
    assert (await history(house, token))[-len(first) :] == first


async def test_history_follows_a_merge_and_its_undoing(house: House) -> None:
    """What each said before is theirs again; what they said as one stays with both."""
    await house.tell("web-shop", ANN)
    bob = {**ANN, "messageId": "s1", "userId": "L-1", "traits": {"email": "bob@shop.example"}}
    await house.tell("tills", bob)
    one, two = [await house.own_token("email", f"{name}@shop.example") for name in ("ann", "bob")]
    await give(house, one, EMAIL)
    await give(house, two, PARTNERS)
    steward = house.token("steward", client="customer-app")
    ids = [(await house.ask("{ me { id } }", token))["data"]["me"]["id"] for token in (one, two)]
    merged = await house.ask(
        "mutation($ids: [ID!]!) { merge(customers: $ids) { id identityHistory { nodes { id } } } }",
        steward,
        {"ids": ids},
    )
    joined = merged["data"]["merge"]
    token = house.token("customer", client="customer-app", subject=joined["id"])
    assert {node["purpose"] for node in await history(house, token)} == {EMAIL, PARTNERS}
    await done(house, token, OBJECT, p=[STATISTICS])
    parted = await house.ask(
        "mutation($m: ID!) { unmerge(merge: $m) { id } }",
        steward,
        {"m": joined["identityHistory"]["nodes"][0]["id"]},
    )
    assert {node["id"] for node in parted["data"]["unmerge"]} == set(ids)
    assert {node["purpose"] for node in await history(house, one)} == {EMAIL, *BELOW}
    assert {node["purpose"] for node in await history(house, two)} == {PARTNERS, *BELOW}
