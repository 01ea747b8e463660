"""The support resource of Global Privacy Control, as its draft specifies it."""

from __future__ import annotations

from tests.fixtures.platform import PlatformUnderTest


async def test_the_support_resource_is_public(platform: PlatformUnderTest) -> None:
    """A JSON object with the support and the date of its last change ("GPC Support Representation")."""
    response = await platform.http.get("/.well-known/gpc.json")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.json() == {"gpc": True, "lastUpdate": "2026-11-24"}


async def test_the_support_resource_refuses_other_methods(platform: PlatformUnderTest) -> None:
    assert (await platform.http.post("/.well-known/gpc.json", json={"gpc": False})).status_code == 405
