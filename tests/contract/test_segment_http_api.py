"""Segment's HTTP API as it is documented: paths, bodies, limits, and what is said about each message."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from tests.fixtures.platform import House

GZIP = {"content-encoding": "gzip"}


def identify(number: int = 1, **more: Any) -> dict[str, Any]:
    """A message about a person."""
    return {"type": "identify", "userId": f"u-{number}", "messageId": f"m-{number}", **more}


def viewed(**more: Any) -> dict[str, Any]:
    """A message about a page."""
    return {"type": "page", "userId": "u-1", "name": "Home", **more}


async def post(house: House, path: str, body: Any, **headers: str) -> httpx.Response:
    """What a source is answered."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    sent = {"content-type": "application/json", **{name.replace("_", "-"): v for name, v in headers.items()}}
    return await house.http.post(path, content=content, headers=sent, auth=(house.keys["web-shop"], ""))


def code(response: httpx.Response) -> str:
    """The code of an error, which stands where SDKs look for it and where ours do."""
    said = response.json()
    assert said["success"] is False
    assert (said["code"], said["message"]) == (said["error"]["code"], said["error"]["message"])
    return str(said["code"])


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b"])
async def test_a_batch_has_three_names_and_one_answer(house: House, path: str) -> None:
    """Its own, the one it had before, and the one that SDKs on phones use."""
    body = {"batch": [identify(1, traits={"hobby": "chess"}), identify(1), {"type": "poke"}]}
    response = await post(house, path, body, prefer="return=representation")
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "return=representation"
    said = response.json()
    assert [one["status"] for one in said["results"]] == ["accepted", "duplicate", "refused"]
    counts = {name: said[name] for name in ("accepted", "duplicate", "refused", "dropped")}
    assert counts == {"accepted": 1, "duplicate": 1, "refused": 1, "dropped": 1}
    listed = (await post(house, path, body)).json()["results"]
    assert [one["code"] for one in listed] == ["TYPE_UNSUPPORTED"]


async def test_the_context_of_a_batch_is_the_context_of_its_messages(house: House) -> None:
    """A word of consent told once, with the batch, is everybody's in it, unless they say otherwise."""
    no = {"consent": {"categoryPreferences": {"marketing": False}}}
    yes = {"consent": {"categoryPreferences": {"marketing": True}}}
    await post(house, "/v1/batch", {"batch": [identify(1), identify(2, context=yes)], "context": no})
    shown = await house.ask("{ customers { totalCount } }", house.token("marketing"))
    assert shown["data"]["customers"]["totalCount"] == 1


async def test_the_clock_of_a_sender_is_put_right_by_when_the_batch_was_sent(house: House) -> None:
    """An hour slow: what happened ten minutes before sending happened ten minutes ago."""
    now = datetime.now(UTC)
    slow = now - timedelta(hours=1)
    event = viewed(timestamp=(slow - timedelta(minutes=10)).isoformat())
    await post(house, "/v1/batch", {"batch": [identify(1), event], "sentAt": slow.isoformat()})
    own = await house.own_token("user_id", "u-1")
    answer = await house.ask("{ me { events { nodes { occurredAt } } } }", own)
    (node,) = answer["data"]["me"]["events"]["nodes"]
    happened = datetime.fromisoformat(node["occurredAt"])
    assert abs((now - timedelta(minutes=10)) - happened) < timedelta(minutes=1)


async def test_a_key_in_the_body_of_a_batch_is_a_key(house: House) -> None:
    """As SDKs of both makers send it; beside another scheme too, and never one that is not ours."""
    body = {"batch": [identify(1)], "writeKey": house.keys["tills"]}
    for headers in ({}, {"authorization": "Bearer abc"}):
        response = await house.http.post("/v1/batch", json=body, headers=headers)
        assert response.status_code == 200
    refused = await house.http.post("/v1/batch", json={**body, "writeKey": "wrong"})
    assert (refused.status_code, code(refused)) == (401, "WRITE_KEY_INVALID")
    assert refused.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/batch", "/v1/import"])
@pytest.mark.parametrize(
    ("body", "headers", "said"),
    [
        (b"{", {}, "BODY_INVALID"),
        (b"[]", {}, "BODY_INVALID"),
        (b"\xff", {}, "BODY_INVALID"),
        (b"{}", GZIP, "BODY_ENCODING"),
        (gzip.compress(b"{}" * 9, mtime=0)[:-9], GZIP, "BODY_ENCODING"),
        (b"{}", {"content-encoding": "br"}, "BODY_ENCODING"),
    ],
)
async def test_what_is_no_json_is_status_400(
    house: House, path: str, body: bytes, headers: dict[str, str], said: str
) -> None:
    """Packed or not."""
    response = await post(house, path, body, **headers)
    assert (response.status_code, code(response)) == (400, said)


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/batch", "/v1/import"])
@pytest.mark.parametrize("packed", [False, True])
async def test_a_body_has_at_most_500_kb(house: House, path: str, packed: bool) -> None:
    """Unpacked: a small body that unpacks to a large one is as large."""
    body = orjson.dumps({"batch": [], "x": "y" * 500 * 1024})
    response = await post(house, path, gzip.compress(body) if packed else body, **(GZIP if packed else {}))
    assert (response.status_code, code(response)) == (413, "BODY_TOO_LARGE")


async def test_a_batch_has_at_most_2_500_messages(house: House) -> None:
    """And none of a larger one is taken in."""
    few = [identify(n) for n in range(3)]
    response = await post(house, "/v1/batch", {"batch": [*few, *([{}] * 2_498)]})
    assert (response.status_code, code(response)) == (413, "BATCH_TOO_LARGE")
    again = (await post(house, "/v1/batch", {"batch": [*few, *([{}] * 2_497)]})).json()
    assert (again["accepted"], again["refused"]) == (3, 2_497)


async def test_a_message_has_at_most_32_kb(house: House) -> None:
    """In a batch it is refused alone, and by itself the call is; one that just fits is taken in."""
    fits, large = identify(1, x="y" * 32_000), identify(2, x="y" * 33_000)
    said = (await post(house, "/v1/batch", {"batch": [large, fits]})).json()
    assert (said["accepted"], said["refused"]) == (1, 1)
    assert said["results"][0]["code"] == "MESSAGE_TOO_LARGE"
    alone = await post(house, "/v1/identify", large)
    assert (alone.status_code, alone.json()["results"][0]["code"]) == (413, "MESSAGE_TOO_LARGE")
    wrong = await post(house, "/v1/identify", {"traits": {}})
    assert (wrong.status_code, wrong.json()["results"][0]["code"]) == (400, "NO_USER_ANON_ID")


async def test_packed_messages_are_messages(house: House) -> None:
    """Under either name that HTTP gives the packing."""
    for coding in ("gzip", "X-GZip"):
        packed = gzip.compress(orjson.dumps({"batch": [identify(1)]}))
        response = await post(house, "/v1/batch", packed, content_encoding=coding)
        assert response.status_code == 200
    shown = await house.ask("{ customers { totalCount } }", house.token("support"))
    assert shown["data"]["customers"]["totalCount"] == 1
