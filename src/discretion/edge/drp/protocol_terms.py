"""The protocol's words, as data (DRP 1.0, sections 3.01, 3.02 and 3.06)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from discretion.law.jurisdiction import Right

VERSION = "1.0"
REGIMES = frozenset({"ccpa"})

ACTIONS: Mapping[str, tuple[Right, Mapping[str, str]] | None] = MappingProxyType(
    {
        "sale:opt-out": (Right.OPT_OUT_SALE, {}),
        "sale:opt-in": None,
        "deletion": (Right.ERASURE, {}),
        "access": (Right.ACCESS, {}),
        "access:categories": (Right.ACCESS, {"part": "categories"}),
        "access:specific": (Right.ACCESS, {"part": "specific"}),
    }
)
"""What can be exercised: the right, and what of it. Opting in to a sale takes the person's own word, twice
(11 CCR 7028(a)); nobody's agent can say it."""

SUPPORTED = tuple(one for one, right in ACTIONS.items() if right is not None)
"""What our directory document says that we do."""

IDENTITIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"email": ("email", "email"), "phone_number": ("phone", "e164")}
)
"""Claims by which a person can be found: the type of identifier, and how it is spelled."""

FATAL = frozenset(
    {
        "DRP_NOT_BASE64",
        "DRP_SIGNATURE",
        "DRP_MESSAGE",
        "DRP_AGENT",
        "DRP_BUSINESS",
        "DRP_EXPIRED",
        "DRP_REPLAYED",
    }
)
"""Refusals after which the same bytes are refused for ever; what is refused else may be sent again."""
