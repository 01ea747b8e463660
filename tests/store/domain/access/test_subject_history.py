"""The sections of a package about the history of a customer."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

from discretion.catalogue.source_consent import SetAside
from discretion.store.driver.database import Database
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.package import request_package
from tests.fixtures.platform import build_test_platform, read_shipped_catalogue

EMAIL = "marketing.communications.email"
ADDRESS = "ann@post.example"
SHOP = "web-shop"


async def test_a_package_says_why_an_acceptance_was_set_aside(database: Database, tmp_path: Path) -> None:
    """Only the acceptances of the period: a refusal and a later acceptance have no reason."""
    shipped = read_shipped_catalogue()
    period = SetAside("The banner accepted by itself.", "privacy-office", end_day=date(2026, 3, 2))
    source = replace(
        shipped.sources[SHOP], consent=replace(shipped.sources[SHOP].consent, set_aside=(period,))
    )
    catalogue = replace(shipped, sources={**shipped.sources, SHOP: source})
    platform = await build_test_platform(database, tmp_path, CommandRecorder(), catalogue)
    messages = [
        {"type": "consent", "userId": "ann", "timestamp": f"2026-{day}T12:00:00Z", "purposes": {EMAIL: given}}
        for day, given in (("03-01", True), ("03-01", False), ("03-05", True))
    ]
    async with platform.http:
        person = {"type": "identify", "userId": "ann", "traits": {"email": ADDRESS}}
        await platform.send_messages(SHOP, person, *messages)
        package = await request_package(platform, "email", ADDRESS)
    reasons = {
        (row["at"][5:10], row["state"] == "given"): row["set_aside"] for row in package.sections["consents"]
    }
    assert reasons[("03-01", True)] == period.reason
    assert {reason for key, reason in reasons.items() if key != ("03-01", True)} == {None}
