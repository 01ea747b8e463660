"""The cast of seed/ as each role sees it: every value and every absence is listed in seed/expected.yaml."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from discretion.catalogue.load import load_catalogue
from discretion.seeding.cast import compute_birth_date, generate_cast_messages
from discretion.seeding.message import find_seed_file
from tests.fixtures.money import format_leaf, is_money
from tests.fixtures.platform import PlatformUnderTest, open_platform

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXPECTED: dict[str, Any] = yaml.safe_load(find_seed_file("expected.yaml").read_text("utf-8"))
CATALOGUE = load_catalogue(None)
NOW = int(time.time() * 1000)
SELECTION = " ".join(
    f"{name}: {format_leaf(path.replace('.', ' { '), CATALOGUE.attributes[path])} {'} ' * path.count('.')}"
    for name, path in EXPECTED["attributes"].items()
)
ONE_CUSTOMER = f"query($id: ID!) {{ customer(id: $id) {{ {SELECTION} }} }}"
ALL_CUSTOMERS = "{ customers(first: 500) { totalCount nodes { id } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["pymongo", "motor"])
async def platform(
    request: pytest.FixtureRequest, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[PlatformUnderTest]:
    """A platform that has ingested the messages of the cast."""
    async with open_platform(mongo_url, tmp_path_factory.mktemp("platform"), request.param) as test_platform:
        for message in generate_cast_messages(NOW):
            outcome = await test_platform.send_messages(message.source, dict(message.body))
            assert outcome["accepted"] == 1, outcome
        yield test_platform


async def find_customer_id(platform: PlatformUnderTest, role: str, identifier: dict[str, str]) -> str:
    """Return a customer's id for the client of ``role``, looked up by a steward of that client."""
    query = "query($t: String!, $v: String!) { customer(identifier: {type: $t, value: $v}) { id } }"
    client = {"customer": "customer-app"}.get(role, f"{role}-client")
    steward = platform.issue_token("steward", client=client)
    answer = await platform.query(query, steward, {"t": identifier["type"], "v": identifier["value"]})
    customer_id: str = answer["data"]["customer"]["id"]
    return customer_id


def flatten(answer: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a customer object by the short names of expected.yaml, without nulls."""
    values: dict[str, Any] = {}
    for name in EXPECTED["attributes"]:
        value: Any = answer[name]
        while isinstance(value, dict) and not is_money(value):
            value = next(iter(value.values()))
        if value is not None:
            values[name] = " ".join(value.values()) if is_money(value) else value
    return values


@pytest.mark.parametrize("role", EXPECTED["roles"])
@pytest.mark.parametrize("person", EXPECTED["people"])
async def test_each_role_sees_the_expected_values_of_each_person(
    platform: PlatformUnderTest, person: str, role: str
) -> None:
    """Purposes, catalogue and the customer's own choices decide, over HTTP."""
    expectations = EXPECTED["people"][person]
    expected = expectations["everything" if role in {"customer", "steward"} else role]
    client = {"customer": "customer-app"}.get(role, f"{role}-client")
    customer_id = await find_customer_id(platform, role, expectations["find"])
    subject = None
    if role == "customer":
        subject = await platform.find_account(expectations["find"]["type"], expectations["find"]["value"])
        if subject is None:
            # Somebody without an account has no login, and so no token of their own.
            assert person == "visitor"
            return
    token = platform.issue_token(role, client=client, subject=subject)
    answer = await platform.query(ONE_CUSTOMER, token, {"id": customer_id})
    customer = answer["data"]["customer"]
    if expected == "absent":
        assert customer is None
        listed = await platform.query(ALL_CUSTOMERS, token)
        assert customer_id not in [node["id"] for node in listed["data"]["customers"]["nodes"]]
        return
    if isinstance(expected.get("birthDate"), dict):
        expected = {**expected, "birthDate": compute_birth_date(expected["birthDate"]["age"], NOW)}
    assert flatten(customer) == expected
    withheld = {entry["field"] for entry in answer["extensions"]["disclosure"]["withheld"]}
    missing_paths = {path for short, path in EXPECTED["attributes"].items() if short not in expected}
    assert withheld == missing_paths
