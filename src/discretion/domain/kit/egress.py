"""The one way out: HTTPS to somebody else's server, at an address that was checked.

Whoever may name a URL that we then ask would else have us ask what only we can reach (server-side request
forgery, CWE-918; OWASP's cheat sheet). So: only https; only hosts that somebody answers for; every address
that the name has must be public; the connection goes to the very address that was checked, so a name that
changes its answer between two questions (DNS rebinding) gains nothing; the certificate must be the name's; no
redirect is followed, no proxy asked, nothing read beyond some bytes, nothing waited for beyond some seconds.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import httpcore
import httpx

from discretion.domain.kit import ip_address as address
from discretion.errors import BadRequest, Forbidden, Unavailable

CONNECT_S = 3.0
QUIET_S = 5.0
"""The longest silence between two bytes."""

WHOLE_S = 10.0
"""The longest that one exchange may take, names and all."""

BODY_MAX = 64 * 1024
URL_MAX = 2048
_HTTPS = 443
_PORT_MAX = 65535
_LEAST_FREE_PORT = 1024
"""Below are other protocols, whose servers must not be spoken to in HTTP."""

Body = bytes | AsyncIterator[bytes]
"""What is sent: at once, or part by part."""

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a host; raises OSError for one that has none."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a URL leads, taken apart once: what was checked is what is asked."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The ``Host`` header's value."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back. ``body`` is empty where it was longer than ``BODY_MAX`` bytes."""

    status: int
    body: bytes


