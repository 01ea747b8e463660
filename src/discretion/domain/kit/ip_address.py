"""Public and loopback IP addresses, for outgoing requests (``egress``).

A request that a third party causes must not reach hosts that only the server can reach: server-side request
forgery (CWE-918). Refused networks are those of IANA's special-purpose registries (RFC 6890), and those whose
addresses embed another address. Python's ``is_global`` is checked too but is not sufficient: it had gaps
until 3.11.10 (CVE-2024-4032), and it treats translated addresses as public.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

IpAddress = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    ip_network(cidr)
    for cidr in (
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
"""Global unicast. Outside of it: loopback, IPv4-mapped and -compatible, NAT64, local, multicast."""

_SPECIAL_V6 = tuple(
    ip_network(cidr)
    for cidr in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
)
_ISATAP_PREFIXES = frozenset({0x0000_5EFE, 0x0200_5EFE})
"""RFC 5214: the upper 32 bits of an interface identifier whose lower 32 bits are an IPv4 address."""


def parse_address(text: str) -> IpAddress | None:
    """Return the address in ``text``, in the notation that resolvers return; None for anything else."""
    try:
        return ip_address(text)
    except ValueError:
        return None


def is_public(address: IpAddress) -> bool:
    """Return whether an address is on the public Internet; False in case of doubt."""
    if isinstance(address, IPv4Address):
        return address.is_global and not any(address in network for network in _SPECIAL_V4)
    # An address with a zone (`scope_id`) is valid on one link only (RFC 4007).
    if address not in _UNICAST_V6 or not address.is_global or address.scope_id is not None:
        return False
    interface_prefix = (int(address) >> 32) & 0xFFFF_FFFF
    return interface_prefix not in _ISATAP_PREFIXES and not any(address in network for network in _SPECIAL_V6)


def is_loopback(address: IpAddress) -> bool:
    """Return whether an address is loopback; an IPv4 loopback address embedded in IPv6 is not accepted."""
    return address.is_loopback and (isinstance(address, IPv4Address) or address == IPv6Address("::1"))
