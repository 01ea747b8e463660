"""Whoever asks gets everything that is kept of them, nothing of anybody else, by a link that works once."""

from __future__ import annotations

from tests.fixtures.house import House
from tests.fixtures.package import asked, customer, fetched, link

ANN = {
    "type": "identify",
    "messageId": "w1",
    "userId": "w-1",
    "traits": {"firstName": "Ann", "email": "ann@shop.example"},
}
SEARCHED = {
    "type": "track",
    "messageId": "w2",
    "userId": "w-1",
    "event": "Products Searched",
    "properties": {"query": "red shoes"},
}


async def test_a_package_is_fetched_once(house: House) -> None:
    """Over HTTP; a second time there is nothing, as if there had never been."""
    await house.tell("web-shop", ANN, SEARCHED)
    request = await asked(house, await customer(house, "email", "ann@shop.example"))
    await house.platform.rights.engine.once()
    path = await link(house, request, await house.own_token("email", "ann@shop.example"))
    head = await house.http.head(path)
    assert head.status_code == 405
    first = await fetched(house, path)
    assert first.status_code == 200
    assert first.headers["cache-control"] == "no-store"
    assert first.headers["referrer-policy"] == "no-referrer"
    assert first.headers["content-disposition"] == 'attachment; filename="access.zip"'
    second, guessed = await fetched(house, path), await fetched(house, path[:-1] + "A")
    assert second.status_code == guessed.status_code == 404
    assert second.json() == guessed.json()
