"""What shops and apps send: Segment's ecommerce events, former names, products, and an app's own events."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fixtures.money import build_money
from tests.fixtures.package import request_package
from tests.fixtures.platform import PlatformUnderTest

MONOPOLY = {
    "product_id": "507f1f77bcf86cd799439011",
    "sku": "45790-32",
    "name": "Monopoly: 3rd Edition",
    "price": 19,
    "quantity": 1,
    "category": "Games",
    "coupon": "hasbros",
    "position": 1,
    "url": "https://www.example.com/product/path",
    "image_url": "https://www.example.com/product/path.jpg",
}
UNO = {"product_id": 505, "sku": "46493-32", "name": "Uno Card Game", "price": "3", "quantity": 2}
ORDER = {
    "checkout_id": "c-1",
    "order_id": "50314b8e9bcf000000000000",
    "affiliation": "Google Store",
    "total": 27.50,
    "subtotal": 22.50,
    "revenue": 25.00,
    "shipping": 3,
    "tax": 2,
    "discount": 2.5,
    "coupon": "hasbros",
    "currency": "USD",
    "products": [MONOPOLY, UNO],
}
PRODUCT = {**MONOPOLY, "brand": "Hasbro", "variant": "200 pieces"}
SHARE = {"share_via": "email", "share_message": "Look", "recipient": "friend@example.com"}
COUPON = {"order_id": "o1", "cart_id": "c1", "coupon_id": "may", "coupon_name": "May", "discount": 23.32}
LIST = {"list_id": "deals", "category": "Deals", "products": [MONOPOLY, UNO]}
PROMOTION = {"promotion_id": "p1", "creative": "banner", "name": "Sale", "position": "home_banner_top"}
STEP = {"checkout_id": "c1", "step": 2, "shipping_method": "Fedex", "payment_method": "Visa"}
WISH = {"wishlist_id": "w1", "wishlist_name": "Loved", **PRODUCT}
CAMPAIGN = {"source": "Network", "name": "Spring", "medium": "Push", "content": "Hi", "ad_group": "Red"}
# Each event of the specification with all properties that it documents.
SHOP_EVENTS: dict[str, dict[str, Any]] = {
    "Products Searched": {"query": "blue roses"},
    "Product List Viewed": LIST,
    "Product List Filtered": {
        **LIST,
        "filters": [{"type": "price", "value": "-25"}],
        "sorts": [{"type": "price"}],
    },
    "Promotion Viewed": PROMOTION,
    "Promotion Clicked": PROMOTION,
    "Product Clicked": PRODUCT,
    "Product Viewed": {**PRODUCT, "currency": "usd", "value": 18.99},
    "Product Added": {"cart_id": "c1", **PRODUCT},
    "Product Removed": {"cart_id": "c1", **PRODUCT},
    "Cart Viewed": {"cart_id": "c1", "products": [MONOPOLY]},
    "Checkout Started": {**{k: v for k, v in ORDER.items() if k not in ("subtotal", "total")}, "value": 30},
    "Checkout Step Viewed": STEP,
    "Checkout Step Completed": STEP,
    "Payment Info Entered": {**STEP, "order_id": "o1"},
    "Order Completed": ORDER,
    "Order Updated": {
        name: value for name, value in ORDER.items() if name not in ("checkout_id", "subtotal")
    },
    "Order Refunded": {"order_id": "o1", "total": 30, "currency": "USD", "products": [MONOPOLY]},
    "Order Cancelled": {name: ORDER[name] for name in ORDER if name not in ("checkout_id", "subtotal")},
    "Coupon Entered": {"order_id": "o1", "cart_id": "c1", "coupon_id": "may"},
    "Coupon Applied": COUPON,
    "Coupon Denied": {**COUPON, "discount": None, "coupon": "may", "reason": "Expired"},
    "Coupon Removed": COUPON,
    "Product Added to Wishlist": WISH,
    "Product Removed from Wishlist": WISH,
    "Wishlist Product Added to Cart": {**WISH, "cart_id": "c1"},
    "Product Shared": {**SHARE, "product_id": "p", "sku": "s", "name": "n", "price": 1, "url": "u"},
    "Cart Shared": {**SHARE, "cart_id": "c1", "products": [{"product_id": "p"}]},
    "Product Reviewed": {"product_id": "p", "review_id": "r", "review_body": "Good", "rating": 5},
}
APP_EVENTS: dict[str, dict[str, Any]] = {
    "Application Installed": {"version": "1.2.3", "build": 1234},
    "Application Opened": {
        "from_background": False,
        "referring_application": "GMail",
        "url": "url://location",
    },
    "Application Foregrounded": {"from_background": True},
    "Application Updated": {"previous_version": "1", "previous_build": 1, "version": "2", "build": 2},
    "Application Backgrounded": {},
    "Application Uninstalled": {},
    "Application Crashed": {},
    "Deep Link Opened": {"provider": "Branch Metrics", "url": "app://landing"},
    "Deep Link Clicked": {"provider": "Branch Metrics", "url": "brnch.io/1234"},
    "Install Attributed": {"provider": "Tune", "campaign": CAMPAIGN},
    "Push Notification Received": {"campaign": CAMPAIGN},
    "Push Notification Tapped": {"action": "Accept", "campaign": CAMPAIGN},
    "Push Notification Bounced": {"action": "Accept", "campaign": CAMPAIGN},
}
READ_EVENTS = "{ customers { nodes { events { nodes { name properties } } commerce { orderCount } } } }"


def build_track(event: str, properties: dict[str, Any], message: str = "m1") -> dict[str, Any]:
    """Return an event of the one customer of a test."""
    return {
        "type": "track",
        "userId": "u-1",
        "messageId": message,
        "event": event,
        "properties": properties,
        "timestamp": "2026-11-02T10:00:00Z",
    }


async def send(
    platform: PlatformUnderTest, source: str, event: str, properties: dict[str, Any]
) -> dict[str, Any]:
    """Send an event and return its outcome."""
    outcome = await platform.send_messages(source, build_track(event, properties))
    result: dict[str, Any] = outcome["results"][0]
    return result


async def read_events(platform: PlatformUnderTest) -> list[dict[str, Any]]:
    """Return the events of the one customer as support sees them."""
    answer = await platform.query(READ_EVENTS, platform.issue_token("support"))
    events: list[dict[str, Any]] = answer["data"]["customers"]["nodes"][0]["events"]["nodes"]
    return events


@pytest.mark.parametrize(
    ("source", "event"),
    [*(("web-shop", event) for event in SHOP_EVENTS), *(("ios-app", event) for event in APP_EVENTS)],
)
async def test_an_event_is_accepted_with_all_its_properties(
    platform: PlatformUnderTest, source: str, event: str
) -> None:
    """Nothing is dropped and nothing left out of what the specification documents."""
    result = await send(platform, source, event, {**SHOP_EVENTS, **APP_EVENTS}[event])
    assert (result["status"], result["dropped"], result.get("leftOut", [])) == ("accepted", 0, [])


def test_all_events_of_the_specification_are_listed() -> None:
    """Version 2 has 28 events."""
    assert len(SHOP_EVENTS) == 28


@pytest.mark.parametrize(
    ("sent", "event"),
    [
        ("Completed Order", "Order Completed"),
        ("completed order", "Order Completed"),
        ("order_completed", "Order Completed"),
        ("OrderCompleted", "Order Completed"),
        ("ORDER-COMPLETED", "Order Completed"),
    ],
)
async def test_an_order_under_a_former_or_another_spelling_counts(
    platform: PlatformUnderTest, sent: str, event: str
) -> None:
    """It is one event with one name, so the order counts once."""
    await send(platform, "web-shop", sent, ORDER)
    await platform.send_messages("web-shop", build_track(event, ORDER, "m2"))
    answer = await platform.query(READ_EVENTS, platform.issue_token("support"))
    (customer,) = answer["data"]["customers"]["nodes"]
    assert [node["name"] for node in customer["events"]["nodes"]] == [event, event]
    assert customer["commerce"]["orderCount"] == 1


@pytest.mark.parametrize("sent", ["Order Complete", "Completed", "Ordered Completely", ""])
async def test_a_name_that_is_only_similar_is_undeclared(platform: PlatformUnderTest, sent: str) -> None:
    """Nothing is guessed."""
    assert (await send(platform, "web-shop", sent, ORDER))["code"] == "EVENT_UNDECLARED"


@pytest.mark.parametrize(
    ("properties", "total"),
    [
        ({"order_id": "o1", "revenue": 25}, "25.00"),
        ({"orderId": 17, "revenue": "25.5"}, "25.50"),
        ({"order_id": "o1", "total": 30, "revenue": 25}, "30.00"),
        ({"order_id": "o1", "total": "", "revenue": 25}, "25.00"),
        ({"order_id": "o1", "total": None, "revenue": 25}, "25.00"),
    ],
)
async def test_revenue_stands_for_a_missing_total(
    platform: PlatformUnderTest, properties: dict[str, Any], total: str
) -> None:
    """As v1 names it; where both are sent, each is itself."""
    result = await send(platform, "web-shop", "Completed Order", properties)
    assert (result["status"], result["dropped"]) == ("accepted", 0)
    (event,) = await read_events(platform)
    assert event["properties"]["total"] == build_money(total)


async def test_products_are_on_the_timeline_with_the_members_that_each_purpose_sees(
    platform: PlatformUnderTest,
) -> None:
    """Support sees the coupon of a product, but not where in a list it stood or its picture."""
    await send(platform, "web-shop", "Order Completed", ORDER)
    (event,) = await read_events(platform)
    assert event["properties"]["products"] == [
        {
            "product_id": "507f1f77bcf86cd799439011",
            "sku": "45790-32",
            "name": "Monopoly: 3rd Edition",
            "category": "Games",
            "price": build_money("19.00", "USD"),
            "quantity": 1,
            "coupon": "hasbros",
        },
        {
            "product_id": "505",
            "sku": "46493-32",
            "name": "Uno Card Game",
            "price": build_money("3.00", "USD"),
            "quantity": 2,
        },
    ]


@pytest.mark.parametrize(
    ("products", "left_out", "kept"),
    [
        (
            [{**UNO, "price": "cheap"}, UNO],
            ["properties.products.0.price"],
            [["name", "product_id", "quantity", "sku"], ["name", "price", "product_id", "quantity", "sku"]],
        ),
        ([UNO, "P-1"], ["properties.products.1"], [["name", "price", "product_id", "quantity", "sku"]]),
        (
            [{"name": ["x"], "quantity": 1.5}],
            ["properties.products.0.name", "properties.products.0.quantity"],
            [],
        ),
        (
            [{"price": 5, "currency": "euro??", "sku": 1}],
            ["properties.products.0.price", "properties.products.0.currency"],
            [["sku"]],
        ),
        ("P-1", ["properties.products"], None),
        ([UNO] * 101, ["properties.products"], None),
    ],
)
async def test_a_bad_member_of_a_product_costs_only_itself(
    platform: PlatformUnderTest, products: Any, left_out: list[str], kept: list[list[str]] | None
) -> None:
    """It is named with its place; the order and its other products stay."""
    result = await send(
        platform, "web-shop", "Order Completed", {"order_id": "o", "total": 5, "products": products}
    )
    assert result["status"] == "accepted"
    assert [entry["place"] for entry in result.get("leftOut", [])] == left_out
    (event,) = await read_events(platform)
    stored = event["properties"].get("products")
    assert (None if stored is None else [sorted(product) for product in stored]) == kept


async def test_undeclared_members_of_products_are_counted(platform: PlatformUnderTest) -> None:
    """They are never stored."""
    product = {**UNO, "margin": 0.4, "supplier": "ACME"}
    result = await send(platform, "web-shop", "Product List Viewed", {"products": [product, product]})
    assert (result["status"], result["dropped"]) == ("accepted", 4)


async def test_amounts_in_no_known_currency_are_left_out_with_it(
    platform: PlatformUnderTest,
) -> None:
    """The amounts of an optional event are left out with the currency that does not exist; the rest stays."""
    result = await send(platform, "web-shop", "Product Viewed", {**PRODUCT, "currency": "euro??", "value": 5})
    assert result["status"] == "accepted"
    assert {entry["place"] for entry in result["leftOut"]} == {
        "properties.price",
        "properties.currency",
        "properties.value",
    }
    assert {entry["code"] for entry in result["leftOut"]} == {"CURRENCY_UNKNOWN"}


async def test_products_are_in_the_access_package(platform: PlatformUnderTest) -> None:
    """With all members, whatever purpose they are for."""
    await platform.send_messages(
        "web-shop",
        {"type": "identify", "userId": "u-1", "messageId": "i", "traits": {"email": "ann@shop.example"}},
    )
    await send(platform, "web-shop", "Order Completed", ORDER)
    package = await request_package(platform, "email", "ann@shop.example")
    (event,) = [entry for entry in package.sections["events"] if entry["name"] == "Order Completed"]
    first = event["properties"]["products"][0]
    assert first == {**MONOPOLY, "price": build_money("19.00", "USD")}
