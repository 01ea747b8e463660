"""Segment's HTTP API as documented: paths, bodies, limits and the result of each message."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import orjson
import pytest

from tests.fixtures.platform import PlatformUnderTest

GZIP = {"content-encoding": "gzip"}


def build_identify(number: int = 1, **extra_members: Any) -> dict[str, Any]:
    """Build an identify message."""
    return {"type": "identify", "userId": f"u-{number}", "messageId": f"m-{number}", **extra_members}


def build_page(**extra_members: Any) -> dict[str, Any]:
    """Build a page message."""
    return {"type": "page", "userId": "u-1", "name": "Home", **extra_members}


async def post(platform: PlatformUnderTest, path: str, body: Any, **headers: str) -> httpx.Response:
    """Post a body with the write key of the web shop."""
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    all_headers = {
        "content-type": "application/json",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    return await platform.http.post(
        path, content=content, headers=all_headers, auth=(platform.write_keys["web-shop"], "")
    )


def read_error_code(response: httpx.Response) -> str:
    """Return the code of an error, which is both where Segment's SDKs and where other clients look for it."""
    body = response.json()
    assert body["success"] is False
    assert (body["code"], body["message"]) == (body["error"]["code"], body["error"]["message"])
    return str(body["code"])


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/import", "/v1/b"])
async def test_all_batch_paths_give_the_same_answer(platform: PlatformUnderTest, path: str) -> None:
    """The documented path, its predecessor, and the path that mobile SDKs use."""
    body = {"batch": [build_identify(1, traits={"hobby": "chess"}), build_identify(1), {"type": "poke"}]}
    response = await post(platform, path, body, prefer="return=representation")
    assert response.status_code == 200
    assert response.headers["preference-applied"] == "return=representation"
    answer = response.json()
    assert [result["status"] for result in answer["results"]] == ["accepted", "duplicate", "refused"]
    counts = {name: answer[name] for name in ("accepted", "duplicate", "refused", "dropped")}
    assert counts == {"accepted": 1, "duplicate": 1, "refused": 1, "dropped": 1}
    results = (await post(platform, path, body)).json()["results"]
    assert [result["code"] for result in results] == ["TYPE_UNSUPPORTED"]


BROWSER_CALLS = [
    *(("OPTIONS", path, 405) for path in ("/v1/batch", "/v1/track", "/v1/identify", "/v1/b")),
    *(("POST", path, 404) for path in ("/v1/i", "/v1/t", "/v1/p", "/v1/s", "/beacon/v1/batch")),
    ("GET", "/sourceConfig/", 404),
    ("GET", "/v1/track?data=e30=", 405),
]


