"""Limits on an answer to an access request: categories a law forbids to hand out, and the look-back period.

Several US laws require a business to confirm that it keeps a government id number, an account number or
biometric data, but forbid it to hand out the value (11 CCR 7024(d); Conn. Gen. Stat. 42-518(a)(1); Minn.
Stat. ch. 325M). An answer that reaches the wrong person must not be useful for identity theft.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.law.jurisdiction import Entitlement, Jurisdiction, Right
from discretion.law.local_days import find_local_day, find_midnight


@dataclass(frozen=True, slots=True)
class AccessLimits:
    """Data categories that may not be handed out, and the earliest time covered by the answer.

    Attributes:
        categories: Forbidden Fideslang categories; each includes the categories below it.
        law: The citation that forbids them.
        since: Start of the look-back period in ms since 1970; 0 for no limit.
    """

    categories: frozenset[str]
    law: str
    since: int

    def find_forbidding_law(self, category: str) -> str | None:
        """Return the citation that forbids handing out data of a category, or None if it may be shown."""
        if not self.categories:
            return None
        ancestors = {
            category,
            *(category[:position] for position, character in enumerate(category) if character == "."),
        }
        return self.law if ancestors & self.categories else None


def build_access_limits(catalogue: Catalogue, laws: Sequence[Jurisdiction], at_ms: int) -> AccessLimits:
    """Combine the limits of all laws that protect a person, as in force when they made the request.

    A category is forbidden if one law forbids it. The look-back period is the longest of all laws, and
    unlimited if one law sets no period.

    Args:
        catalogue: The data catalogue.
        laws: The jurisdictions that protect the person.
        at_ms: When the request was received (ms since 1970).
    """
    entitlements = [
        entitlement for law in laws if (entitlement := _find_access_entitlement(law, at_ms)) is not None
    ]
    restricting_entitlements = [entitlement for entitlement in entitlements if entitlement.withheld]
    kinds = frozenset(kind for entitlement in restricting_entitlements for kind in entitlement.withheld)
    return AccessLimits(
        frozenset(_list_categories(catalogue, kinds)),
        "; ".join(sorted({entitlement.citation.source for entitlement in restricting_entitlements})),
        _compute_look_back_start(laws, entitlements),
    )


def _find_access_entitlement(law: Jurisdiction, at_ms: int) -> Entitlement | None:
    return law.find_right(Right.ACCESS, find_local_day(at_ms, law.zone))


def _list_categories(catalogue: Catalogue, kinds: Collection[str]) -> Iterable[str]:
    for kind in kinds:
        yield from catalogue.sensitive.get(kind, ())


def _compute_look_back_start(laws: Sequence[Jurisdiction], entitlements: Sequence[Entitlement]) -> int:
    look_backs = [entitlement.look_back for entitlement in entitlements]
    # A law without a look-back, or without a right of access, limits nothing: everything is shown then.
    if not look_backs or len(entitlements) < len(laws):
        return 0
    look_back_days = [look_back for look_back in look_backs if look_back is not None]
    return find_midnight(min(look_back_days), laws[0].zone) if len(look_back_days) == len(look_backs) else 0
