"""Asking for rights through GraphQL, and deciding what becomes of what was asked."""

from __future__ import annotations

from typing import Any

from tests.fixtures.platform import House

FIELDS = """id right state reason status nextStep requester by reference scope receivedAt acknowledgedAt
identifiedAt endedAt dueAt acknowledgeBy extendBy extendedAt extensionReason whyNoDue warned
laws { key law authority } steps { name done attempts why } history { state by reason }
refusal { law words next } result appealOf appealable messages { by text }"""
PLACES = {
    "eu": {"country": "DE"},
    "gb": {"country": "GB"},
    "us-ca": {"country": "US", "state": "CA"},
    "us-va": {"country": "US", "state": "VA"},
}


def call(name: str, arguments: str = "", declared: str = "") -> str:
    """A mutation that answers a request."""
    return (
        f"mutation($for: ForInput{declared}) {{ {name}(behalf: $for{arguments}) {{ {FIELDS} }} }}"
        if "id:" not in arguments and "request:" not in arguments
        else f"mutation({declared.lstrip(', ')}) {{ {name}({arguments.lstrip(', ')}) {{ {FIELDS} }} }}"
    )


ACCESS = call("requestAccess")
PORTABILITY = call("requestPortability", ", to: $to", ", $to: String")
CORRECTION = call("requestCorrection", ", changes: $changes", ", $changes: [CorrectionInput!]!")
ERASURE = call("requestErasure", ", scope: $scope", ", $scope: ScopeInput")
RESTRICTION = call("requestRestriction", ", lift: $lift", ", $lift: Boolean! = false")
OPT_OUT = call("optOutOfSale")
LIMIT = call("limitSensitive")
REVIEW = call("reviewAutomatedDecision", ", decision: $decision", ", $decision: String!")
APPEAL = call("appeal", ", request: $id, words: $words", ", $id: ID!, $words: String")
WITHDRAW = call("withdrawRequest", ", id: $id", ", $id: ID!")
MESSAGE = call("messageRequest", ", id: $id, text: $text", ", $id: ID!, $text: String!")
DECIDE = call(
    "decideRequest",
    ", id: $id, accept: $accept, refusal: $refusal, answer: $answer",
    ", $id: ID!, $accept: Boolean!, $refusal: RefusalInput, $answer: String",
)
EXTEND = call(
    "extendRequest",
    ", id: $id, reason: $reason, length: $length",
    ", $id: ID!, $reason: String!, $length: LengthInput",
)
PAUSE = call("pauseRequest", ", id: $id, reason: $reason", ", $id: ID!, $reason: RightsRequestReason!")
RESUME = call("resumeRequest", ", id: $id", ", $id: ID!")
ONE = f"query($id: ID!) {{ rightsRequest(id: $id) {{ {FIELDS} }} }}"
PREVIEW = """query($scope: ScopeInput, $customer: ID) {
  erasurePreview(scope: $scope, customer: $customer) {
    scope going { where holds count } staying { what count law why until }
    values { what count } events { what count } trimmed { what count } names shared
  }
}"""
PACKAGE = "mutation($id: ID!) { openPackage(request: $id) { url } }"
MANY = (
    "query($filter: RightsRequestFilter, $first: Int, $after: String) { "
    "rightsRequests(filter: $filter, first: $first, after: $after) { "
    f"nodes {{ {FIELDS} customerId }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
OWN = f"{{ me {{ rightsRequests {{ nodes {{ {FIELDS} }} }} }} }}"
REFUSAL = {"reason": "NOT_COVERED", "law": "GDPR Art. 12(5)(b)", "words": "You asked for this last week."}


async def somebody(house: House, name: str = "ann", law: str = "eu") -> str:
    """Somebody the shop knows, by their e-mail."""
    await house.tell(
        "web-shop",
        {
            "type": "identify",
            "messageId": f"{name}-1",
            "userId": f"w-{name}",
            "traits": {"firstName": name, "email": f"{name}@shop.example", "address": PLACES[law]},
        },
    )
    return f"{name}@shop.example"


async def own(house: House, email: str, *, fresh: bool = True) -> str:
    """Their token; ``fresh`` from a login a moment ago."""
    customer = await customer_id(house, email, "customer-app")
    at = house.platform.conductor.now_ms() // 1000
    return house.token("customer", subject=customer, authenticated=at if fresh else at - 3600)


async def customer_id(house: House, email: str, client: str = "privacy-office") -> str:
    """Their id for a client."""
    steward = house.token("steward", client=client)
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    found = await house.ask(query, steward, {"v": email})
    identity: str = found["data"]["customer"]["id"]
    return identity


async def asked(house: House, token: str, query: str, **variables: Any) -> dict[str, Any]:
    """The request that a call answers."""
    answer = await house.ask(query, token, variables)
    assert "errors" not in answer, answer
    (found,) = answer["data"].values()
    request: dict[str, Any] = found
    return request


async def refused(house: House, token: str, query: str, **variables: Any) -> str:
    """The code a call is refused with."""
    answer = await house.ask(query, token, variables)
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def listed(house: House, token: str, **filter: Any) -> list[dict[str, Any]]:  # noqa: A002
    """The steward's list."""
    answer = await house.ask(MANY, token, {"filter": filter})
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["rightsRequests"]["nodes"]
    return nodes
