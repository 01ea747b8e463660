"""Server-side request forgery: each attack by itself, against sockets of this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from discretion.domain.kit import egress, ip_address
from discretion.domain.kit.egress import MAX_REPLY_BYTES, EgressClient, EgressReply
from discretion.errors import BadRequest, Forbidden, Unavailable
from tests.unit.domain.kit.servers import create_tls_contexts, run_stub_server

PUBLIC = "8.8.8.8"


class StubResolver:
    """A resolver that returns its answers in order, and then repeats the last."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.calls = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.calls += 1
        return self.answers[min(self.calls, len(self.answers)) - 1]


def build_local_client(*answers: Sequence[str]) -> EgressClient:
    """Build a client that may use plain HTTP to this machine."""
    return EgressClient(loopback=True, resolve=StubResolver(*answers) if answers else None)


async def test_a_post_is_delivered_and_its_reply_returned() -> None:
    async with run_stub_server() as server:
        reply = await build_local_client().exchange(
            f"http://127.0.0.1:{server.port}/a?b=c", b"words", {"x-one": "two"}
        )
    assert reply == EgressReply(200, b"ok")
    (request,) = server.requests
    assert request.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\nwords")
    assert b"x-one: two\r\n" in request
    assert f"host: 127.0.0.1:{server.port}\r\n".encode() in request


REFUSED_URLS = {
    "plain HTTP": "http://partner.example/hook",
    "a file": "file:///etc/passwd",
    "gopher": "gopher://127.0.0.1:6379/_FLUSHALL",
    "no scheme": "partner.example/hook",
    "no host": "https:///hook",
    "a user": "https://partner.example@169.254.169.254/latest",
    "a user and a password": "https://partner.example:443@127.0.0.1/",
    "an empty user": "https://@127.0.0.1/",
    "a backslash": "https://127.0.0.1\\@partner.example/",
    "a backslash for a slash": "https://partner.example\\.evil.example/",
    "an encoded host": "https://127.0.0.1%2f@partner.example/",
    "an encoded dot": "https://127%2e0%2e0%2e1/",
    "a new line": "https://partner.example/\r\nhost: evil.example",
    "a tab": "https://partner.example/\t",
    "a space": "https://partner.example /",
    "digits of another script": "https://①②⑦.⓪.⓪.①/",
    "a full stop of another script": "https://127。0。0。1/",
    "a fragment": "https://partner.example/#@127.0.0.1/",
    "mail": "https://partner.example:25/",
    "a shell": "https://partner.example:22/",
    "a port beyond": "https://partner.example:99999/",
    "too long": "https://partner.example/" + "a" * 3000,
}


@pytest.mark.parametrize("url", REFUSED_URLS.values(), ids=REFUSED_URLS)
async def test_an_ambiguous_url_or_another_protocol_is_refused_before_dns(
    url: str,
) -> None:
    resolver = StubResolver([PUBLIC])
    with pytest.raises(BadRequest) as refusal:
        await EgressClient(resolve=resolver).post(url, b"", {})
    assert (refusal.value.code, resolver.calls) == ("OUTWARD_URL", 0)


INTERNAL_ADDRESSES = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
]
INTERNAL_ADDRESSES += ["2002:7f00:1::", "fe80::1%1", "fd00::1", "::127.0.0.1", "ff02::1", "not an address"]


@pytest.mark.parametrize("internal_address", INTERNAL_ADDRESSES)
async def test_a_name_with_an_internal_address_is_refused(internal_address: str) -> None:
    with pytest.raises(Forbidden) as refusal:
        await EgressClient(resolve=StubResolver([internal_address])).post("https://partner.example/", b"", {})
    assert refusal.value.code == "OUTWARD_ADDRESS"


@pytest.mark.parametrize(
    "answer", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::ffff:10.0.0.1"]]
)
async def test_one_internal_address_among_public_ones_is_refused(answer: list[str]) -> None:
    with pytest.raises(Forbidden, match="public Internet"):
        await EgressClient(resolve=StubResolver(answer)).post("https://partner.example/", b"", {})


