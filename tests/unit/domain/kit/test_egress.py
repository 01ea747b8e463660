"""Nobody makes us ask what only we can reach; each attack by itself, against sockets of this machine."""

from __future__ import annotations

import time
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path

import pytest

from discretion.domain.kit import egress as outward
from discretion.domain.kit import ip_address as address
from discretion.domain.kit.egress import BODY_MAX, Outward, Reply
from discretion.errors import BadRequest, Forbidden, Unavailable
from tests.unit.domain.kit.servers import certified, somebody

PUBLIC = "8.8.8.8"


class Names:
    """A resolver that gives its answers one after the other, then the last of them again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def __call__(self, _host: str, _port: int) -> Sequence[str]:
        self.asked += 1
        return self.answers[min(self.asked, len(self.answers)) - 1]


def local(*answers: Sequence[str]) -> Outward:
    """The client with plain HTTP to this machine allowed."""
    return Outward(loopback=True, resolve=Names(*answers) if answers else None)


async def test_a_post_arrives_and_its_reply_comes_back() -> None:
    async with somebody() as other:
        reply = await local().exchange(f"http://127.0.0.1:{other.port}/a?b=c", b"words", {"x-one": "two"})
    assert reply == Reply(200, b"ok")
    (asked,) = other.asked
    assert asked.startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert asked.endswith(b"\r\n\r\nwords")
    assert b"x-one: two\r\n" in asked
    assert f"host: 127.0.0.1:{other.port}\r\n".encode() in asked


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
async def test_a_url_with_two_readings_or_another_protocol_is_refused_before_a_name_is_asked(
    url: str,
) -> None:
    names = Names([PUBLIC])
    with pytest.raises(BadRequest) as refused:
        await Outward(resolve=names).post(url, b"", {})
    assert (refused.value.code, names.asked) == ("OUTWARD_URL", 0)


OURS = [
    "127.0.0.1",
    "10.0.0.1",
    "169.254.169.254",
    "0.0.0.0",
    "::1",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
]
OURS += ["2002:7f00:1::", "fe80::1%1", "fd00::1", "::127.0.0.1", "ff02::1", "not an address"]


@pytest.mark.parametrize("ours", OURS)
async def test_a_name_of_a_place_of_ours_is_refused(ours: str) -> None:
    with pytest.raises(Forbidden) as refused:
        await Outward(resolve=Names([ours])).post("https://partner.example/", b"", {})
    assert refused.value.code == "OUTWARD_ADDRESS"


@pytest.mark.parametrize(
    "answer", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC], [PUBLIC, "::ffff:10.0.0.1"]]
)
async def test_one_address_of_ours_among_others_spoils_them_all(answer: list[str]) -> None:
    with pytest.raises(Forbidden, match="public Internet"):
        await Outward(resolve=Names(answer)).post("https://partner.example/", b"", {})


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
async def test_every_spelling_of_this_machine_is_this_machine(spelling: str) -> None:
    """Through the system's own resolver, which reads more spellings than any list of them has."""
    async with somebody() as other:
        with pytest.raises((Forbidden, BadRequest, Unavailable)) as refused:
            await Outward().post(f"https://{spelling}:{other.port}/", b"", {})
    assert refused.value.code in {"OUTWARD_ADDRESS", "OUTWARD_URL"}
    assert other.asked == []


async def test_a_name_that_changes_its_answer_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: the first answer is checked and used, and no second one is asked for.

    A stand-in for a public server is needed on this machine: 127.0.0.2 counts as public here.
    """
    stand_in = ip_address("127.0.0.2")
    monkeypatch.setattr(address, "public", lambda one: one == stand_in)
    names = Names(["127.0.0.2"], ["127.0.0.1"])
    async with somebody() as other:
        with pytest.raises(Unavailable) as away:
            await Outward(resolve=names).post(f"https://partner.example:{other.port}/", b"", {})
        assert (away.value.code, names.asked, other.asked) == ("OUTWARD_AWAY", 1, [])
        with pytest.raises(Forbidden):
            await Outward(resolve=names).post(f"https://partner.example:{other.port}/", b"", {})
        assert (names.asked, other.asked) == (2, [])


async def test_the_certificate_must_be_of_the_name_and_not_of_the_address(tmp_path: Path) -> None:
    for name, code in (
        ("partner.example", None),
        ("127.0.0.1", "OUTWARD_AWAY"),
        ("other.example", "OUTWARD_AWAY"),
    ):
        server, client = certified(name, tmp_path)
        out = Outward(loopback=True, resolve=Names(["127.0.0.1"]), tls=client)
        async with somebody(tls=server) as other:
            url = f"https://partner.example:{other.port}/"
            if code is None:
                assert await out.post(url, b"", {}) == 200
                continue
            with pytest.raises(Unavailable) as away:
                await out.post(url, b"", {})
            assert (away.value.code, other.asked) == (code, [])


async def test_nobody_is_believed_whom_the_authorities_do_not_know(tmp_path: Path) -> None:
    server, _ = certified("partner.example", tmp_path)
    async with somebody(tls=server) as other:
        with pytest.raises(Unavailable):
            await local(["127.0.0.1"]).post(f"https://partner.example:{other.port}/", b"", {})
    assert other.asked == []


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"]
)
async def test_a_redirect_is_not_followed(status: str) -> None:
    """Neither to a cloud's metadata, which nobody here answers, nor to a server that would answer."""
    async with somebody() as ours:
        for goal in ("http://169.254.169.254/latest/meta-data/", f"http://127.0.0.1:{ours.port}/"):
            answer = f"HTTP/1.1 {status}\r\nlocation: {goal}\r\ncontent-length: 0\r\n\r\n".encode()
            async with somebody(answer) as other:
                assert await local().post(f"http://127.0.0.1:{other.port}/", b"", {}) == int(status[:3])
            assert len(other.asked) == 1
    assert ours.asked == []