async def test_calls_that_only_browsers_make_are_refused(platform: PlatformUnderTest) -> None:
    """A write key is a secret of a server; a page that has one could speak for anybody."""
    headers = {
        "origin": "https://shop.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    auth = (platform.write_keys["web-shop"], "")
    for method, path, status in BROWSER_CALLS:
        response = await platform.http.request(method, path, headers=headers, auth=auth)
        assert (path, response.status_code) == (path, status)
        assert not [name for name in response.headers if name.startswith("access-control-")]
    answered = await post(platform, "/v1/identify", build_identify(1), origin="https://shop.example")
    assert answered.status_code == 200
    assert not [name for name in answered.headers if name.startswith("access-control-")]


async def test_the_context_of_a_batch_applies_to_its_messages(platform: PlatformUnderTest) -> None:
    """A consent choice in the context of the batch applies to each message without a choice of its own."""
    refusal = {"consent": {"categoryPreferences": {"marketing": False}}}
    consent = {"consent": {"categoryPreferences": {"marketing": True}}}
    await post(
        platform,
        "/v1/batch",
        {"batch": [build_identify(1), build_identify(2, context=consent)], "context": refusal},
    )
    answer = await platform.query("{ customers { totalCount } }", platform.issue_token("marketing"))
    assert answer["data"]["customers"]["totalCount"] == 1


async def test_sent_at_corrects_the_clock_of_the_sender(
    platform: PlatformUnderTest,
) -> None:
    """The sender's clock is an hour slow. An event ten minutes before sending occurred ten minutes ago."""
    now = datetime.now(UTC)
    sender_time = now - timedelta(hours=1)
    event = build_page(timestamp=(sender_time - timedelta(minutes=10)).isoformat())
    await post(
        platform, "/v1/batch", {"batch": [build_identify(1), event], "sentAt": sender_time.isoformat()}
    )
    customer_token = await platform.issue_customer_token("user_id", "u-1")
    answer = await platform.query("{ me { events { nodes { occurredAt } } } }", customer_token)
    (node,) = answer["data"]["me"]["events"]["nodes"]
    occurred_at = datetime.fromisoformat(node["occurredAt"])
    assert abs((now - timedelta(minutes=10)) - occurred_at) < timedelta(minutes=1)


async def test_a_write_key_in_the_body_is_accepted(platform: PlatformUnderTest) -> None:
    """The SDKs of Segment and RudderStack send it so, also beside another scheme.

    An unknown key is refused.
    """
    body = {"batch": [build_identify(1)], "writeKey": platform.write_keys["tills"]}
    for headers in ({}, {"authorization": "Bearer abc"}):
        response = await platform.http.post("/v1/batch", json=body, headers=headers)
        assert response.status_code == 200
    refused = await platform.http.post("/v1/batch", json={**body, "writeKey": "wrong"})
    assert (refused.status_code, read_error_code(refused)) == (401, "WRITE_KEY_INVALID")
    assert refused.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/batch", "/v1/import"])
@pytest.mark.parametrize(
    ("body", "headers", "expected_code"),
    [
        (b"{", {}, "BODY_INVALID"),
        (b"[]", {}, "BODY_INVALID"),
        (b"\xff", {}, "BODY_INVALID"),
        (b"{}", GZIP, "BODY_ENCODING"),
        (gzip.compress(b"{}" * 9, mtime=0)[:-9], GZIP, "BODY_ENCODING"),
        (b"{}", {"content-encoding": "br"}, "BODY_ENCODING"),
    ],
)
async def test_a_body_that_is_not_json_is_status_400(
    platform: PlatformUnderTest, path: str, body: bytes, headers: dict[str, str], expected_code: str
) -> None:
    """Both for plain and for compressed bodies."""
    response = await post(platform, path, body, **headers)
    assert (response.status_code, read_error_code(response)) == (400, expected_code)


DUPLICATE_MEMBERS = [
    b'{"userId": "u-1", "purposes": {"marketing": false, "marketing": true}}',
    b'{"userId": "u-1", "userId": "u-2"}',
    b'{"batch": [{"type": "identify", "userId": "u-1", "traits": {"city": "Kiel", "city": "Ulm"}}]}',
    b'{"userId": "u-1", "context": {"gpc": true, "\\u0067pc": false}, "x": ":"}',
    b'{"batch": [], "batch": [{"type": "identify", "userId": "u-1"}]}',
]


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/batch", "/v1/consent"])
@pytest.mark.parametrize("body", DUPLICATE_MEMBERS)
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_that_names_a_member_twice_is_refused(
    platform: PlatformUnderTest, path: str, body: bytes, compressed: bool
) -> None:
    """One reader would take the first member and another the last: a no might be read as a yes."""
    content, headers = (gzip.compress(body), GZIP) if compressed else (body, {})
    response = await post(platform, path, content, **headers)
    assert (response.status_code, read_error_code(response)) == (400, "BODY_DUPLICATE_KEY")


async def test_a_message_nested_too_deeply_is_refused_alone(platform: PlatformUnderTest) -> None:
    """The body is JSON, and its other messages are accepted."""
    deep: Any = "x"
    for _ in range(240):
        deep = {"a": deep}
    text = orjson.dumps({"batch": [build_identify(1, traits=deep), build_identify(2)]})
    text = text.replace(b'"x"', b'{"a":' * 400 + b"1" + b"}" * 400)
    answer = (await post(platform, "/v1/batch", text)).json()
    assert (answer["accepted"], answer["refused"]) == (1, 1)


@pytest.mark.parametrize("path", ["/v1/batch", "/v1/consent", "/graphql"])
async def test_a_client_that_hangs_up_leaves_no_trace_in_the_log(
    platform: PlatformUnderTest, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whoever has no write key could else fill the log with one traceback for each connection."""
    messages: list[Any] = [
        {"type": "http.request", "body": b'{"batch": [', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Any:
        return messages.pop(0) if len(messages) > 1 else messages[0]

    async def send(_message: Any) -> None: ...

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"shop.example"), (b"content-type", b"application/json")],
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "server": ("shop.example", 80),
        "client": ("192.0.2.1", 5),
    }
    await platform.internals.app(scope, receive, send)  # uvicorn logs what this raises
    assert not caplog.records


@pytest.mark.parametrize("path", ["/v1/identify", "/v1/batch", "/v1/import"])
@pytest.mark.parametrize("compressed", [False, True])
async def test_a_body_has_at_most_500_kb(platform: PlatformUnderTest, path: str, compressed: bool) -> None:
    """The limit applies to the decompressed body."""
    body = orjson.dumps({"batch": [], "x": "y" * 500 * 1024})
    response = await post(
        platform, path, gzip.compress(body) if compressed else body, **(GZIP if compressed else {})
    )
    assert (response.status_code, read_error_code(response)) == (413, "BODY_TOO_LARGE")


async def test_a_batch_has_at_most_2_500_messages(platform: PlatformUnderTest) -> None:
    """No message of a larger batch is accepted."""
    messages = [build_identify(n) for n in range(3)]
    response = await post(platform, "/v1/batch", {"batch": [*messages, *([{}] * 2_498)]})
    assert (response.status_code, read_error_code(response)) == (413, "BATCH_TOO_LARGE")
    answer = (await post(platform, "/v1/batch", {"batch": [*messages, *([{}] * 2_497)]})).json()
    assert (answer["accepted"], answer["refused"]) == (3, 2_497)


async def test_a_message_has_at_most_32_kb(platform: PlatformUnderTest) -> None:
    """In a batch only the large message is refused. As a single message its request is refused."""
    small_message, large_message = build_identify(1, x="y" * 32_000), build_identify(2, x="y" * 33_000)
    answer = (await post(platform, "/v1/batch", {"batch": [large_message, small_message]})).json()
    assert (answer["accepted"], answer["refused"]) == (1, 1)
    assert answer["results"][0]["code"] == "MESSAGE_TOO_LARGE"
    single_response = await post(platform, "/v1/identify", large_message)
    assert (single_response.status_code, single_response.json()["results"][0]["code"]) == (
        413,
        "MESSAGE_TOO_LARGE",
    )
    invalid_response = await post(platform, "/v1/identify", {"traits": {}})
    assert (invalid_response.status_code, invalid_response.json()["results"][0]["code"]) == (
        400,
        "NO_USER_ANON_ID",
    )


async def test_a_gzip_body_is_accepted(platform: PlatformUnderTest) -> None:
    """With both names that HTTP has for the coding."""
    for coding in ("gzip", "X-GZip"):
        compressed = gzip.compress(orjson.dumps({"batch": [build_identify(1)]}))
        response = await post(platform, "/v1/batch", compressed, content_encoding=coding)
        assert response.status_code == 200
    answer = await platform.query("{ customers { totalCount } }", platform.issue_token("support"))
    assert answer["data"]["customers"]["totalCount"] == 1
