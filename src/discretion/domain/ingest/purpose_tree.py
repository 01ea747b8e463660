"""The tree of purposes: which purposes a node covers, and which of them a customer may choose about."""

from __future__ import annotations

from collections.abc import Iterable

from discretion.catalogue.model import Catalogue, Purpose
from discretion.purpose.permissions import REFUSABLE


def find_purposes_under(catalogue: Catalogue, purpose_key: str) -> list[Purpose]:
    """Return the purposes at and below a node of the tree; empty for an unknown node."""
    return [
        purpose
        for key, purpose in sorted(catalogue.purposes.items())
        if key == purpose_key or key.startswith(f"{purpose_key}.")
    ]


def select_askable(catalogue: Catalogue, purposes: Iterable[Purpose], purpose_key: str = "") -> list[str]:
    """Return the keys of the purposes a customer may permit or refuse; others rest on law or contract.

    A contract is no legal basis for sensitive data (GDPR Art. 9(2)(a)). So a purpose that sensitive data
    serve can be chosen too, but only if ``purpose_key`` names it itself: explicit consent does not extend to
    a wider node.
    """
    sensitive_keys = catalogue.sensitive_purposes & {purpose_key}
    return [
        purpose.key for purpose in purposes if purpose.basis in REFUSABLE or purpose.key in sensitive_keys
    ]


def expand_choice(purpose_key: str, askable_keys: list[str], *, permits: bool) -> list[str]:
    """Return the keys a choice about a node is recorded under.

    A permission covers the purposes that exist now. A refusal is recorded for the node too, so that it also
    covers purposes added below the node later.
    """
    return askable_keys if permits else list(dict.fromkeys([purpose_key, *askable_keys]))
