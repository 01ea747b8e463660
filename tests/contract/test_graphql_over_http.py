"""GraphQL over HTTP, checked by the audits of graphql-http and against the specification."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn

from tests.contract.sample_graphql_app import APP, TOKEN
from tests.fixtures.node import NODE, npm_install
from tests.fixtures.waiting import WAIT_S

HERE = Path(__file__).resolve().parent
RESPONSE = "application/graphql-response+json"
JSON = "application/json"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of a running server on the loopback interface."""
    server = uvicorn.Server(uvicorn.Config(APP, port=0, log_level="warning", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    for _ in range(500):
        if server.started:
            break
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield f"http://127.0.0.1:{port}/graphql"
    server.should_exit = True
    thread.join(10)


def test_all_61_audits_of_graphql_http_are_ok(url: str) -> None:
    npm_install(HERE)
    command = [NODE, "audit.mjs", url, TOKEN]
    result = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False, timeout=WAIT_S)
    assert result.returncode == 0, result.stderr
    audits = json.loads(result.stdout)
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len(audits) == 61


def post(url: str, body: Any, accept: str = RESPONSE, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    all_headers = {"accept": accept, "content-type": JSON, "authorization": f"Bearer {TOKEN}"}
    return httpx.post(
        url,
        content=content,
        headers={**all_headers, **{name.replace("_", "-"): value for name, value in headers.items()}},
    )


def read_error_code(response: httpx.Response) -> str:
    """Return the code of the only error of a response, and check the form of the response."""
    assert response.headers["content-type"] in {f"{RESPONSE}; charset=utf-8", f"{JSON}; charset=utf-8"}
    assert response.headers["cache-control"] == "no-store"
    body = response.json()
    assert "data" not in body
    (error,) = body["errors"]
    assert isinstance(error["message"], str)
    return str(error["extensions"]["code"])


@pytest.mark.parametrize(
    ("body", "expected_code", "status", "as_json"),
    [
        (b"{", "BODY_NOT_JSON", 400, 400),
        (b"", "BODY_NOT_JSON", 400, 400),
        (b'{"query": "\xff"}', "BODY_NOT_JSON", 400, 400),
        (b'{"query": "{hello}", "query": "{hello}"}', "BODY_DUPLICATE_KEY", 400, 400),
        (b'{"query": "{hello}", "variables": {"a": 1, "\\u0061": 2}}', "BODY_DUPLICATE_KEY", 400, 400),
        (
            b'{"query": "{hello}", "variables": {"a":' + b"[" * 500 + b"]" * 500 + b"}}",
            "BODY_TOO_DEEP",
            400,
            400,
        ),
        (b'{"query": "' + b"x" * 100_000 + b'"}', "BODY_TOO_LARGE", 413, 413),
        ([{"query": "{ hello }"}], "BATCHING_UNSUPPORTED", 400, 400),
        ("{ hello }", "REQUEST_NOT_OBJECT", 400, 400),
        ({}, "QUERY_MISSING", 400, 400),
        ({"query": 1}, "PARAMETER_INVALID", 400, 400),
        ({"query": "{ hello }", "variables": "{}"}, "PARAMETER_INVALID", 400, 400),
        ({"query": "{ hello }", "operationName": []}, "PARAMETER_INVALID", 400, 400),
        ({"query": "{ hello }", "extensions": 0}, "PARAMETER_INVALID", 400, 400),
        ({"extensions": {"persistedQuery": {"version": 1}}}, "PERSISTED_QUERY_NOT_SUPPORTED", 400, 400),
        ({"query": "{"}, "GRAPHQL_PARSE_FAILED", 400, 200),
        ({"query": "{ nowhere }"}, "GRAPHQL_VALIDATION_FAILED", 400, 200),
        ({"query": "{ customers(first: 10001) }"}, "QUERY_TOO_EXPENSIVE", 400, 200),
        (
            {"query": "query ($n: Int) { customers(first: $n) }", "variables": {"n": 10001}},
            "QUERY_TOO_EXPENSIVE",
            400,
            200,
        ),
        ({"query": "query A { hello } query B { hello }"}, "OPERATION_NAME_NEEDED", 400, 200),
        ({"query": "{ hello }", "operationName": "A"}, "OPERATION_NAME_UNKNOWN", 400, 200),
        ({"query": "subscription { ticks }"}, "OPERATION_UNSUPPORTED", 400, 200),
        (
            {"query": "query ($n: Int) { hello(times: $n) }", "variables": {"n": "ada@shop.example"}},
            "BAD_USER_INPUT",
            400,
            200,
        ),
        ({"query": "query Nobody { hello }", "operationName": "Nobody"}, None, 200, 200),
        ({"query": "query Down { hello }", "operationName": "Down"}, "LEDGER_UNAVAILABLE", 503, 503),
        ({"query": "query Crash { hello }", "operationName": "Crash"}, "INTERNAL", 500, 500),
    ],
)
def test_a_request_gets_its_status_and_code(
    url: str, body: Any, expected_code: str | None, status: int, as_json: int
) -> None:
    for accept, expected in ((RESPONSE, status), (JSON, as_json)):
        response = post(url, body, accept)
        assert response.status_code == expected
        assert response.headers["content-type"].startswith(accept)
        assert "ada@shop" not in response.text
        assert expected_code is None or read_error_code(response) == expected_code


def test_partial_errors_are_status_200(url: str) -> None:
    response = post(url, {"query": '{ a: hello b: hello(name: "forbidden") c: hello(name: "broken") }'})
    assert response.status_code == 200
    body = response.json()
    assert body["data"] == {"a": "Hello, you!", "b": None, "c": None}
    assert [error["extensions"]["code"] for error in body["errors"]] == ["SCOPE_MISSING", "INTERNAL"]
    assert [error["path"] for error in body["errors"]] == [["b"], ["c"]]


@pytest.mark.parametrize(
    "content_type",
    [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
    ],
)
def test_content_types_of_cross_site_forms_are_refused(url: str, content_type: str) -> None:
    """Browsers send these types cross-origin without preflight (Fetch, CORS-safelisted request-header)."""
    response = post(url, {"query": "mutation { forget }"}, content_type=content_type)
    assert (response.status_code, read_error_code(response)) == (415, "CONTENT_TYPE_UNSUPPORTED")


def test_a_compressed_body_is_refused(url: str) -> None:
    response = post(url, {"query": "{ hello }"}, content_encoding="gzip")
    assert (response.status_code, read_error_code(response)) == (415, "CONTENT_ENCODING_UNSUPPORTED")


def test_an_unsupported_accept_header_is_refused(url: str) -> None:
    response = post(url, {"query": "{ hello }"}, "text/csv")
    assert (response.status_code, read_error_code(response)) == (406, "NOT_ACCEPTABLE")


def test_a_body_of_unknown_length_is_cut_off(url: str) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(10_000):
            sent += 65_536
            yield b" " * 65_536

    with suppress(httpx.TransportError):
        response = httpx.post(url, content=endless(), headers={"content-type": JSON})
        assert (response.status_code, read_error_code(response)) == (413, "BODY_TOO_LARGE")
    assert sent < 10_000 * 65_536


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS"])
def test_other_methods_are_refused_with_the_allowed_methods(url: str, method: str) -> None:
    response = httpx.request(method, url)
    assert (response.status_code, read_error_code(response)) == (405, "METHOD_NOT_ALLOWED")
    assert response.headers["allow"] == "GET, POST"


def test_get_runs_queries_with_variables(url: str) -> None:
    query = {
        "query": "query Q($n: String) { hello(name: $n) }",
        "variables": '{"n": "Ada"}',
        "operationName": "Q",
    }
    response = httpx.get(url, params=query, headers={"accept": RESPONSE})
    assert (response.status_code, response.json()) == (200, {"data": {"hello": "Hello, Ada!"}})


@pytest.mark.parametrize("accept", [RESPONSE, JSON])
def test_get_cannot_run_mutations(url: str, accept: str) -> None:
    texts = {"mutation { forget }": None, "query A { hello } mutation B { forget }": "B"}
    for text, name in texts.items():
        query = {"query": text, **({"operationName": name} if name else {})}
        response = httpx.get(url, params=query, headers={"accept": accept})
        assert (response.status_code, read_error_code(response)) == (405, "METHOD_NOT_ALLOWED")
        assert response.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("query", "expected_code"),
    [
        ("", "QUERY_MISSING"),
        ("query={hello}&query={hello}", "PARAMETER_DUPLICATE"),
        ("query={hello}&variables={", "BODY_NOT_JSON"),
        ("query={hello}&variables=[]", "PARAMETER_INVALID"),
        ("query=%ff", "URL_INVALID"),
        ("&".join(f"a{n}=1" for n in range(50)), "URL_INVALID"),
    ],
)
def test_an_invalid_url_is_status_400(url: str, query: str, expected_code: str) -> None:
    response = httpx.get(f"{url}?{query}")
    assert (response.status_code, read_error_code(response)) == (400, expected_code)


def test_an_invalid_token_is_challenged(url: str) -> None:
    for accept in (RESPONSE, JSON):
        response = post(url, {"query": "{ hello }"}, accept, authorization="Bearer bad")
        assert (response.status_code, read_error_code(response)) == (401, "TOKEN_INVALID")
        challenge = (
            'Bearer realm="discretion", error="invalid_token", error_description="The token does not hold."'
        )
        assert response.headers["www-authenticate"] == challenge


def test_a_missing_token_is_challenged_without_an_error_code(url: str) -> None:
    """RFC 6750, section 3: the challenge to a request without credentials has no error information."""
    body = json.dumps({"query": "query Nobody { hello }", "operationName": "Nobody"})
    response = httpx.post(url, content=body, headers={"content-type": JSON})
    assert (response.status_code, read_error_code(response)) == (401, "TOKEN_MISSING")
    assert response.headers["www-authenticate"] == 'Bearer realm="discretion"'


def test_a_browser_gets_the_explorer_page_and_a_program_gets_json(url: str) -> None:
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = httpx.get(url, headers={"accept": browser})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert httpx.get(url, params={"query": "{ hello }"}).json() == {"data": {"hello": "Hello, you!"}}
