"""Global Privacy Control: a browser that asks not to sell or share (W3C, "Global Privacy Control (GPC)").

It is about sale, sharing and advertising across businesses, and says nothing of a business's own
use or of erasure (section "Legal Effects").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

HEADER: Final = "Sec-GPC"

SUPPORT: Final[Mapping[str, Any]] = MappingProxyType({"gpc": True, "lastUpdate": "2026-11-24"})
"""The body of ``/.well-known/gpc.json``: what GPC meant on that day is abided by."""

_AROUND = " \t"
"""Not part of a field's value (RFC 9110, section 5.5); some servers leave it after the value."""


def asked(values: Iterable[bytes | str]) -> bool:
    """Whether the ``Sec-GPC`` fields of a request, each as it came, ask not to sell or share.

    Exactly ``1`` does, in any of several fields. Every other value is as if it were not there,
    a list such as ``1, 1`` too: the field has no extensions.
    """
    return any(
        (one.decode("latin-1") if isinstance(one, bytes) else one).strip(_AROUND) == "1" for one in values
    )
