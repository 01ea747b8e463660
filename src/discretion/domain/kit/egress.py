"""Outgoing HTTP requests: HTTPS to a server of another organisation, at a checked address.

Partners and agents supply URLs. Without checks they could make the server send requests to hosts that only it
can reach (server-side request forgery, CWE-918; OWASP SSRF Prevention Cheat Sheet). The rules are:
    - only https, and only to the permitted hosts, which are registered
    - every address of the host must be public (``ip_address``)
    - the connection is made to the address that was checked, so a name that resolves to another address the
      second time (DNS rebinding) gains nothing
    - the certificate must match the host name
    - no redirect is followed, no proxy is used, and replies are limited in size and time
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

from discretion.domain.kit import ip_address
from discretion.errors import BadRequest, Forbidden, Unavailable

CONNECT_TIMEOUT_S = 3.0
IDLE_TIMEOUT_S = 5.0
"""The longest pause between two bytes, in seconds."""

EXCHANGE_TIMEOUT_S = 10.0
"""The longest time of one exchange with name resolution, in seconds."""

# The other server chooses the length of its reply. Without a limit it could
# exhaust the memory of this process.
MAX_REPLY_BYTES = 64 * 1024
MAX_URL_LENGTH = 2048
_HTTPS_PORT = 443
_MAX_PORT = 65535
_MIN_UNPRIVILEGED_PORT = 1024
"""Ports below it, except 443, belong to other protocols; an HTTP request must not reach their servers."""

RequestBody = bytes | AsyncIterator[bytes]
"""A request body, whole or as a stream of parts."""

ResolveHost = Callable[[str, int], Awaitable[Sequence[str]]]
"""``(host, port) -> addresses``; raises OSError for a host without addresses."""


@dataclass(frozen=True, slots=True)
class EgressTarget:
    """A parsed URL. It is parsed once, so the request goes to the parts that were checked."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """The value of the ``Host`` header."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class EgressReply:
    """A server's reply; ``body`` is empty if it exceeded ``MAX_REPLY_BYTES``."""

    status: int
    body: bytes


class EgressClient:
    """An HTTP client for servers of other organisations.

    Args:
        loopback: Permit loopback addresses, also by plain HTTP; for tests and evaluation.
        resolve: The resolver of host names; the system's resolver by default.
        tls: The TLS settings with the trusted authorities; httpcore's defaults otherwise.
    """

    def __init__(
        self, *, loopback: bool = False, resolve: ResolveHost | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._loopback = loopback
        self._resolve = resolve or _resolve_by_system
        self._tls_context = tls

    def check_target(self, url: str, hosts: Collection[str] | None = None) -> EgressTarget:
        """Parse and check a URL; ``hosts``, if given, are the only permitted hosts.

        Raises:
            BadRequest: ``OUTWARD_URL``.
            Forbidden: ``OUTWARD_HOST``.
        """
        target = _parse_target(url, {"https", "http"} if self._loopback else {"https"})
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
        body: RequestBody,
        headers: Mapping[str, str],
        *,
        hosts: Collection[str] | None = None,
        within_s: float | None = None,
    ) -> int:
        """Post ``body`` to ``url`` and return the status of the reply; see ``exchange``."""
        return (await self.exchange(url, body, headers, hosts=hosts, within_s=within_s)).status

    async def exchange(
        self,
        url: str,
        body: RequestBody,
        headers: Mapping[str, str],
        *,
        hosts: Collection[str] | None = None,
        within_s: float | None = None,
    ) -> EgressReply:
        """Post ``body`` to ``url`` and return the reply; a redirect is returned and not followed.

        Args:
            url: The address.
            body: The body; a streamed body needs a ``content-length`` among ``headers``.
            headers: Request headers; ``host`` and ``user-agent`` have defaults.
            hosts: The permitted hosts; None permits every public host.
            within_s: The limit of the whole exchange in seconds; ``EXCHANGE_TIMEOUT_S`` by default.

        Raises:
            BadRequest: ``OUTWARD_URL``: the URL is not https or cannot be sent to.
            Forbidden: ``OUTWARD_HOST``: the host is not among ``hosts``. ``OUTWARD_ADDRESS``: an address of
                the host is not public.
            Unavailable: ``OUTWARD_AWAY``: no valid HTTP reply in time.
        """
        target = self.check_target(url, hosts)
        request_url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path.encode("ascii")
        )
        request_headers = {"host": target.authority, "user-agent": "discretion", **headers}
        try:
            async with asyncio.timeout(within_s or EXCHANGE_TIMEOUT_S), self._open_pool(target) as pool:
                return await _post_within_pool(pool, request_url, request_headers, body)
        except (TimeoutError, OSError, httpcore.TimeoutException, httpcore.NetworkError) as error:
            # `from None`: the original message may quote the URL, and a log of the chain would repeat it.
            raise _build_unavailable_error(error) from None
        except (httpcore.ProtocolError, httpcore.UnsupportedProtocol) as error:
            raise _build_unavailable_error(error) from None

    def _open_pool(self, target: EgressTarget) -> httpcore.AsyncConnectionPool:
        """Open a pool for one exchange: a reused connection would outlive the check of its address."""
        tls = self._tls if target.scheme == "https" else None
        network = _CheckedNetwork(self._resolve, is_plain=target.scheme == "http", loopback=self._loopback)
        return httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=1,
            max_keepalive_connections=0,
            # No retry here: a POST may have taken effect although its reply was lost. The caller decides.
            retries=0,
            network_backend=network,
        )

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._tls_context or httpcore.default_ssl_context()


