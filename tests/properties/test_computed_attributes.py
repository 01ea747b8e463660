"""Attributes that are computed incrementally equal those computed from all events, on a real MongoDB."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.catalogue.model import Attribute, ValueType
from discretion.catalogue.money import format_amount
from discretion.domain.ingest.value_parsing import parse_timestamp
from discretion.reveal.forms import format_timestamp
from tests.fixtures.examples import scale_examples
from tests.fixtures.money import build_money, read_minor
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.fixtures.recomputed_attributes import PastEvent, recompute_attribute
from tests.properties.message_streams import SentMessage
from tests.properties.random_population import build_everything_query, delete_everything
from tests.properties.settings import seeded_randoms
from tests.properties.test_message_order import batch_neighbours

CATALOGUE = load_catalogue(None)
COMPUTED = [attribute for attribute in CATALOGUE.attributes.values() if attribute.computed is not None]
START = int(time.time() * 1000) - 40 * 86_400_000
SENDERS = [("web-shop", "u-1"), ("ios-app", "u-2"), ("tills", "L-1"), ("tills", "L-2")]
SHARED_EMAIL = "one@post.example"
VALUES: dict[str, list[Any]] = {
    "total": [1, "2.50", 19.99, -3],
    "storeId": ["leeds", "york", "bath"],
    "category": ["shoes", "coats"],
    "currency": ["GBP", "EUR", "jpy", "KWD"],
    "order_id": ["o1", "o2", 3],
    "refund_id": ["r1"],
    "payment_method": ["card", "cash"],
}


@st.composite
def event_streams(draw: st.DrawFn) -> list[SentMessage]:
    """Draw events in every channel, with few times and values so that ties occur, and a linking address."""
    sent = []
    for number in range(draw(st.integers(2, 14))):
        source, user = draw(st.sampled_from([*SENDERS, *SENDERS[2:]]))
        channel = CATALOGUE.sources[source].channel
        kinds = [
            event_key
            for event_key in sorted(CATALOGUE.events)
            if channel in CATALOGUE.events[event_key].channels
        ]
        kind = draw(
            st.sampled_from([*kinds, *["Order Completed"] * 6, *["Order Refunded"] * 2, "Order Cancelled"])
        )
        body: dict[str, Any] = {
            "userId": user,
            "messageId": f"m{number}",
            "timestamp": format_timestamp(START + draw(st.integers(0, 4)) * 3_600_000),
        }
        if kind == "group":
            body |= {"type": "group", "groupId": "g"}
        elif kind in ("page", "screen"):
            body |= {"type": kind, "properties": draw(_properties(kind))}
        else:
            body |= {"type": "track", "event": kind, "properties": draw(_properties(kind))}
        sent.append((source, body))
    for source, user in SENDERS:
        if draw(st.booleans()):
            traits = {"email": SHARED_EMAIL}
            body = {"type": "identify", "userId": user, "messageId": f"i-{user}", "traits": traits}
            sent.insert(
                draw(st.integers(0, len(sent))), (source, {**body, "timestamp": format_timestamp(START)})
            )
    return sent


@st.composite
def _properties(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    properties: dict[str, Any] = {}
    for declared in CATALOGUE.events[kind].properties:
        if declared.required or draw(st.booleans()):
            plain_values = {ValueType.INT: [1, 2], ValueType.MONEY: [5]}.get(declared.type, ["x", "y"])
            value = draw(st.sampled_from(VALUES.get(declared.name, plain_values)))
            properties[declared.name] = [value] if declared.many else value
    return properties


def build_past_event(event: dict[str, Any]) -> PastEvent:
    """Convert an event as the API returns it to its stored form."""
    declared = {
        event_property.name: event_property for event_property in CATALOGUE.events[event["name"]].properties
    }
    properties = {
        name: read_minor(value) if declared[name].type is ValueType.MONEY else value
        for name, value in event["properties"].items()
    }
    return PastEvent(event["name"], event["channel"], parse_timestamp(event["occurredAt"]), properties)


def format_value(attribute: Attribute, value: Any) -> Any:
    """Return a stored value as the API formats it."""
    if value is None:
        return None
    if attribute.type is ValueType.DATETIME:
        return format_timestamp(value)
    if attribute.type is not ValueType.MONEY:
        return value
    if attribute.many:
        return [build_money(format_amount(minor, code), code) for minor, code in value]
    return build_money(format_amount(value, attribute.currency), attribute.currency)


async def compare_computed(platform: PlatformUnderTest, token: str) -> int:
    """Compare each computed attribute with the result of all events; return how many had a value."""
    answer = await platform.query(build_everything_query(), token)
    assert "errors" not in answer, answer
    value_count = 0
    for person in answer["data"]["customers"]["nodes"]:
        events = [build_past_event(event) for event in person["events"]["nodes"]]
        for attribute in COMPUTED:
            group, name = attribute.path.split(".")
            expected = format_value(
                attribute, recompute_attribute(attribute, events, CATALOGUE.events, CATALOGUE.money.rates)
            )
            assert person[group][name] == expected, attribute.path
            value_count += expected is not None
    return value_count


def test_incremental_totals_equal_totals_of_all_events(mongo_url: str, tmp_path: Path) -> None:
    """The events are sent in any order, late, twice, in batches or singly, for people who get merged."""

    @given(event_streams(), seeded_randoms(), st.booleans())
    @settings(
        max_examples=scale_examples(15),
        suppress_health_check=list(HealthCheck),
        derandomize=True,
    )
    def check_totals(
        platform: PlatformUnderTest, run: Any, sent: list[SentMessage], random: Random, alone: bool
    ) -> None:
        resent = [*sent, *(message for message in sent if random.random() < 0.4)]
        random.shuffle(resent)

        async def send() -> None:
            await delete_everything(platform)
            parts = [(source, [body]) for source, body in resent] if alone else batch_neighbours(resent)
            for source, messages in parts:
                outcome = await platform.send_messages(source, *messages)
                assert {result["status"] for result in outcome["results"]} <= {"accepted", "duplicate"}
            token = platform.issue_token(purposes=list(CATALOGUE.purposes), scopes=["steward"])
            assert await compare_computed(platform, token)

        run(send())

    with asyncio.Runner() as runner:
        open_context = open_platform(mongo_url, tmp_path)
        platform = runner.run(open_context.__aenter__())
        try:
            check_totals(platform, runner.run)
        finally:
            runner.run(open_context.__aexit__(None, None, None))
