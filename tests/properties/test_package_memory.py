"""The memory needed for an access package does not depend on the number of events."""

from __future__ import annotations

import tracemalloc

import pytest

from tests.fixtures.busy_customer import insert_events
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.package import create_link, file_request, find_customer_id
from tests.fixtures.platform import PlatformUnderTest

FEW_EVENTS, MANY_EVENTS = 1_000, 10_000
MAX_EXTRA_BYTES = 2 * 1024 * 1024
"""Additional memory that ten times the events may take (bytes): two thirds of their encrypted pages."""


async def measure_peaks(platform: PlatformUnderTest, name: str, events: int) -> tuple[int, int]:
    """Return the peak memory while a package is built, and while it is downloaded (bytes)."""
    email = f"{name}@shop.example"
    identify = {"type": "identify", "messageId": name, "userId": name, "traits": {"email": email}}
    await platform.send_messages("web-shop", identify)
    customer_id = await find_customer_id(platform, "email", email)
    await insert_events(platform, customer_id, events)
    request = await file_request(platform, customer_id)
    token = await platform.issue_customer_token("email", email)
    tracemalloc.start()
    try:
        await platform.internals.requests.workflow_runner.run_request(request.id)
        _, build_peak = tracemalloc.get_traced_memory()
        path = await create_link(platform, request, token)
        tracemalloc.reset_peak()
        download = await platform.internals.access.download_links.follow_link(path.rpartition("/")[2])
        assert download is not None
        async for _part in download.content:
            pass
        _, download_peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    stored = await platform.internals.requests.store.find(request.id)
    assert stored is not None
    assert stored.package is not None
    assert stored.package.rows["events"] == events
    return build_peak, download_peak


async def test_ten_thousand_events_need_as_much_memory_as_a_thousand(
    platform: PlatformUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This holds while it is built and while it is downloaded. The test's command recorder is off."""
    monkeypatch.setattr(CommandRecorder, "started", lambda *_: None)
    few, many = (
        await measure_peaks(platform, "few", FEW_EVENTS),
        await measure_peaks(platform, "many", MANY_EVENTS),
    )
    assert many[0] < few[0] + MAX_EXTRA_BYTES
    assert many[1] < few[1] + MAX_EXTRA_BYTES
