"""GraphQL operations that state consent, and functions that read what is on record."""

from __future__ import annotations

import json
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet

from tests.fixtures.platform import PlatformUnderTest
from tests.fixtures.shown_notice import SHOWN_NOTICE

EMAIL = "marketing.communications.email"
PARTNERS = "marketing.advertising.third_party.targeted"
STATISTICS = "analytics.reporting"
DESCENDANTS = {STATISTICS, f"{STATISTICS}.campaign_insights"}
NOTICE = SHOWN_NOTICE
ANN: dict[str, Any] = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "email": "ann@shop.example", "address": {"country": "DE"}},
}
PAYLOAD = """{
  receipts { id purpose state at jws }
  permissions { purpose { key } permitted model said why since until }
  optOutSignal { honouredSince jurisdiction }
  customer { id }
}"""
SET_CONSENT = (
    "mutation($p: [ConsentInput!]!, $n: NoticeInput, $c: ID, $g: GuardianInput) "
    f"{{ setConsent(purposes: $p, notice: $n, customer: $c, guardian: $g) {PAYLOAD} }}"
)
WITHDRAW_CONSENT = (
    f"mutation($p: [String!]!, $c: ID) {{ withdrawConsent(purposes: $p, customer: $c) {PAYLOAD} }}"
)
OBJECT_TO = f"mutation($p: [String!]!, $c: ID) {{ objectTo(purposes: $p, customer: $c) {PAYLOAD} }}"
OPT_OUT = f"mutation($c: ID) {{ optOut(customer: $c) {PAYLOAD} }}"
HISTORY = """consents(first: 50) {
  nodes { id purpose state by method at validUntil notice { version language sha256 } guardian conflictWith
          jurisdictions terms receipt }
  pageInfo { hasNextPage endCursor }
}"""


async def create_ann(platform: PlatformUnderTest) -> str:
    """Create the customer Ann in the web shop and return a token of hers."""
    await platform.send_messages("web-shop", ANN)
    return await platform.issue_customer_token("email", "ann@shop.example")


async def mutate(platform: PlatformUnderTest, token: str, query: str, **variables: Any) -> dict[str, Any]:
    """Run a mutation that must succeed and return its payload."""
    answer = await platform.query(query, token, variables)
    assert "errors" not in answer, answer
    (payload,) = answer["data"].values()
    result: dict[str, Any] = payload
    return result


async def give_consent(
    platform: PlatformUnderTest, token: str, *purposes: str, **variables: Any
) -> dict[str, Any]:
    """Give consent to purposes, with a privacy notice, and return the payload."""
    choices = [{"purpose": purpose, "given": True} for purpose in purposes]
    return await mutate(platform, token, SET_CONSENT, p=choices, n=NOTICE, **variables)


def find_permission(payload: dict[str, Any], purpose: str) -> dict[str, Any]:
    """Return the entry of one purpose in the ``permissions`` of a payload."""
    (match,) = [
        permission for permission in payload["permissions"] if permission["purpose"]["key"] == purpose
    ]
    result: dict[str, Any] = match
    return result


def read_states(payload: dict[str, Any]) -> dict[str, str]:
    """Return the new state of each purpose in the ``receipts`` of a payload."""
    return {receipt["purpose"]: receipt["state"] for receipt in payload["receipts"]}


async def read_history(platform: PlatformUnderTest, token: str) -> list[dict[str, Any]]:
    """Return the customer's whole consent history, newest first."""
    answer = await platform.query(f"{{ me {{ {HISTORY} }} }}", token)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["me"]["consents"]["nodes"]
    return nodes


async def verify_receipt(platform: PlatformUnderTest, receipt: str) -> dict[str, Any]:
    """Return the claims of a receipt, verified as a third party does: with the published keys alone."""
    published = KeySet.import_key_set((await platform.http.get("/.well-known/jwks.json")).json())
    claims: dict[str, Any] = json.loads(
        jws.deserialize_compact(receipt, published, algorithms=["EdDSA"]).payload
    )
    return claims
