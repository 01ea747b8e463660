"""A value is contested if and only if the request that contests it is on record."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from discretion.domain.requests.model import RequestDetails, Requester
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database
from discretion.store.request_state import RequesterAssurance, RequesterRole, RequestReason, RequestState
from discretion.store.source_record_codec import CONTESTED
from discretion.store.subject_request import RequestScope
from tests.fixtures.attribute_keys import KEYS
from tests.fixtures.mongo import CommandRecorder
from tests.fixtures.platform import PlatformUnderTest, build_test_platform
from tests.journeys.rights import create_customer

DETAILS = RequestDetails(
    Right.CORRECTION, RequestScope(attributes=("identity.givenName",)), needs_decision=True
)
REQUESTER = Requester(RequesterRole.PERSON, "self:app", "app", "ann", RequesterAssurance.FRESH)


class SimulatedCrash(Exception):
    """The process ended."""


async def crash(*_arguments: Any) -> None:
    """End the process."""
    raise SimulatedCrash


async def find_only_customer(platform: PlatformUnderTest) -> bytes:
    """Return the id of the only customer."""
    await create_customer(platform)
    document = await platform.internals.database.find_one("customers", {}, {"_id": 1})
    assert document is not None
    customer: bytes = document["_id"]
    return customer


async def list_contested(database: Database) -> list[str]:
    """Return the keys of all contested attributes."""
    records = await database.find("source_records", {})
    return [key for record in records for key, requests in record.get(CONTESTED, {}).items() if requests]


async def test_a_crash_stores_neither_the_request_nor_its_flags(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    platform = await build_test_platform(database, tmp_path, commands)
    customer, requests = await find_only_customer(platform), platform.internals.requests
    with pytest.raises(SimulatedCrash):
        await replace(requests.submission, after_filing=crash).submit(customer, DETAILS, REQUESTER)
    assert await database.count("requests", {}) == 0
    request = await requests.submission.submit(customer, DETAILS, REQUESTER)
    assert await list_contested(database) == [KEYS["identity.givenName"]]
    with pytest.raises(SimulatedCrash):
        await replace(requests.decisions, after_change=crash).refuse(
            request.id, "steward:office", RequestReason.OTHER, "GDPR Art. 16", "It is as you said."
        )
    stored = await requests.store.find(request.id)
    assert stored is not None
    assert stored.state is RequestState.ACKNOWLEDGED
    await requests.decisions.withdraw(request.id, "self:app")
    assert await list_contested(database) == []


async def test_a_contested_address_is_no_visible_identifier_either(
    database: Database, tmp_path: Path, commands: CommandRecorder
) -> None:
    """The same value must not be read under another name; other types of identifiers stay visible."""
    platform = await build_test_platform(database, tmp_path, commands)
    customer, requests = await find_only_customer(platform), platform.internals.requests
    shown = {
        "contact": {"email": "ann@shop.example"},
        "identifiers": [{"type": "email"}, {"type": "user_id"}],
    }
    assert await read_addresses(platform, "support") == shown
    details = replace(DETAILS, scope=RequestScope(attributes=("contact.email",)))
    request = await requests.submission.submit(customer, details, REQUESTER)
    withheld = {"contact": {"email": None}, "identifiers": [{"type": "user_id"}]}
    assert await read_addresses(platform, "support") == withheld
    assert await read_addresses(platform, "steward") == shown
    await requests.decisions.withdraw(request.id, "self:app")
    assert await read_addresses(platform, "support") == shown


async def read_addresses(platform: PlatformUnderTest, role: str) -> Any:
    """Return the address and the types of identifiers that a role sees of the only customer."""
    answer = await platform.query(
        "{ customers { nodes { contact { email } identifiers { type } } } }", platform.issue_token(role)
    )
    (customer,) = answer["data"]["customers"]["nodes"]
    return {**customer, "identifiers": sorted(customer["identifiers"], key=lambda item: str(item["type"]))}