SPELLINGS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0",
    "localhost",
    "[::1]",
    "[::]",
]
SPELLINGS += [
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::1]",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_every_spelling_of_this_machine_is_refused(spelling: str) -> None:
    """Through the system's own resolver, which reads more spellings than any list contains."""
    async with run_stub_server() as server:
        with pytest.raises((Forbidden, BadRequest, Unavailable)) as refusal:
            await EgressClient().post(f"https://{spelling}:{server.port}/", b"", {})
    assert refusal.value.code in {"OUTWARD_ADDRESS", "OUTWARD_URL"}
    assert server.requests == []


async def test_dns_rebinding_has_no_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first answer is checked and used; the name is not resolved a second time.

    The test needs a substitute for a public server: 127.0.0.2 counts as public here.
    """
    substitute = IPv4Address("127.0.0.2")
    monkeypatch.setattr(ip_address, "is_public", lambda candidate: candidate == substitute)
    resolver = StubResolver(["127.0.0.2"], ["127.0.0.1"])
    async with run_stub_server() as server:
        with pytest.raises(Unavailable) as failure:
            await EgressClient(resolve=resolver).post(f"https://partner.example:{server.port}/", b"", {})
        assert (failure.value.code, resolver.calls, server.requests) == ("OUTWARD_AWAY", 1, [])
        with pytest.raises(Forbidden):
            await EgressClient(resolve=resolver).post(f"https://partner.example:{server.port}/", b"", {})
        assert (resolver.calls, server.requests) == (2, [])


async def test_the_certificate_must_be_of_the_name_and_not_of_the_address(tmp_path: Path) -> None:
    for name, code in (
        ("partner.example", None),
        ("127.0.0.1", "OUTWARD_AWAY"),
        ("other.example", "OUTWARD_AWAY"),
    ):
        server_tls, client_tls = create_tls_contexts(name, tmp_path)
        client = EgressClient(loopback=True, resolve=StubResolver(["127.0.0.1"]), tls=client_tls)
        async with run_stub_server(tls=server_tls) as server:
            url = f"https://partner.example:{server.port}/"
            if code is None:
                assert await client.post(url, b"", {}) == 200
                continue
            with pytest.raises(Unavailable) as failure:
                await client.post(url, b"", {})
            assert (failure.value.code, server.requests) == (code, [])


async def test_a_certificate_of_an_unknown_authority_is_refused(tmp_path: Path) -> None:
    server_tls, _ = create_tls_contexts("partner.example", tmp_path)
    async with run_stub_server(tls=server_tls) as server:
        with pytest.raises(Unavailable):
            await build_local_client(["127.0.0.1"]).post(f"https://partner.example:{server.port}/", b"", {})
    assert server.requests == []


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_a_redirect_is_not_followed(status: str) -> None:
    """Neither to a cloud's metadata address, which no server here has, nor to a running server."""
    async with run_stub_server() as target:
        for location in ("http://169.254.169.254/latest/meta-data/", f"http://127.0.0.1:{target.port}/"):
            answer = f"HTTP/1.1 {status}\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n".encode()
            async with run_stub_server(answer) as server:
                assert await build_local_client().post(f"http://127.0.0.1:{server.port}/", b"", {}) == int(
                    status[:3]
                )
            assert len(server.requests) == 1
    assert target.requests == []


async def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async with run_stub_server() as proxy, run_stub_server() as server:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert await build_local_client().post(f"http://127.0.0.1:{server.port}/", b"", {}) == 200
    assert (len(proxy.requests), len(server.requests)) == (0, 1)


