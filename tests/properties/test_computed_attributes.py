"""Running totals are what all events come to: incremental equals from scratch, against the real thing."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from discretion.catalogue.load import load
from discretion.catalogue.model import Attribute, ValueType
from discretion.domain.ingest.value_parsing import moment
from discretion.reveal.forms import iso
from tests.fixtures.platform import House, open_house
from tests.fixtures.recomputed_attributes import Happened, scratch
from tests.properties.message_streams import Sent
from tests.properties.random_population import empty, everything
from tests.properties.test_message_order import batches

CATALOGUE = load(None)
COMPUTED = [one for one in CATALOGUE.attributes.values() if one.computed is not None]
START = int(time.time() * 1000) - 40 * 86_400_000
WHO = [("web-shop", "u-1"), ("ios-app", "u-2"), ("tills", "L-1"), ("tills", "L-2")]
ONE = "one@post.example"
VALUES: dict[str, list[Any]] = {
    "total": [1, "2.50", 19.99, -3],
    "storeId": ["leeds", "york", "bath"],
    "category": ["shoes", "coats"],
    "currency": ["GBP", "EUR"],
    "payment_method": ["card", "cash"],
}


@st.composite
def happenings(draw: st.DrawFn) -> list[Sent]:
    """Events in every channel, few times and values so that there are ties, and an address that links."""
    sent = []
    for number in range(draw(st.integers(2, 14))):
        source, user = draw(st.sampled_from([*WHO, *WHO[2:]]))
        channel = CATALOGUE.sources[source].channel
        kinds = [k for k in sorted(CATALOGUE.events) if channel in CATALOGUE.events[k].channels]
        kind = draw(st.sampled_from([*kinds, *["Order Completed"] * 6, "Order Refunded"]))
        body: dict[str, Any] = {
            "userId": user,
            "messageId": f"m{number}",
            "timestamp": iso(START + draw(st.integers(0, 4)) * 3_600_000),
        }
        if kind == "group":
            body |= {"type": "group", "groupId": "g"}
        elif kind in ("page", "screen"):
            body |= {"type": kind, "properties": draw(_properties(kind))}
        else:
            body |= {"type": "track", "event": kind, "properties": draw(_properties(kind))}
        sent.append((source, body))
    for source, user in WHO:
        if draw(st.booleans()):
            traits = {"email": ONE}
            body = {"type": "identify", "userId": user, "messageId": f"i-{user}", "traits": traits}
            sent.insert(draw(st.integers(0, len(sent))), (source, {**body, "timestamp": iso(START)}))
    return sent


@st.composite
def _properties(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    given_: dict[str, Any] = {}
    for one in CATALOGUE.events[kind].properties:
        if one.required or draw(st.booleans()):
            plain = {ValueType.INT: [1, 2], ValueType.MONEY: [5]}.get(one.type, ["x", "y"])
            value = draw(st.sampled_from(VALUES.get(one.name, plain)))
            given_[one.name] = [value] if one.many else value
    return given_


def happened(event: dict[str, Any]) -> Happened:
    """A stored event as the API opens it, back in stored form."""
    declared = {one.name: one for one in CATALOGUE.events[event["name"]].properties}
    properties = {
        name: round(value * 100) if declared[name].type is ValueType.MONEY else value
        for name, value in event["properties"].items()
    }
    return Happened(event["name"], event["channel"], moment(event["occurredAt"]), properties)


def shown(attribute: Attribute, value: Any) -> Any:
    """A stored value as the API shows it."""
    if value is None:
        return None
    if attribute.type is ValueType.DATETIME:
        return iso(value)
    return value / 100 if attribute.type is ValueType.MONEY else value


async def compare(house: House, token: str) -> int:
    """Every computed attribute of everybody beside what their events come to; how many had a value."""
    answer = await house.ask(everything(), token)
    assert "errors" not in answer, answer
    found = 0
    for person in answer["data"]["customers"]["nodes"]:
        events = [happened(one) for one in person["events"]["nodes"]]
        for attribute in COMPUTED:
            group, name = attribute.path.split(".")
            wanted = shown(attribute, scratch(attribute, events))
            assert person[group][name] == wanted, attribute.path
            found += wanted is not None
    return found


def test_what_is_computed_bit_by_bit_is_what_all_events_come_to(mongo_url: str, tmp_path: Path) -> None:
    """Sent in any order, late, twice, in batches or one by one, for people who turn out to be one."""

    @given(happenings(), st.randoms(use_true_random=False), st.booleans())
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    def law(house: House, run: Any, sent: list[Sent], random: Random, alone: bool) -> None:
        again = [*sent, *(one for one in sent if random.random() < 0.4)]
        random.shuffle(again)

        async def send() -> None:
            await empty(house)
            parts = [(source, [body]) for source, body in again] if alone else batches(again)
            for source, messages in parts:
                told = await house.tell(source, *messages)
                assert {one["status"] for one in told["results"]} <= {"accepted", "duplicate"}
            token = house.token(purposes=list(CATALOGUE.purposes), scopes=["steward"])
            assert await compare(house, token)

        run(send())

    with asyncio.Runner() as runner:
        opened = open_house(mongo_url, tmp_path)
        house = runner.run(opened.__aenter__())
        try:
            law(house, runner.run)
        finally:
            runner.run(opened.__aexit__(None, None, None))
