"""The cast of seed/, met by everyone who asks: what seed/expected.yaml says is what they see."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import yaml

from discretion.seeding.cast import born, cast
from discretion.seeding.message import shipped
from tests.fixtures.platform import House, open_house

pytestmark = pytest.mark.asyncio(loop_scope="module")
EXPECTED: dict[str, Any] = yaml.safe_load(shipped("expected.yaml").read_text("utf-8"))
NOW = int(time.time() * 1000)
SELECTION = " ".join(
    f"{name}: {path.replace('.', ' { ')} {'} ' * path.count('.')}"
    for name, path in EXPECTED["attributes"].items()
)
ONE = f"query($id: ID!) {{ customer(id: $id) {{ {SELECTION} }} }}"
ALL = "{ customers(first: 500) { totalCount nodes { id } } }"


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["pymongo", "motor"])
async def house(
    request: pytest.FixtureRequest, mongo_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house that has heard the cast's story."""
    async with open_house(mongo_url, tmp_path_factory.mktemp("house"), request.param) as built:
        for message in cast(NOW):
            told = await built.tell(message.source, dict(message.body))
            assert told["accepted"] == 1, told
        yield built


async def found(house: House, role: str, find: dict[str, str]) -> str:
    """The id by which the client of ``role`` knows somebody, found by a steward of that client."""
    query = "query($t: String!, $v: String!) { customer(identifier: {type: $t, value: $v}) { id } }"
    client = {"customer": "customer-app"}.get(role, f"{role}-client")
    steward = house.token("steward", client=client)
    answer = await house.ask(query, steward, {"t": find["type"], "v": find["value"]})
    name: str = answer["data"]["customer"]["id"]
    return name


def flat(answer: dict[str, Any]) -> dict[str, Any]:
    """What a customer object shows, by the short names of the expectations, nulls left out."""
    shown: dict[str, Any] = {}
    for name in EXPECTED["attributes"]:
        value: Any = answer[name]
        while isinstance(value, dict):
            value = next(iter(value.values()))
        if value is not None:
            shown[name] = value
    return shown


@pytest.mark.parametrize("role", EXPECTED["roles"])
@pytest.mark.parametrize("person", EXPECTED["people"])
async def test_each_role_sees_of_each_person_what_is_expected(house: House, person: str, role: str) -> None:
    """Purpose, catalogue and the person's own choice, over HTTP."""
    told = EXPECTED["people"][person]
    expected = told["everything" if role in {"customer", "steward"} else role]
    client = {"customer": "customer-app"}.get(role, f"{role}-client")
    name = await found(house, role, told["find"])
    subject = name if role == "customer" else None
    token = house.token(role, client=client, subject=subject)
    answer = await house.ask(ONE, token, {"id": name})
    met = answer["data"]["customer"]
    if expected == "absent":
        assert met is None
        listed = await house.ask(ALL, token)
        assert name not in [node["id"] for node in listed["data"]["customers"]["nodes"]]
        return
    if isinstance(expected.get("birthDate"), dict):
        expected = {**expected, "birthDate": born(expected["birthDate"]["age"], NOW)}
    assert flat(met) == expected
    withheld = {one["field"] for one in answer["extensions"]["disclosure"]["withheld"]}
    missing = {path for short, path in EXPECTED["attributes"].items() if short not in expected}
    assert withheld == missing
