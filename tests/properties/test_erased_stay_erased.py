"""Erased data stays erased (promise 5), whatever messages arrive late, twice or meanwhile, in any order."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.fixtures.erasure_steps import BLIND, ErasureSteps
from tests.fixtures.examples import scale_examples
from tests.fixtures.platform import PlatformUnderTest, open_platform
from tests.fixtures.proofs import confirm_card

SENT_AT, ONE_MS_IN_S = "2026-05-01T10:00:00Z", 0.001
PEOPLE = 4
"""Number of people who are erased concurrently in one example, each with their own schedule."""


def build_messages(name: str) -> list[tuple[str, dict[str, Any]]]:
    """Return messages of several sources about one person: identifiers, an alias, a device, and events."""
    web_id, card_id, device_id = (
        {"userId": f"w-{name}"},
        {"userId": f"L-{name}"},
        {"anonymousId": f"ck-{name}"},
    )
    email = f"{name}@shop.example"
    bodies: list[tuple[str, dict[str, Any]]] = [
        (
            "web-shop",
            confirm_card(
                {"type": "identify", **web_id, "traits": {"firstName": name, "email": email}},
                card_id["userId"],
            ),
        ),
        ("web-shop", {"type": "identify", **web_id, **device_id, "traits": {"email": email}}),
        (
            "web-shop",
            {"type": "track", "event": "Product Viewed", **device_id, "properties": {"product_id": "P"}},
        ),
        ("web-shop", {"type": "alias", **web_id, "previousId": f"ck-{name}"}),
        ("web-shop", {"type": "track", "event": "Undeclared", **web_id}),
        ("tills", {"type": "identify", **card_id, "traits": {"email": email, "lastName": f"Of {name}"}}),
        (
            "tills",
            {
                "type": "track",
                "event": "Order Completed",
                **card_id,
                "properties": {"order_id": "o", "total": 1},
            },
        ),
        ("web-shop", {"type": "consent", **web_id, "purposes": {"marketing": True}, "method": "web_form"}),
        (
            "ios-app",
            {"type": "identify", **web_id, "anonymousId": f"d-{name}", "traits": {"email": email}},
        ),
    ]
    return [
        (source, {**body, "messageId": f"{name}-{number}", "timestamp": SENT_AT})
        for number, (source, body) in enumerate(bodies)
    ]


@st.composite
def erasure_schedules(draw: st.DrawFn) -> list[tuple[int, int]]:
    """Draw for each message number when it is sent (ms relative to the erasure); some are sent again."""
    numbers = range(len(build_messages("x")))
    schedule = [(number, draw(st.integers(-30, 30))) for number in numbers]
    return [*schedule, *((draw(st.sampled_from(numbers)), draw(st.integers(-10, 60))) for _ in range(4))]


def test_concurrent_messages_restore_no_erased_person(mongo_url: str, tmp_path: Path) -> None:
    """After concurrent messages, erasures and repetitions no document names an erased person."""
    numbers = iter(range(10_000))
    with asyncio.Runner() as runner:
        open_context = open_platform(mongo_url, tmp_path)
        platform = runner.run(open_context.__aenter__())

        @given(st.lists(erasure_schedules(), min_size=PEOPLE, max_size=PEOPLE))
        @settings(
            max_examples=scale_examples(4),
            derandomize=True,
            database=None,
            phases=(Phase.generate,),
        )
        def check_erased(schedules: list[list[tuple[int, int]]]) -> None:
            runner.run(_erase_people(platform, [(f"p{next(numbers)}", schedule) for schedule in schedules]))

        try:
            check_erased()
        finally:
            runner.run(open_context.__aexit__(None, None, None))


async def _erase_people(
    platform: PlatformUnderTest, schedules: list[tuple[str, list[tuple[int, int]]]]
) -> None:
    await asyncio.gather(*(_erase_person(platform, name, schedule) for name, schedule in schedules))
    for name, _ in schedules:
        await _check_erased(platform, name)


async def _erase_person(platform: PlatformUnderTest, name: str, schedule: list[tuple[int, int]]) -> None:
    """Create a person, and erase them while messages about them arrive."""
    erasing, messages = ErasureSteps(platform), build_messages(name)
    await platform.send_messages(*messages[0])
    customer = await erasing.find_customer("email", f"{name}@shop.example")
    assert customer is not None

    async def send(number: int, offset_ms: int) -> None:
        await asyncio.sleep((30 + offset_ms) * ONE_MS_IN_S)
        await platform.send_messages(*messages[number])

    async def erase() -> None:
        await asyncio.sleep(30 * ONE_MS_IN_S)
        await erasing.erase_customer(customer)

    await asyncio.gather(erase(), *(send(number, offset_ms) for number, offset_ms in schedule))
    for message in messages:  # send all messages again after the erasure
        await platform.send_messages(*message)


async def _check_erased(platform: PlatformUnderTest, name: str) -> None:
    """Check that no document of a person is left.

    A loyalty card that no message had linked to them is a customer of its own, which may stay.
    """
    database, email = platform.internals.database, BLIND.index("email", f"{name}@shop.example")
    record = BLIND.index("record", "web-shop", "user_id", f"w-{name}")
    for collection, query in (
        ("identifiers", {"_id": email}),
        ("source_records", {"$or": [{"_id": record}, {"i.e": email}]}),
        ("messages", {"record": record}),
        ("consents", {"records": record}),
        ("dead_letters", {"marks": {"$in": [email, BLIND.index("user_id", f"w-{name}")]}}),
        ("events", {"record": record}),
    ):
        assert await database.count(collection, query) == 0, collection
