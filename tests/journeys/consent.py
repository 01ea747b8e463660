"""Saying something about purposes through GraphQL, and reading what is on record of it."""

from __future__ import annotations

import json
from typing import Any

from joserfc import jws
from joserfc.jwk import KeySet

from tests.fixtures.platform import House

EMAIL = "marketing.communications.email"
PARTNERS = "marketing.advertising.third_party.targeted"
STATISTICS = "analytics.reporting"
BELOW = {STATISTICS, f"{STATISTICS}.campaign_insights"}
NOTICE = {"version": "2026-09", "language": "de", "sha256": "ab" * 32}
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
SET = (
    "mutation($p: [ConsentInput!]!, $n: NoticeInput, $c: ID, $g: GuardianInput) "
    f"{{ setConsent(purposes: $p, notice: $n, customer: $c, guardian: $g) {PAYLOAD} }}"
)
WITHDRAW = f"mutation($p: [String!]!, $c: ID) {{ withdrawConsent(purposes: $p, customer: $c) {PAYLOAD} }}"
OBJECT = f"mutation($p: [String!]!, $c: ID) {{ objectTo(purposes: $p, customer: $c) {PAYLOAD} }}"
OPT_OUT = f"mutation($c: ID) {{ optOut(customer: $c) {PAYLOAD} }}"
HISTORY = """consents(first: 50) {
  nodes { id purpose state by method at validUntil notice { version language sha256 } guardian conflictWith
          jurisdictions terms receipt }
  pageInfo { hasNextPage endCursor }
}"""


async def ann(house: House) -> str:
    """Ann's token; the shop knows her."""
    await house.tell("web-shop", ANN)
    return await house.own_token("email", "ann@shop.example")


async def done(house: House, token: str, query: str, **variables: Any) -> dict[str, Any]:
    """What a mutation came to."""
    answer = await house.ask(query, token, variables)
    assert "errors" not in answer, answer
    (payload,) = answer["data"].values()
    result: dict[str, Any] = payload
    return result


async def give(house: House, token: str, *purposes: str, **variables: Any) -> dict[str, Any]:
    """Consent, after the notice."""
    said = [{"purpose": one, "given": True} for one in purposes]
    return await done(house, token, SET, p=said, n=NOTICE, **variables)


def permission(payload: dict[str, Any], purpose: str) -> dict[str, Any]:
    """What is said of one purpose."""
    (found,) = [one for one in payload["permissions"] if one["purpose"]["key"] == purpose]
    result: dict[str, Any] = found
    return result


def states(payload: dict[str, Any]) -> dict[str, str]:
    """The state of each purpose that a word was about."""
    return {one["purpose"]: one["state"] for one in payload["receipts"]}


async def history(house: House, token: str) -> list[dict[str, Any]]:
    """Everything on record, newest first."""
    answer = await house.ask(f"{{ me {{ {HISTORY} }} }}", token)
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["me"]["consents"]["nodes"]
    return nodes


async def opened(house: House, receipt: str) -> dict[str, Any]:
    """A receipt, as somebody reads it who has our published keys and no code of ours."""
    published = KeySet.import_key_set((await house.http.get("/.well-known/jwks.json")).json())
    found: dict[str, Any] = json.loads(
        jws.deserialize_compact(receipt, published, algorithms=["EdDSA"]).payload
    )
    return found
