"""Only addresses that anybody can reach are public; no spelling of an internal address is."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from discretion.domain.kit.ip_address import is_loopback, is_public, parse_address

INTERNAL_ADDRESSES = {
    "this network": "0.0.0.0",
    "private, of ten": "10.1.2.3",
    "a carrier's": "100.64.0.1",
    "loopback": "127.0.0.1",
    "loopback, further on": "127.255.255.254",
    "a cloud's metadata": "169.254.169.254",
    "another cloud's metadata": "100.100.100.200",
    "a cloud's own services": "168.63.129.16",
    "private, of 172": "172.31.255.255",
    "protocol assignments": "192.0.0.8",
    "a relay of 6to4": "192.88.99.1",
    "private, of 192": "192.168.0.1",
    "benchmarks": "198.19.0.1",
    "documentation": "203.0.113.7",
    "multicast": "224.0.0.1",
    "multicast, of organisations": "239.255.255.250",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "nothing, of six": "::",
    "loopback, of six": "::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:a9fe:a9fe",
    "mapped, though public": "::ffff:8.8.8.8",
    "compatible": "::127.0.0.1",
    "translated": "::ffff:0:127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64, of one's own": "64:ff9b:1::a9fe:a9fe",
    "6to4": "2002:7f00:1::",
    "6to4 of metadata": "2002:a9fe:a9fe::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "ISATAP": "2a00:1450::5efe:7f00:1",
    "ISATAP, as of everybody": "2a00:1450::200:5efe:7f00:1",
    "link-local, of six": "fe80::1",
    "link-local, of a link": "fe80::1%eth0",
    "public, of a link": "2a00:1450::1%eth0",
    "site-local": "fec0::1",
    "unique local": "fd00:ec2::254",
    "multicast, of six": "ff02::1",
    "documentation, of six": "2001:db8::1",
    "documentation, more of it": "3fff::1",
    "segments": "5f00::1",
}


@pytest.mark.parametrize("text", INTERNAL_ADDRESSES.values(), ids=INTERNAL_ADDRESSES)
def test_an_internal_address_is_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "2a00:1450:4001:81c::200e", "2606:4700::1111"]
)
def test_a_public_address_is_public(text: str) -> None:
    assert is_public(ip_address(text))


def test_an_address_that_embeds_loopback_is_not_loopback() -> None:
    loopback_names = {name for name, text in INTERNAL_ADDRESSES.items() if is_loopback(ip_address(text))}
    assert loopback_names == {"loopback", "loopback, further on", "loopback, of six"}


@pytest.mark.parametrize(
    "text", ["2130706433", "0x7f000001", "127.1", "0177.0.0.1", "127.0.0.1 ", "localhost", ""]
)
def test_an_address_has_one_spelling(text: str) -> None:
    """Other spellings are names: a resolver turns them into addresses, which are then checked."""
    assert parse_address(text) is None
