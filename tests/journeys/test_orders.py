"""What a customer's orders come to: each once, in its currency, less refunds, without cancelled ones."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from typing import Any

import pytest

from tests.fixtures.money import build_money
from tests.fixtures.platform import PlatformUnderTest

MERGE = 'mutation($ids: [ID!]!) { merge(customers: $ids, reason: "D-17") { id } }'
UNMERGE = "mutation($merge: ID!) { unmerge(merge: $merge) { id } }"
READ_ORDERS = """{ customers { nodes { commerce {
  lifetimeValue { amount currency } orderCount refundCount refundTotal { amount currency }
  spendByCurrency { amount currency }
} } } }"""

Sent = tuple[str, dict[str, Any]]


def build_event(
    event: str, source: str = "web-shop", *, day: int = 2, message: str = "", **properties: Any
) -> Sent:
    """Return an event of the one customer of a test; each is another message unless one is named."""
    name = message or f"{source} {event} {day} {sorted(properties.items())}"
    return source, {
        "type": "track",
        "event": event,
        "userId": "u-1",
        "messageId": name,
        "timestamp": f"2026-11-{day:02}T10:00:00Z",
        "properties": properties,
    }


def order(order_id: Any, total: Any, currency: str = "EUR", source: str = "web-shop", **more: Any) -> Sent:
    """Return an order."""
    return build_event("Order Completed", source, order_id=order_id, total=total, currency=currency, **more)


def refund(order_id: Any, day: int = 3, **properties: Any) -> Sent:
    """Return a refund of an order."""
    return build_event("Order Refunded", day=day, order_id=order_id, **properties)


def cancel(order_id: Any, day: int = 3) -> Sent:
    """Return the cancellation of an order."""
    return build_event("Order Cancelled", day=day, order_id=order_id)


async def read_orders(platform: PlatformUnderTest, sent: Sequence[Sent]) -> dict[str, Any]:
    """Send messages one by one and return what the orders of the customer come to, without nulls."""
    for source, message in sent:
        outcome = await platform.send_messages(source, message)
        assert outcome["results"][0]["status"] == "accepted", outcome
    answer = await platform.query(READ_ORDERS, platform.issue_token("support"))
    (customer,) = answer["data"]["customers"]["nodes"]
    return {name: value for name, value in customer["commerce"].items() if value is not None}


def expect(
    count: int, value: str | None, spend: Sequence[tuple[str, str]], refunds: tuple[int, str] | None = None
) -> dict[str, Any]:
    """Return an expected answer: orders, their value in euros, spend by currency, refunds and their sum."""
    expected: dict[str, Any] = {"orderCount": count}
    if value is not None:
        expected["lifetimeValue"] = build_money(value)
    expected["spendByCurrency"] = [build_money(*amount) for amount in spend]
    if refunds is not None:
        expected |= {"refundCount": refunds[0], "refundTotal": build_money(refunds[1])}
    return expected


# The rates of 2026-10-01 are 178.49 yen and 1.1298 dollars for a euro; there is none for the dinar of Kuwait.
CASES: dict[str, tuple[list[Sent], dict[str, Any]]] = {
    "yen are converted and stand apart": (
        [order("o1", 10_000, "JPY"), order("o2", 50)],
        expect(2, "106.03", [("50.00", "EUR"), ("10000", "JPY")]),
    ),
    "a currency in lower case is the same": (
        [order("o1", "11.30", "usd"), order("o2", 5, " USD ")],
        expect(2, "14.43", [("16.30", "USD")]),
    ),
    "a currency without a rate stands apart": (
        [order("o1", 1.2345, "KWD"), order("o2", 50)],
        expect(2, "50.00", [("50.00", "EUR"), ("1.235", "KWD")]),
    ),
    "only a currency without a rate": ([order("o1", 1, "KWD")], expect(1, None, [("1.000", "KWD")])),
    "without a currency it is the retailer's": (
        [build_event("Order Completed", order_id="o1", total=7)],
        expect(1, "7.00", [("7.00", "EUR")]),
    ),
    "half a cent is rounded up": ([order("o1", 1.005)], expect(1, "1.01", [("1.01", "EUR")])),
    "half a cent of text too": ([order("o1", "27.005")], expect(1, "27.01", [("27.01", "EUR")])),
    "a page that is loaded again": (
        [order("o1", 50, message="m1"), order("o1", 50, message="m2")],
        expect(1, "50.00", [("50.00", "EUR")]),
    ),
    "the browser and the app": (
        [order("o1", 50), order("o1", 50, source="ios-app")],
        expect(1, "50.00", [("50.00", "EUR")]),
    ),
    "a number and its text are one order": (
        [order(4118046048292, 25), order("4118046048292", 25, day=3)],
        expect(1, "25.00", [("25.00", "EUR")]),
    ),
    "the latest word on an order counts": (
        [order("o1", 50, day=4), order("o1", 45, day=5, source="ios-app"), order("o1", 60, day=3)],
        expect(1, "45.00", [("45.00", "EUR")]),
    ),
    "the greater amount at the same time": (
        [order("o1", 50), order("o1", 45, source="ios-app")],
        expect(1, "50.00", [("50.00", "EUR")]),
    ),
    "a refund with either sign": (
        [order("o1", 100), refund("o1", total=15), refund("o1", total=-35)],
        expect(1, "50.00", [("50.00", "EUR")], (2, "50.00")),
    ),
    "a refund that is sent again": (
        [order("o1", 100), refund("o1", total=15), refund("o1", total=-15, day=4)],
        expect(1, "85.00", [("85.00", "EUR")], (1, "15.00")),
    ),
    "two equal refunds with numbers": (
        [order("o1", 100), refund("o1", total=15, refund_id="r1"), refund("o1", total=15, refund_id="r2")],
        expect(1, "70.00", [("70.00", "EUR")], (2, "30.00")),
    ),
    "a refund that states no amount": (
        [order("o1", 100), order("o2", 8), refund("o1")],
        {"orderCount": 2, "lifetimeValue": build_money("8.00"), "refundCount": 1}
        | {"spendByCurrency": [build_money("8.00")]},
    ),
    "no more is refunded than was paid": (
        [order("o1", 100), order("o2", 8), refund("o1", total=200)],
        expect(2, "8.00", [("8.00", "EUR")], (1, "200.00")),
    ),
    "a full refund in another currency at another rate": (
        [order("o1", 100, "USD", day=1), refund("o1", total=100, currency="USD", day=20)],
        expect(1, "0.00", [("0.00", "USD")], (1, "88.51")),
    ),
    "a cancelled order": (
        [order("o1", 100), order("o2", 8), cancel("o1")],
        expect(1, "8.00", [("8.00", "EUR")]),
    ),
    "a cancellation that is sent twice": (
        [order("o1", 100), order("o2", 8), cancel("o1"), cancel("o1", day=4)],
        expect(1, "8.00", [("8.00", "EUR")]),
    ),
    "all orders cancelled": (
        [order("o1", 100), cancel("o1")],
        {"orderCount": 0, "lifetimeValue": build_money("0.00"), "spendByCurrency": []},
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_orders_come_to_their_value_in_any_order(platform: PlatformUnderTest, name: str) -> None:
    """The messages of each case are sent in two orders, and with every message twice."""
    sent, expected = CASES[name]
    assert await read_orders(platform, list(reversed(sent))) == expected
    for source, message in sent:
        assert (await platform.send_messages(source, message))["results"][0]["status"] == "duplicate"
    assert await read_orders(platform, []) == expected


@pytest.mark.parametrize("turn", range(6))
async def test_a_refund_and_a_cancellation_may_arrive_first(platform: PlatformUnderTest, turn: int) -> None:
    """Three messages about two orders, in all orders."""
    sent = [order("o1", 100), refund("o1", total=30), cancel("o2")]
    shuffled = list(permutations(sent))[turn]
    assert await read_orders(platform, [order("o2", 5), *shuffled]) == expect(
        1, "70.00", [("70.00", "EUR")], (1, "30.00")
    )


@pytest.mark.parametrize("currency", ["euro??", "EURO", "XAU", "978.0", "€", ["EUR"], True, 1])
async def test_an_order_in_no_known_currency_is_refused(platform: PlatformUnderTest, currency: Any) -> None:
    """Taken for another currency, its amount would be wrong; it can be sent again when it is mended."""
    source, message = order("o1", 50, currency)
    (result,) = (await platform.send_messages(source, message))["results"]
    assert (result["status"], result["code"], result["place"]) == (
        "refused",
        "CURRENCY_UNKNOWN",
        "properties.currency",
    )


@pytest.mark.parametrize("total", ["1_000.00", "1,299.00", "$27.50", "1e3", "NaN", "٢٧", [5], True, 10**15])
async def test_an_order_with_an_unreadable_amount_is_refused(platform: PlatformUnderTest, total: Any) -> None:
    """A guess could be wrong by a factor of a thousand."""
    source, message = order("o1", total)
    (result,) = (await platform.send_messages(source, message))["results"]
    assert (result["status"], result["place"]) == ("refused", "properties.total")


async def test_filters_and_orders_compare_in_the_currency_of_the_attribute(
    platform: PlatformUnderTest,
) -> None:
    """Amounts are given as text or as a number."""
    for number, total in enumerate(("19.99", "20.00", "100")):
        source, message = order(f"o{number}", total)
        await platform.send_messages(source, {**message, "userId": f"u-{number}", "messageId": f"m{number}"})
    token = platform.issue_token("support")
    values = {}
    for operand in ('"20"', "20", "20.00", "19.995"):
        arguments = f"filter: {{ commerce: {{ lifetimeValue: {{ gte: {operand} }} }} }}, "
        arguments += "orderBy: { by: COMMERCE_LIFETIME_VALUE, descending: true }"
        selection = "nodes { commerce { value: lifetimeValue { amount } } }"
        answer = await platform.query(f"{{ customers({arguments}) {{ {selection} }} }}", token)
        nodes = answer["data"]["customers"]["nodes"]
        values[operand] = [node["commerce"]["value"]["amount"] for node in nodes]
    assert values == {operand: ["100.00", "20.00"] for operand in values}


async def test_two_customers_apart_have_their_own_orders_after_a_merge_and_an_unmerge(
    platform: PlatformUnderTest,
) -> None:
    """The same order was sent for both: joined it counts once, and apart it counts for each."""
    token = platform.issue_token("steward")
    for source, user, total in (("web-shop", "w-1", 10), ("tills", "L-1", 10)):
        _, message = order("o1", total, source=source)
        await platform.send_messages(source, {**message, "userId": user})
        _, message = order(f"only {user}", 5, source=source)
        await platform.send_messages(source, {**message, "userId": user})

    async def read_values() -> list[tuple[int, str]]:
        answer = await platform.query(
            "{ customers { nodes { commerce { orderCount lifetimeValue { amount } } } } }", token
        )
        return [
            (node["commerce"]["orderCount"], node["commerce"]["lifetimeValue"]["amount"])
            for node in answer["data"]["customers"]["nodes"]
        ]

    apart = await read_values()
    assert apart == [(2, "15.00"), (2, "15.00")]
    answer = await platform.query("{ customers { nodes { id } } }", token)
    ids = [node["id"] for node in answer["data"]["customers"]["nodes"]]
    merged = await platform.query(MERGE, token, {"ids": ids})
    assert "errors" not in merged, merged
    assert await read_values() == [(3, "20.00")]
    answer = await platform.query("{ customers { nodes { identityHistory { nodes { id kind } } } } }", token)
    (history,) = answer["data"]["customers"]["nodes"]
    (merge,) = [entry["id"] for entry in history["identityHistory"]["nodes"] if entry["kind"] == "merged"]
    unmerged = await platform.query(UNMERGE, token, {"merge": merge})
    assert "errors" not in unmerged, unmerged
    assert await read_values() == apart