class Outward:
    """Sends to other people's servers.

    Args:
        loopback: Also sends, in plain HTTP too, to servers of this machine; for tests and evaluation.
        resolve: Finds a host's addresses; the system's resolver by default.
        tls: Whose certificates are believed; the usual authorities by default.
    """

    def __init__(
        self, *, loopback: bool = False, resolve: Resolve | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._loopback = loopback
        self._resolve = resolve or _system
        self._given = tls

    def target(self, url: str, hosts: Collection[str] | None = None) -> Target:
        """Where ``url`` leads. ``hosts``, if given, are the only ones it may lead to.

        Raises:
            BadRequest: ``OUTWARD_URL``.
            Forbidden: ``OUTWARD_HOST``.
        """
        target = _parsed(url, {"https", "http"} if self._loopback else {"https"})
        if hosts is not None and target.host not in hosts:
            raise Forbidden(
                "OUTWARD_HOST",
                "The URL leads to a host that is not registered.",
                "Register it, or use one that is.",
            )
        return target

    async def post(
        self,
        url: str,
        body: Body,
        headers: Mapping[str, str],
        *,
        hosts: Collection[str] | None = None,
        within_s: float | None = None,
    ) -> int:
        """Post; gives the status. As ``exchange``, otherwise."""
        return (await self.exchange(url, body, headers, hosts=hosts, within_s=within_s)).status

    async def exchange(
        self,
        url: str,
        body: Body,
        headers: Mapping[str, str],
        *,
        hosts: Collection[str] | None = None,
        within_s: float | None = None,
    ) -> Reply:
        """Post ``body`` to ``url`` and wait for the reply. A redirect is a reply like any other.

        A body that comes part by part goes with a ``content-length`` among ``headers``. The exchange may take
        ``within_s``, names and all; ``WHOLE_S`` unless told.

        Raises:
            BadRequest: ``OUTWARD_URL``: not https, or nothing that one can be sent to.
            Forbidden: ``OUTWARD_HOST``: not among ``hosts``; ``OUTWARD_ADDRESS``: the host has an
                address that is not public.
            Unavailable: ``OUTWARD_AWAY``: no answer in time, or none in HTTP from whom the URL names.
        """
        target = self.target(url, hosts)
        where = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path.encode("ascii")
        )
        sent = {"host": target.authority, "user-agent": "discretion", **headers}
        try:
            async with asyncio.timeout(within_s or WHOLE_S), self._pool(target) as pool:
                return await _exchange(pool, where, sent, body)
        except (TimeoutError, OSError, httpcore.TimeoutException, httpcore.NetworkError) as error:
            raise _away(error) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise _away(error) from None

    def _pool(self, target: Target) -> httpcore.AsyncConnectionPool:
        """For one exchange: a kept connection would outlive the check of its address."""
        tls = self._tls if target.scheme == "https" else None
        door = _Checked(self._resolve, plain=target.scheme == "http", loopback=self._loopback)
        return httpcore.AsyncConnectionPool(
            ssl_context=tls, max_connections=1, max_keepalive_connections=0, retries=0, network_backend=door
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given or httpcore.default_ssl_context()


class _Checked(httpcore.AsyncNetworkBackend):
    """Connects to a host at an address that was checked, and to no other."""

    def __init__(self, resolve: Resolve, *, plain: bool, loopback: bool) -> None:
        self._resolve = resolve
        self._plain = plain
        self._loopback = loopback
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the interface is the library's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """A connection to the first of the host's addresses that takes one; its name is asked once."""
        last: Exception = OSError("the host has no address")
        for one in self._checked(await self._resolve(host, port)):
            try:
                return await self._network.connect_tcp(one, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last = error
        raise last

    async def sleep(self, seconds: float) -> None:
        """As the library's own."""
        await asyncio.sleep(seconds)

    def _checked(self, texts: Sequence[str]) -> list[str]:
        """The addresses, once every one of them was found to be fit: one bad answer spoils all."""
        found = [address.parse(text) for text in texts]
        if not all(one is not None and self._fit(one) for one in found):
            raise Forbidden(
                "OUTWARD_ADDRESS",
                "The URL's host has an address that is not on the public Internet.",
                "Use a host that anybody can reach.",
            )
        return [str(one) for one in found]

    def _fit(self, one: address.Address) -> bool:
        if self._loopback and address.loopback(one):
            return True
        return not self._plain and address.public(one)


async def _exchange(
    pool: httpcore.AsyncConnectionPool, where: httpcore.URL, headers: Mapping[str, str], body: Body
) -> Reply:
    waits = {"connect": CONNECT_S, "read": QUIET_S, "write": QUIET_S, "pool": QUIET_S}
    async with pool.stream(
        "POST", where, headers=list(headers.items()), content=body, extensions={"timeout": waits}
    ) as response:
        read = bytearray()
        async for part in response.aiter_stream():
            read += part
            if len(read) > BODY_MAX:
                return Reply(response.status, b"")
        return Reply(response.status, bytes(read))


async def _system(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def _parsed(url: str, schemes: Collection[str]) -> Target:
    if len(url) > URL_MAX or not url.isascii() or not url.isprintable() or set(url) & set(' "<>\\^`{|}'):
        raise _not_a_url("it has characters that no URL has, or too many")
    try:
        parsed = httpx.URL(url)
        host = parsed.raw_host.decode("ascii").rstrip(".")
    except (httpx.InvalidURL, ValueError):
        raise _not_a_url("it cannot be read") from None
    if parsed.scheme not in schemes:
        raise _not_a_url("it is not https")
    if "@" in re.split("[/?#]", url.partition("//")[2], maxsplit=1)[0]:
        raise _not_a_url("it names a user")
    if not host or "%" in host:
        raise _not_a_url("it names no host")
    if parsed.fragment:
        raise _not_a_url("it has a fragment")
    port = parsed.port or (_HTTPS if parsed.scheme == "https" else 80)
    if port > _PORT_MAX or (parsed.scheme == "https" and port != _HTTPS and port < _LEAST_FREE_PORT):
        raise _not_a_url("it names no port, or one of another protocol")
    return Target(parsed.scheme, host, port, parsed.raw_path.decode("ascii"))


def _not_a_url(why: str) -> BadRequest:
    return BadRequest(
        "OUTWARD_URL",
        f"The URL cannot be sent to: {why}.",
        "Use one such as https://partner.example/privacy.",
    )


def _away(error: Exception) -> Unavailable:
    """The kind of failure only: a library's message may quote the URL, which may name somebody."""
    return Unavailable("OUTWARD_AWAY", f"The other server did not answer: {type(error).__name__}.")