async def test_no_proxy_of_the_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    async with somebody() as proxy, somebody() as other:
        for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert await local().post(f"http://127.0.0.1:{other.port}/", b"", {}) == 200
    assert (len(proxy.asked), len(other.asked)) == (0, 1)


async def test_a_host_that_is_not_registered_is_not_asked() -> None:
    names = Names([PUBLIC])
    for host in (
        "evil.example",
        "partner.example.evil.example",
        "evilpartner.example",
        "sub.partner.example",
    ):
        with pytest.raises(Forbidden) as refused:
            await Outward(resolve=names).post(f"https://{host}/", b"", {}, hosts={"partner.example"})
        assert refused.value.code == "OUTWARD_HOST"
    assert names.asked == 0
    assert Outward().target("https://PARTNER.example./x", {"partner.example"}).host == "partner.example"


async def test_plain_http_goes_to_this_machine_only_and_only_where_allowed() -> None:
    with pytest.raises(Forbidden, match="public Internet"):
        await local([PUBLIC]).post("http://partner.example/", b"", {})
    with pytest.raises(Forbidden, match="public Internet"):
        await local(["10.0.0.1"]).post("https://partner.example/", b"", {})
    with pytest.raises(BadRequest, match="not https"):
        await Outward().post("http://127.0.0.1/", b"", {})


async def test_an_endless_reply_is_left_and_a_long_one_is_dropped() -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    chunk = b"8000\r\n" + bytes(0x8000) + b"\r\n"
    async with somebody([head, *[chunk] * 1000]) as other:
        reply = await local().exchange(f"http://127.0.0.1:{other.port}/", b"", {})
    assert reply == Reply(200, b"")
    whole = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % BODY_MAX + bytes(BODY_MAX)
    async with somebody(whole) as other:
        reply = await local().exchange(f"http://127.0.0.1:{other.port}/", b"", {})
    assert len(reply.body) == BODY_MAX


async def test_a_packed_reply_is_not_unpacked() -> None:
    """What is a few bytes on the way may be gigabytes unpacked."""
    async with somebody(
        b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\n\x1f\x8bzz"
    ) as other:
        reply = await local().exchange(f"http://127.0.0.1:{other.port}/", b"", {})
    assert reply.body == b"\x1f\x8bzz"


async def test_who_answers_a_byte_at_a_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outward, "WHOLE_S", 0.3)
    began = time.monotonic()
    async with somebody([b"H", *[b"T"] * 100], pause_s=0.05) as other:
        with pytest.raises(Unavailable, match="did not answer"):
            await local().post(f"http://127.0.0.1:{other.port}/", b"", {})
    assert time.monotonic() - began < 3


async def test_who_is_silent_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outward, "QUIET_S", 0.1)
    async with somebody(b"", pause_s=2) as other:
        with pytest.raises(Unavailable):
            await local().post(f"http://127.0.0.1:{other.port}/", b"", {})


@pytest.mark.parametrize(
    "answer", [b"SSH-2.0-OpenSSH_9.6\r\n", b"+PONG\r\n", b"", b"HTTP/1.1 2000 OK\r\n\r\n"]
)
async def test_what_is_not_http_is_not_an_answer(answer: bytes) -> None:
    async with somebody(answer) as other:
        with pytest.raises(Unavailable):
            await local().post(f"http://127.0.0.1:{other.port}/", b"", {})


async def test_a_header_cannot_carry_another_request() -> None:
    async with somebody() as other:
        with pytest.raises(Unavailable):
            await local().post(f"http://127.0.0.1:{other.port}/", b"", {"x-id": "a\r\nx-evil: b"})
    assert other.asked == []


async def test_a_failure_says_nothing_of_whom_it_was_about() -> None:
    """A URL may hold what is a secret or somebody's."""
    with pytest.raises(Unavailable) as away:
        await local(["127.0.0.1"]).post("http://token-of-jane.example:1/jane", b"", {})
    assert "jane" not in str(away.value)


async def test_a_name_without_an_address_is_away() -> None:
    with pytest.raises(Unavailable) as away:
        await local([]).post("https://partner.example/", b"", {})
    assert away.value.code == "OUTWARD_AWAY"
