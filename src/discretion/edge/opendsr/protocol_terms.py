"""The protocol's words, as data (OpenDSR 2.0, sections 5, 6.2 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

VERSION = "2.0"
REGULATIONS = ("gdpr", "ccpa")
TYPES = ("access", "portability", "erasure")
FORMATS = ("raw", "sha1", "md5", "sha256")
RAW = "raw"

IDENTITIES: Mapping[str, str | None] = MappingProxyType(
    {
        "controller_customer_id": "user_id",
        "android_advertising_id": None,
        "android_id": "device_id",
        "email": "email",
        "fire_advertising_id": None,
        "ios_advertising_id": None,
        "ios_vendor_id": "device_id",
        "microsoft_advertising_id": None,
        "microsoft_publisher_id": None,
        "roku_publisher_id": None,
        "roku_advertising_id": None,
    }
)
"""Every identity type there is, and the catalogue's type of identifier; None for what nobody here keeps."""
