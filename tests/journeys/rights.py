"""GraphQL operations on rights requests, by customers and by stewards."""

from __future__ import annotations

from typing import Any

from tests.fixtures.platform import PlatformUnderTest

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


def build_mutation(name: str, arguments: str = "", declarations: str = "") -> str:
    """Return a mutation whose payload is a rights request."""
    return (
        f"mutation($for: ForInput{declarations}) {{ {name}(behalf: $for{arguments}) {{ {FIELDS} }} }}"
        if "id:" not in arguments and "request:" not in arguments
        else f"mutation({declarations.lstrip(', ')}) {{ {name}({arguments.lstrip(', ')}) {{ {FIELDS} }} }}"
    )


ACCESS = build_mutation("requestAccess")
PORTABILITY = build_mutation("requestPortability", ", to: $to", ", $to: String")
CORRECTION = build_mutation("requestCorrection", ", changes: $changes", ", $changes: [CorrectionInput!]!")
ERASURE = build_mutation("requestErasure", ", scope: $scope", ", $scope: ScopeInput")
RESTRICTION = build_mutation("requestRestriction", ", lift: $lift", ", $lift: Boolean! = false")
OPT_OUT = build_mutation("optOutOfSale")
LIMIT = build_mutation("limitSensitive")
REVIEW = build_mutation("reviewAutomatedDecision", ", decision: $decision", ", $decision: String!")
APPEAL = build_mutation("appeal", ", request: $id, words: $words", ", $id: ID!, $words: String")
WITHDRAW = build_mutation("withdrawRequest", ", id: $id", ", $id: ID!")
MESSAGE = build_mutation("messageRequest", ", id: $id, text: $text", ", $id: ID!, $text: String!")
DECIDE = build_mutation(
    "decideRequest",
    ", id: $id, accept: $accept, refusal: $refusal, answer: $answer",
    ", $id: ID!, $accept: Boolean!, $refusal: RefusalInput, $answer: String",
)
EXTEND = build_mutation(
    "extendRequest",
    ", id: $id, reason: $reason, length: $length",
    ", $id: ID!, $reason: String!, $length: LengthInput",
)
PAUSE = build_mutation(
    "pauseRequest", ", id: $id, reason: $reason", ", $id: ID!, $reason: RightsRequestReason!"
)
RESUME = build_mutation("resumeRequest", ", id: $id", ", $id: ID!")
READ_REQUEST = f"query($id: ID!) {{ rightsRequest(id: $id) {{ {FIELDS} }} }}"
PREVIEW = """query($scope: ScopeInput, $customer: ID) {
  erasurePreview(scope: $scope, customer: $customer) {
    scope going { where holds count } staying { what count law why until }
    values { what count } events { what count } trimmed { what count } names shared
  }
}"""
PACKAGE = "mutation($id: ID!) { openPackage(request: $id) { url } }"
LIST_REQUESTS = (
    "query($filter: RightsRequestFilter, $first: Int, $after: String) { "
    "rightsRequests(filter: $filter, first: $first, after: $after) { "
    f"nodes {{ {FIELDS} customerId }} pageInfo {{ hasNextPage endCursor }} }} }}"
)
LIST_OWN_REQUESTS = f"{{ me {{ rightsRequests {{ nodes {{ {FIELDS} }} }} }} }}"
REFUSAL = {"reason": "NOT_COVERED", "law": "GDPR Art. 12(5)(b)", "words": "You asked for this last week."}


async def create_customer(platform: PlatformUnderTest, name: str = "ann", jurisdiction: str = "eu") -> str:
    """Create a customer of a jurisdiction in the web shop and return their e-mail address."""
    await platform.send_messages(
        "web-shop",
        {
            "type": "identify",
            "messageId": f"{name}-1",
            "userId": f"w-{name}",
            "traits": {
                "firstName": name,
                "email": f"{name}@shop.example",
                "emailVerified": True,
                "address": PLACES[jurisdiction],
            },
        },
    )
    return f"{name}@shop.example"


async def issue_own_token(platform: PlatformUnderTest, email: str, *, just_authenticated: bool = True) -> str:
    """Return a customer's token; unless ``just_authenticated``, from a login an hour ago."""
    now_s = platform.internals.discloser.now_ms() // 1000
    return await platform.issue_customer_token(
        "email", email, authenticated=now_s if just_authenticated else now_s - 3600
    )


async def find_customer_id(platform: PlatformUnderTest, email: str, client: str = "privacy-office") -> str:
    """Return the id of a customer as one client sees it."""
    steward = platform.issue_token("steward", client=client)
    query = 'query($v: String!) { customer(identifier: {type: "email", value: $v}) { id } }'
    answer = await platform.query(query, steward, {"v": email})
    identity: str = answer["data"]["customer"]["id"]
    return identity


async def run_operation(
    platform: PlatformUnderTest, token: str, query: str, **variables: Any
) -> dict[str, Any]:
    """Run an operation that must succeed and return its rights request."""
    answer = await platform.query(query, token, variables)
    assert "errors" not in answer, answer
    (result,) = answer["data"].values()
    request: dict[str, Any] = result
    return request


async def run_refused_operation(platform: PlatformUnderTest, token: str, query: str, **variables: Any) -> str:
    """Run an operation that must be refused and return its error code."""
    answer = await platform.query(query, token, variables)
    code: str = answer["errors"][0]["extensions"]["code"]
    return code


async def list_requests(platform: PlatformUnderTest, token: str, **filter: Any) -> list[dict[str, Any]]:  # noqa: A002
    """Return the rights requests that a steward's list shows."""
    answer = await platform.query(LIST_REQUESTS, token, {"filter": filter})
    assert "errors" not in answer, answer
    nodes: list[dict[str, Any]] = answer["data"]["rightsRequests"]["nodes"]
    return nodes