class _CheckedNetwork(httpcore.AsyncNetworkBackend):
    """A network backend that connects only to addresses that were checked."""

    def __init__(self, resolve: ResolveHost, *, is_plain: bool, loopback: bool) -> None:
        self._resolve = resolve
        self._is_plain = is_plain
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
        """Connect to the first address of the host that accepts; the name is resolved only once."""
        last_error: Exception = OSError("the host has no address")
        # Only the TCP connection uses the address. The TLS handshake names the host of the URL, so the
        # certificate is still checked against the name.
        for checked_address in self._check_addresses(await self._resolve(host, port)):
            try:
                return await self._network.connect_tcp(
                    checked_address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                last_error = error
        raise last_error

    async def sleep(self, seconds: float) -> None:
        """Sleep, as the backends of httpcore do."""
        await asyncio.sleep(seconds)

    def _check_addresses(self, texts: Sequence[str]) -> list[str]:
        """Return the addresses if all of them are permitted: a host with one private address is refused."""
        addresses = [ip_address.parse_address(text) for text in texts]
        if not all(parsed is not None and self._is_allowed(parsed) for parsed in addresses):
            raise Forbidden(
                "OUTWARD_ADDRESS",
                "The URL's host has an address that is not on the public Internet.",
                "Use a host that anybody can reach.",
            )
        return [str(parsed) for parsed in addresses]

    def _is_allowed(self, candidate: ip_address.IpAddress) -> bool:
        if self._loopback and ip_address.is_loopback(candidate):
            return True
        # Plain HTTP is permitted to loopback addresses only.
        return not self._is_plain and ip_address.is_public(candidate)


async def _post_within_pool(
    pool: httpcore.AsyncConnectionPool,
    request_url: httpcore.URL,
    headers: Mapping[str, str],
    body: RequestBody,
) -> EgressReply:
    timeouts = {
        "connect": CONNECT_TIMEOUT_S,
        "read": IDLE_TIMEOUT_S,
        "write": IDLE_TIMEOUT_S,
        "pool": IDLE_TIMEOUT_S,
    }
    async with pool.stream(
        "POST", request_url, headers=list(headers.items()), content=body, extensions={"timeout": timeouts}
    ) as response:
        received = bytearray()
        async for part in response.aiter_stream():
            received += part
            if len(received) > MAX_REPLY_BYTES:
                return EgressReply(response.status, b"")
        return EgressReply(response.status, bytes(received))


async def _resolve_by_system(host: str, port: int) -> list[str]:
    answers = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(answer[4][0]) for answer in answers))


def _parse_target(url: str, schemes: Collection[str]) -> EgressTarget:
    if (
        len(url) > MAX_URL_LENGTH
        or not url.isascii()
        or not url.isprintable()
        or set(url) & set(' "<>\\^`{|}')
    ):
        raise _build_url_error("it has characters that no URL has, or too many")
    try:
        parsed_url = httpx.URL(url)
        # DNS treats a name with a final dot as the same host, so hosts are compared without it.
        host = parsed_url.raw_host.decode("ascii").rstrip(".")
    except (httpx.InvalidURL, ValueError):
        raise _build_url_error("it cannot be read") from None
    if parsed_url.scheme not in schemes:
        raise _build_url_error("it is not https")
    # A user part makes a URL look like that of another host: https://partner.example@attacker.example.
    if "@" in re.split("[/?#]", url.partition("//")[2], maxsplit=1)[0]:
        raise _build_url_error("it names a user")
    # A `%` begins an IPv6 zone (RFC 6874) or an escaped character. Libraries differ in how they read both.
    if not host or "%" in host:
        raise _build_url_error("it names no host")
    if parsed_url.fragment:
        raise _build_url_error("it has a fragment")
    port = parsed_url.port or (_HTTPS_PORT if parsed_url.scheme == "https" else 80)
    if port > _MAX_PORT or (
        parsed_url.scheme == "https" and port != _HTTPS_PORT and port < _MIN_UNPRIVILEGED_PORT
    ):
        raise _build_url_error("it names no port, or one of another protocol")
    return EgressTarget(parsed_url.scheme, host, port, parsed_url.raw_path.decode("ascii"))


def _build_url_error(reason: str) -> BadRequest:
    return BadRequest(
        "OUTWARD_URL",
        f"The URL cannot be sent to: {reason}.",
        "Use one such as https://partner.example/privacy.",
    )


def _build_unavailable_error(error: Exception) -> Unavailable:
    """Name only the error's class: its message may quote the URL, which may identify a person."""
    return Unavailable("OUTWARD_AWAY", f"The other server did not answer: {type(error).__name__}.")
