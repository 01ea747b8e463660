"""The support resource of Global Privacy Control, as its draft describes it."""

from __future__ import annotations

from tests.fixtures.platform import House


async def test_the_support_resource_is_there_for_anybody(house: House) -> None:
    """A JSON object that says so, and since which day ("GPC Support Representation")."""
    response = await house.http.get("/.well-known/gpc.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"gpc": True, "lastUpdate": "2026-11-24"}


async def test_the_support_resource_takes_no_other_method(house: House) -> None:
    assert (await house.http.post("/.well-known/gpc.json", json={"gpc": False})).status_code == 405
