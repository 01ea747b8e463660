"""What a stored customer permits at a point in time, as bits of a row and as a query.

A customer document contains the permitted purposes as bits: ``allow`` until the time ``until`` (ms),
``later`` after it. ``rules`` is the version of the rules they were computed by. If the rules changed since,
only purposes whose rules are the same are trusted; the others are withheld until the customer is recomputed.
If a customer was not recomputed for long after ``until``, only purposes that the law demands are trusted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.plan.customer_members import ALLOW, KINDS, LATER, RULES, UNTIL
from discretion.purpose.permission_engine import FORECAST_MS

Query = dict[str, object]

WINDOW_FIELDS = (ALLOW, UNTIL, LATER, RULES)
"""Members of a customer document that determine its permissions."""


@dataclass(frozen=True, slots=True)
class PermissionWindow:
    """The rules in force, and which stored permissions are trusted.

    Attributes:
        rules_version: Version of the rules in force.
        fallback_bits: Bits that are trusted of unknown versions and of outdated documents.
        trusted_versions: Bits that are trusted of earlier versions.
    """

    rules_version: str
    fallback_bits: int
    trusted_versions: Mapping[str, int] = field(default_factory=dict)

    def permitted_bits(self, doc: Mapping[str, Any], now_ms: int) -> int:
        """Return the bits of the purposes that a customer permits now."""
        bits: int = doc[ALLOW] if now_ms < doc[UNTIL] else doc[LATER]
        return bits & self._compute_trusted_mask(doc, now_ms)

    def permitted_kind_bits(self, doc: Mapping[str, Any], kind: str, now_ms: int) -> int:
        """Return the bits of the purposes that a customer permits now for data of a sensitive kind."""
        current_and_later = (doc.get(KINDS) or {}).get(kind)
        if current_and_later is None:
            # The permissions were computed before the catalogue had this kind. Nothing is permitted until
            # they are recomputed.
            return 0
        bits: int = current_and_later[0] if now_ms < doc[UNTIL] else current_and_later[1]
        return bits & self._compute_trusted_mask(doc, now_ms)

    def is_current(self, doc: Mapping[str, Any], now_ms: int) -> bool:
        """Return whether the rules in force computed ``allow``, and it is still valid."""
        return bool(doc[RULES] == self.rules_version and now_ms < doc[UNTIL])

    def build_candidate_clause(self, mask: int, now_ms: int) -> Query:
        """Match customers whose stored bits permit one of the purposes of ``mask``, trusted or not.

        These are all whom ``build_clause`` matches. Any others have a window that is not current
        (``is_current``), because rules or time took a permission from them since it was computed. Such
        windows last seconds, so this clause, which costs MongoDB a third, is asked first.
        """
        permits = {"$bitsAnySet": mask}
        return {"$or": [{ALLOW: permits}, {UNTIL: {"$lte": now_ms}, LATER: permits}]}

    def build_clause(self, mask: int, now_ms: int) -> Query:
        """Match customers who permit one of the purposes of ``mask`` now."""
        # The query states the rule of ``permitted_bits`` a second time. Both have to change together, or a
        # customer would be counted and not shown.
        clauses = [
            clause
            for version, bits in self._list_version_masks(mask)
            for clause in _build_window_clauses(version, bits, now_ms)
        ]
        if mask & self.fallback_bits:
            expired = {"$lte": now_ms - FORECAST_MS}
            clauses.append({UNTIL: expired, LATER: {"$bitsAnySet": mask & self.fallback_bits}})
        return {"$or": clauses}

    def _compute_trusted_mask(self, doc: Mapping[str, Any], now_ms: int) -> int:
        # ``later`` is a forecast for a limited time. After that only what the law demands is certain.
        if now_ms >= doc[UNTIL] + FORECAST_MS:
            return self.fallback_bits
        version = doc[RULES]
        return -1 if version == self.rules_version else self.trusted_versions.get(version, self.fallback_bits)

    def _list_version_masks(self, mask: int) -> list[tuple[object, int]]:
        version_masks: list[tuple[object, int]] = [(self.rules_version, mask)]
        version_masks += [
            (version, mask & bits) for version, bits in self.trusted_versions.items() if mask & bits
        ]
        if mask & self.fallback_bits:
            version_masks.append(
                ({"$nin": [self.rules_version, *self.trusted_versions]}, mask & self.fallback_bits)
            )
        return version_masks


def _build_window_clauses(version: object, mask: int, now_ms: int) -> tuple[Query, Query]:
    return (
        {RULES: version, UNTIL: {"$gt": now_ms}, ALLOW: {"$bitsAnySet": mask}},
        {
            RULES: version,
            UNTIL: {"$lte": now_ms, "$gt": now_ms - FORECAST_MS},
            LATER: {"$bitsAnySet": mask},
        },
    )
