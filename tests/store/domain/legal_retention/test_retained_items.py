"""Data that is retained after an erasure: by which law, who can read it, and until when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import jwt
import pytest

from discretion.catalogue.load import load_catalogue
from discretion.domain.legal_retention.retained_data_expiry import RetainedDataExpiry
from discretion.errors import Conflict
from discretion.law.load import load_lawbook
from discretion.law.retention_duty import find_retention_duty
from discretion.ledger.packed_entry import EntryPacker
from discretion.store.requests import RequestStore
from discretion.store.retained_data import RetainedDataStore
from discretion.store.subject_request import RequestScope
from tests.fixtures.erasure_steps import ErasureSteps
from tests.fixtures.money import build_money
from tests.fixtures.platform import PlatformUnderTest
from tests.store.domain.erasure.test_profile_deletion import ANN, BOB, TILL, WEB_ID, build_order, build_view

CATALOGUE = load_catalogue(None)
HELD_DATA_QUERY = (
    "query($r: String!) { heldData(request: $r) { law why until items { type source values } } }"
)


@pytest.fixture
def erasing(platform: PlatformUnderTest) -> ErasureSteps:
    """Return the steps that erase customers of the platform."""
    return ErasureSteps(platform)


async def test_a_steward_reads_only_the_retained_invoice_which_is_recorded(
    erasing: ErasureSteps,
) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    request = (await erasing.erase_customer(customer)).hex()

    held_data = (await platform.query(HELD_DATA_QUERY, platform.issue_token("steward"), {"r": request}))[
        "data"
    ]["heldData"]
    assert [entry["law"] for entry in held_data] == ["gb"]
    assert held_data[0]["until"].startswith("2032-05-02T23:00")
    assert held_data[0]["items"] == [
        {
            "type": "Order Completed",
            "source": "web-shop",
            "values": {"order_id": "o1", "total": build_money("12.50", "GBP"), "currency": "GBP"},
        }
    ]
    stored = await platform.internals.database.find_one("disclosures", {}, sort=[("_id", -1)])
    assert stored is not None
    last = EntryPacker(platform.internals.catalogue.register).unpack_entry(stored["_id"], stored["e"])
    assert last.extra == ("held",)
    assert len(last.subjects) == 1

    narrow = platform.issue_token("steward", purposes=["analytics.reporting"])
    for token, code in ((narrow, "HELD_NOT_GRANTED"), (platform.issue_token("support"), "STEWARD_ONLY")):
        refused = await platform.query(HELD_DATA_QUERY, token, {"r": request})
        assert refused["errors"][0]["extensions"]["code"] == code


async def test_a_legal_hold_retains_data_until_it_is_lifted(erasing: ErasureSteps) -> None:
    platform, database = erasing.platform, erasing.platform.internals.database
    await platform.send_messages("web-shop", ANN, build_view("v1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    steward = platform.issue_token("steward")
    customer_query = (
        '{ customer(identifier: {type: "email", value: "ann@shop.example"}) { id events { nodes { id } } } }'
    )
    customer_node = (await platform.query(customer_query, steward))["data"]["customer"]
    hold_mutation = """mutation($c: ID!) { placeHold(customer: $c, reason: "Claim 7", law: "ZPO 142") }"""
    hold = (await platform.query(hold_mutation, steward, {"c": customer_node["id"]}))["data"]["placeHold"]
    request = await erasing.erase_customer(customer)
    held_data = (await platform.query(HELD_DATA_QUERY, steward, {"r": request.hex()}))["data"]["heldData"][0]
    assert (held_data["law"], held_data["why"], held_data["until"]) == ("ZPO 142", "Claim 7", None)
    assert sorted(item["type"] for item in held_data["items"]) == ["Product Viewed", "record"]
    record = next(item["values"] for item in held_data["items"] if item["type"] == "record")
    assert record["contact.email"] == "Ann@Shop.Example"
    assert "ann@shop.example" in record.values()

    shredded: list[bytes] = []
    expiry = RetainedDataExpiry(RetainedDataStore(database), lambda: 2**50, collect_shredded(shredded))
    assert await expiry.run() == 0
    lifted = await platform.query("mutation($h: ID!) { liftHold(hold: $h) }", steward, {"h": hold})
    assert lifted["data"] == {"liftHold": True}
    holders = [document["_id"] for document in await database.find("held", {})]
    assert await expiry.run() == len(holders) == len(shredded)
    assert await database.count("held", {}) == await database.count("holds", {}) == 0


def collect_shredded(holders: list[bytes]) -> Any:
    """Return a shredder that collects the holders whose keys it would destroy."""

    async def shred(shredded: Sequence[bytes]) -> None:
        holders.extend(shredded)

    return shred


async def test_expired_data_is_deleted_even_after_an_interruption(erasing: ErasureSteps) -> None:
    platform, database = erasing.platform, erasing.platform.internals.database
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    await erasing.erase_customer(customer)
    until = (await database.find("held", {}))[0]["until"]
    shredded: list[bytes] = []
    assert (
        await RetainedDataExpiry(
            RetainedDataStore(database), lambda: until - 1, collect_shredded(shredded)
        ).run()
        == 0
    )

    async def fail(_holders: Sequence[bytes]) -> None:
        raise Conflict("DIED", "Here.")

    with pytest.raises(Conflict):
        await RetainedDataExpiry(RetainedDataStore(database), lambda: until, fail).run()
    assert ["key" in document for document in await database.find("held", {})] == [False]
    assert (
        await RetainedDataExpiry(RetainedDataStore(database), lambda: until, collect_shredded(shredded)).run()
        == len(shredded)
        == 1
    )
    assert await database.count("held", {}) == 0


async def test_the_erasure_preview_equals_the_erasure(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, BOB, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    await platform.send_messages("tills", TILL)
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    steps = platform.internals.erasure
    preview = await steps.erasure_preview.run(customer, RequestScope())
    scoped_preview = await steps.erasure_preview.run(customer, RequestScope(category="user.behavior"))
    assert scoped_preview.events == {"Order Completed": 1, "Product Viewed": 1}
    assert scoped_preview.retentions == ()
    database = platform.internals.database
    before = {
        deletion.collection: await database.count(deletion.collection, {}) for deletion in preview.deletions
    }
    request = await erasing.erase_customer(customer)
    for deletion in preview.deletions:
        assert (
            before[deletion.collection] - await database.count(deletion.collection, {}) == deletion.count
        ), deletion.collection
    request_document = await database.find_one("requests", {"_id": request})
    assert request_document is not None
    assert [
        (retention.item_kind, retention.count, retention.law, retention.until)
        for retention in preview.retentions
    ] == [
        ("Order Completed", retained["event"], retained["law"], retained["until"])
        for retained in request_document["steps"][0]["told"]["held"]
    ]


async def test_the_certificate_lists_deletions_without_personal_data(erasing: ErasureSteps) -> None:
    platform = erasing.platform
    await platform.send_messages("web-shop", ANN, build_order("o1", WEB_ID), build_view("v1", WEB_ID))
    customer = await erasing.find_customer("email", "ann@shop.example")
    assert customer is not None
    request = await erasing.create_request(customer)
    steps = platform.internals.erasure
    await erasing.run_step(request, steps.profile_deletion.run, 0)
    with pytest.raises(Conflict, match="purge, shred, verify"):
        await erasing.run_step(request, steps.certification.run, 4)
    for number, run_step in list(enumerate(erasing.list_steps()))[1:]:
        await erasing.run_step(request, run_step, number)
    stored = await RequestStore(platform.internals.database).find(request)
    assert stored is not None
    certificate = stored.result.certificate
    assert certificate is not None
    keys = jwt.PyJWKSet.from_dict((await platform.http.get("/.well-known/jwks.json")).json())
    key = keys[jwt.get_unverified_header(certificate)["kid"]]
    assert jwt.get_unverified_header(certificate)["typ"] == "erasure-certificate+jwt"
    claims = jwt.decode(certificate, key, algorithms=["EdDSA"])
    assert claims["deleted"]["events"] == 2
    assert claims["kept"][0]["law"] == "gb"
    assert customer.hex() not in str(claims)
    assert "ann" not in str(claims).lower().replace("channel", "")


def test_the_longest_certain_retention_of_several_laws_applies() -> None:
    jurisdictions = load_lawbook(None, CATALOGUE).jurisdictions
    occurred_at = now = int(datetime(2026, 5, 2, tzinfo=UTC).timestamp() * 1000)
    duty = find_retention_duty(
        [jurisdictions["gb"], jurisdictions["ch"]], "Order Completed", occurred_at, now
    )
    assert duty is not None
    assert duty.jurisdiction_key == "ch"
    assert (
        find_retention_duty(
            [jurisdictions["us-ca"], jurisdictions["unknown"]], "Order Completed", occurred_at, now
        )
        is None
    )
    assert find_retention_duty([jurisdictions["gb"]], "Product Viewed", occurred_at, now) is None
    assert (
        find_retention_duty(
            [replace(jurisdictions["gb"], retention_rules=())], "Order Completed", occurred_at, now
        )
        is None
    )
