"""An IP address -> the country it is in. The address itself goes no further than this."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import maxminddb
from geoip2fast import GeoIP2Fast

from discretion.errors import Misconfigured


class Locator:
    """Knows countries by address: from data that come with the package, or a file in MaxMind's format.

    Args:
        file: Such a file (GeoLite2-Country, GeoIP2-City, DB-IP), or None for the package's own.

    Raises:
        Misconfigured: ``PLACES_FILE_INVALID``.
    """

    def __init__(self, file: Path | None = None) -> None:
        self._own: Any = None if file else GeoIP2Fast(geoip2fast_data_file="geoip2fast.dat.gz")
        self._file = None
        if file is None:
            return
        try:
            self._file = maxminddb.open_database(str(file))
        except (OSError, ValueError, maxminddb.InvalidDatabaseError):
            raise Misconfigured(
                "PLACES_FILE_INVALID",
                f"{file} is not a database in MaxMind's format.",
                "DISCRETION_PLACES_FILE names a file such as GeoLite2-Country.mmdb, or nothing.",
            ) from None

    def country(self, address: object) -> str | None:
        """The country, as two letters of ISO 3166-1; None if the address is none, or nobody knows."""
        if not isinstance(address, str) or len(address) > _LONGEST:
            return None
        try:
            there = ipaddress.ip_address(address.strip())
        except ValueError:
            return None
        if not there.is_global:
            return None
        found = self._own.lookup(str(there)).country_code if self._file is None else self._looked_up(there)
        return found if isinstance(found, str) and len(found) == 2 and found.isalpha() else None

    def _looked_up(self, there: ipaddress.IPv4Address | ipaddress.IPv6Address) -> object:
        assert self._file is not None
        found: Any = self._file.get(there)
        for part in ("country", "registered_country"):
            if isinstance(found, dict) and isinstance(found.get(part), dict):
                return found[part].get("iso_code")
        return None


_LONGEST = 45  # characters of an IPv6 address that ends in an IPv4 one
