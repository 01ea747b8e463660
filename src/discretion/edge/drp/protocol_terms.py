"""The constants of the protocol (DRP 1.0, sections 3.01, 3.02 and 3.06)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from discretion.law.jurisdiction import Right
from discretion.store.subject_request import RequestScope

VERSION = "1.0"
REGIMES = frozenset({"ccpa"})

ACTIONS: Mapping[str, tuple[Right, RequestScope] | None] = MappingProxyType(
    {
        "sale:opt-out": (Right.OPT_OUT_SALE, RequestScope()),
        "sale:opt-in": None,
        "deletion": (Right.ERASURE, RequestScope()),
        "access": (Right.ACCESS, RequestScope()),
        "access:categories": (Right.ACCESS, RequestScope(part="categories")),
        "access:specific": (Right.ACCESS, RequestScope(part="specific")),
    }
)
"""The right and its scope for each action of the protocol, None if it is not supported. Opting in to a sale
requires two statements of the customer themselves (11 CCR 7028(a)), so no agent can make it."""

SUPPORTED = tuple(action for action, right in ACTIONS.items() if right is not None)
"""The actions that the directory entry lists."""

IDENTITIES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {"email": ("email", "email"), "phone_number": ("phone", "e164")}
)
"""Claims by which a customer can be found: the type of identifier, and the rule that normalises it."""

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
"""Error codes after which the same bytes are always refused. After others the message may be sent again."""
