"""Global Privacy Control: a browser's request not to sell or share (W3C, "Global Privacy Control (GPC)").

The signal covers sale, sharing and advertising across businesses. It does not cover a business's own use or
erasure (section "Legal Effects").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

GPC_HEADER: Final = "Sec-GPC"

GPC_SUPPORT: Final[Mapping[str, Any]] = MappingProxyType({"gpc": True, "lastUpdate": "2026-11-24"})
"""The body of ``/.well-known/gpc.json``: support for GPC as it was specified on that day."""

_FIELD_WHITESPACE = " \t"
"""Whitespace that is not part of a field's value (RFC 9110, section 5.5); some servers leave it after the
value."""


def has_gpc_opt_out(values: Iterable[bytes | str]) -> bool:
    """Return whether the ``Sec-GPC`` header fields of a request ask not to sell or share.

    Args:
        values: The raw values of all ``Sec-GPC`` fields.

    Returns:
        True if any field is exactly ``1``. Every other value is treated as absent, including a list such as
        ``1, 1``, because the field has no extensions.
    """
    return any(
        (value.decode("latin-1") if isinstance(value, bytes) else value).strip(_FIELD_WHITESPACE) == "1"
        for value in values
    )
