"""Which addresses belong to the public Internet.

A request that others cause us to send must not reach what only we can reach: server-side request forgery
(CWE-918). The networks are those of IANA's special-purpose registries (RFC 6890), and those that carry one
address inside another. Python's own ``is_global`` is asked too and does not do alone: it had gaps until
3.11.10 (CVE-2024-4032), and takes translated addresses for public.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NO_PLACE_V4 = tuple(
    ip_network(one)
    for one in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # shared by a carrier's customers, and some clouds' metadata
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "168.63.129.16/32",  # a cloud's own services, from inside it
    )
)
_UNICAST_V6 = ip_network("2000::/3")
"""What is given out to anybody. Outside: loopback, IPv4-mapped and -compatible, NAT64, local, multicast."""

_NO_PLACE_V6 = tuple(
    ip_network(one)
    for one in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""RFC 5214: the upper half of an interface's name, whose lower half is an IPv4 address."""


def parse(text: str) -> Address | None:
    """The address that ``text`` spells, in the one way a resolver does; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def public(address: Address) -> bool:
    """Whether anybody can reach it; False for whatever is in doubt."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in one for one in _NO_PLACE_V4)
    if address not in _UNICAST_V6 or not address.is_global or address.scope_id is not None:
        return False
    within = (int(address) >> 32) & 0xFFFF_FFFF
    return within not in _ISATAP and not any(address in one for one in _NO_PLACE_V6)


def loopback(address: Address) -> bool:
    """Whether it is this machine's own; an IPv4 address inside of another is not."""
    return address.is_loopback and (isinstance(address, IPv4Address) or address == IPv6Address("::1"))
