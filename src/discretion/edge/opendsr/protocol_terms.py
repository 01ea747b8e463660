"""The constants of the protocol (OpenDSR 2.0, sections 5, 6.2 and 8)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

VERSION = "2.0"
REGULATIONS = ("gdpr", "ccpa")
REQUEST_TYPES = ("access", "portability", "erasure")
IDENTITY_FORMATS = ("raw", "sha1", "md5", "sha256")
RAW_FORMAT = "raw"

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
"""Each identity type of the protocol and its type of identifier in the catalogue, None if unsupported."""
