"""Lookup of the country of an IP address. The address itself is not stored or passed on."""

from __future__ import annotations

import ipaddress
from functools import cache
from pathlib import Path
from typing import Any

import maxminddb
from geoip2fast import GeoIP2Fast

from discretion.errors import Misconfigured


class CountryLocator:
    """Countries by IP address, from the data of the geoip2fast package or from a file in MaxMind's format.

    Args:
        file: A database (GeoLite2-Country, GeoIP2-City, DB-IP), or None for the package's own data.

    Raises:
        Misconfigured: ``PLACES_FILE_INVALID``.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._builtin: Any = None if file else _read_builtin_data()
        self._database = None
        if file is None:
            return
        try:
            self._database = maxminddb.open_database(str(file))
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            raise Misconfigured(
                "PLACES_FILE_INVALID",
                f"{file} is not a database in MaxMind's format.",
                "DISCRETION_PLACES_FILE names a file such as GeoLite2-Country.mmdb, or nothing.",
            ) from None

    def find_country(self, address: object) -> str | None:
        """Return the country (ISO 3166-1 alpha-2); None for an invalid, private or unknown address."""
        if not isinstance(address, str) or len(address) > _MAX_ADDRESS_LENGTH:
            return None
        try:
            ip = ipaddress.ip_address(address.strip())
        except ValueError:
            return None
        if not ip.is_global:
            return None
        code = (
            self._builtin.lookup(str(ip)).country_code
            if self._database is None
            else self._find_in_database(ip)
        )
        return code if isinstance(code, str) and len(code) == 2 and code.isalpha() else None

    def _find_in_database(self, ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> object:
        assert self._database is not None
        entry: Any = self._database.get(ip)
        for part in ("country", "registered_country"):
            if isinstance(entry, dict) and isinstance(entry.get(part), dict):
                return entry[part].get("iso_code")
        return None


@cache
def _read_builtin_data() -> Any:
    """Return the data of the package, which never change; they take 40 ms to read."""
    return GeoIP2Fast(geoip2fast_data_file="geoip2fast.dat.gz")


_MAX_ADDRESS_LENGTH = 45  # characters of an IPv6 address whose last 32 bits are written as an IPv4 address