async def test_a_host_that_is_not_registered_is_not_contacted() -> None:
    resolver = StubResolver([PUBLIC])
    for host in (
        "evil.example",
        "partner.example.evil.example",
        "evilpartner.example",
        "sub.partner.example",
    ):
        with pytest.raises(Forbidden) as refusal:
            await EgressClient(resolve=resolver).post(f"https://{host}/", b"", {}, hosts={"partner.example"})
        assert refusal.value.code == "OUTWARD_HOST"
    assert resolver.calls == 0
    assert (
        EgressClient().check_target("https://PARTNER.example./x", {"partner.example"}).host
        == "partner.example"
    )


async def test_plain_http_goes_to_this_machine_only_and_only_where_allowed() -> None:
    with pytest.raises(Forbidden, match="public Internet"):
        await build_local_client([PUBLIC]).post("http://partner.example/", b"", {})
    with pytest.raises(Forbidden, match="public Internet"):
        await build_local_client(["10.0.0.1"]).post("https://partner.example/", b"", {})
    with pytest.raises(BadRequest, match="not https"):
        await EgressClient().post("http://127.0.0.1/", b"", {})


async def test_an_endless_reply_is_dropped_and_the_longest_allowed_is_kept() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n"
    async with run_stub_server([head, *[chunk] * 1000]) as server:
        reply = await build_local_client().exchange(f"http://127.0.0.1:{server.port}/", b"", {})
    assert reply == EgressReply(200, b"")
    longest_reply = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % MAX_REPLY_BYTES + bytes(
        MAX_REPLY_BYTES
    )
    async with run_stub_server(longest_reply) as server:
        reply = await build_local_client().exchange(f"http://127.0.0.1:{server.port}/", b"", {})
    assert len(reply.body) == MAX_REPLY_BYTES


async def test_a_compressed_reply_is_not_decompressed() -> None:
    """A few transferred bytes may decompress to gigabytes."""
    async with run_stub_server(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8bzz"
    ) as server:
        reply = await build_local_client().exchange(f"http://127.0.0.1:{server.port}/", b"", {})
    assert reply.body == b"\x1f\x8bzz"


async def test_a_server_that_answers_byte_by_byte_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "EXCHANGE_TIMEOUT_S", 0.3)
    started = time.monotonic()
    async with run_stub_server([b"H", *[b"T"] * 100], pause_s=0.05) as server:
        with pytest.raises(Unavailable, match="did not answer"):
            await build_local_client().post(f"http://127.0.0.1:{server.port}/", b"", {})
    assert time.monotonic() - started < 3


async def test_a_silent_server_is_abandoned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(egress, "IDLE_TIMEOUT_S", 0.1)
    async with run_stub_server(b"", pause_s=2) as server:
        with pytest.raises(Unavailable):
            await build_local_client().post(f"http://127.0.0.1:{server.port}/", b"", {})


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"+PONG\r\n", b"", b"HTTP/1.1 2000 OK\r\n\r\n"]
)
async def test_an_answer_that_is_not_http_is_refused(answer: bytes) -> None:
    async with run_stub_server(answer) as server:
        with pytest.raises(Unavailable):
            await build_local_client().post(f"http://127.0.0.1:{server.port}/", b"", {})


async def test_a_header_cannot_carry_another_request() -> None:
    async with run_stub_server() as server:
        with pytest.raises(Unavailable):
            await build_local_client().post(
                f"http://127.0.0.1:{server.port}/", b"", {"x-id": "a\r\nx-evil: b"}
            )
    assert server.requests == []


async def test_a_failure_does_not_contain_the_url() -> None:
    """A URL may contain a secret or personal data."""
    with pytest.raises(Unavailable) as failure:
        await build_local_client(["127.0.0.1"]).post("http://token-of-jane.example:1/jane", b"", {})
    assert "jane" not in str(failure.value)


async def test_a_name_without_an_address_is_unavailable() -> None:
    with pytest.raises(Unavailable) as failure:
        await build_local_client([]).post("https://partner.example/", b"", {})
    assert failure.value.code == "OUTWARD_AWAY"
