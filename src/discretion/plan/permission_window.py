"""What a customer's document says is permitted, read at a moment: as bits of a row, and as a query.

A document carries ``allow`` and until when (``until``, ms) it holds, what holds ``later``, and the version
of the rules it was worked out by. One worked out by other rules is believed only in purposes whose rules
are the same (``trusted``): until somebody is judged anew, what changed is withheld. One that nobody judged
anew for long after its time was over is believed in what the law demands.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.purpose.permission_engine import HOLDS_MS

Query = dict[str, Any]
Document = Mapping[str, Any]

FIELDS: Mapping[str, int] = {"allow": 1, "until": 1, "later": 1, "rules": 1}
"""What is read of a document to know its standing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """``version`` of the rules in force, and the bits of earlier versions that are still believed.

    Of a version that is not listed, ``least`` is believed.
    """

    version: str
    least: int
    trusted: Mapping[str, int] = field(default_factory=dict)

    def bits(self, doc: Document, now_ms: int) -> int:
        """The purposes that a customer permits now."""
        bits: int = doc["allow"] if now_ms < doc["until"] else doc["later"]
        return bits & self._believed(doc, now_ms)

    def kind_bits(self, doc: Document, kind: str, now_ms: int) -> int:
        """The purposes that a customer permits now for data of a sensitive kind."""
        both = (doc.get("kinds") or {}).get(kind)
        if both is None:
            return 0
        bits: int = both[0] if now_ms < doc["until"] else both[1]
        return bits & self._believed(doc, now_ms)

    def clause(self, mask: int, now_ms: int) -> Query:
        """Matches customers who permit one of the purposes of ``mask`` now."""
        ways = [way for version, bits in self._versions(mask) for way in _ways(version, bits, now_ms)]
        if mask & self.least:
            forgotten = {"$lte": now_ms - HOLDS_MS}
            ways.append({"until": forgotten, "later": {"$bitsAnySet": mask & self.least}})
        return {"$or": ways}

    def _believed(self, doc: Document, now_ms: int) -> int:
        if now_ms >= doc["until"] + HOLDS_MS:
            return self.least
        version = doc["rules"]
        return -1 if version == self.version else self.trusted.get(version, self.least)

    def _versions(self, mask: int) -> list[tuple[Any, int]]:
        here: list[tuple[Any, int]] = [(self.version, mask)]
        here += [(one, mask & bits) for one, bits in self.trusted.items() if mask & bits]
        if mask & self.least:
            here.append(({"$nin": [self.version, *self.trusted]}, mask & self.least))
        return here


def _ways(version: Any, mask: int, now_ms: int) -> tuple[Query, Query]:
    return (
        {"rules": version, "until": {"$gt": now_ms}, "allow": {"$bitsAnySet": mask}},
        {
            "rules": version,
            "until": {"$lte": now_ms, "$gt": now_ms - HOLDS_MS},
            "later": {"$bitsAnySet": mask},
        },
    )
