"""What an answer may not hold: what some law forbids to hand out, and what is older than a law looks back.

Several US laws have a business say that it keeps a government's number, an account number or biometric data,
and never what it is (11 CCR 7024(d); Conn. Gen. Stat. 42-518(a)(1); Minn. Stat. ch. 325M): an answer that
reaches the wrong hands must not be worth stealing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.law.jurisdiction import Entitlement, Jurisdiction, Right
from discretion.law.local_days import local_day, midnight


@dataclass(frozen=True, slots=True)
class Limits:
    """``categories`` are forbidden, each with those below it, by ``law``; ``since`` is the look-back (ms)."""

    categories: frozenset[str]
    law: str
    since: int

    def forbids(self, category: str) -> str | None:
        """The law that forbids to show data of a category, or None."""
        if not self.categories:
            return None
        above = {category, *(category[:at] for at, one in enumerate(category) if one == ".")}
        return self.law if above & self.categories else None


def limits(catalogue: Catalogue, laws: Sequence[Jurisdiction], at_ms: int) -> Limits:
    """By all the laws that protect a person, as they stood when they asked (ms).

    What one of them forbids is not shown. How far back is as far as the one that looks back furthest, and
    all the way where one sets no day.
    """
    found = [one for law in laws if (one := _access(law, at_ms)) is not None]
    forbidding = [one for one in found if one.withheld]
    kinds = frozenset(kind for one in forbidding for kind in one.withheld)
    return Limits(
        frozenset(_categories(catalogue, kinds)),
        "; ".join(sorted({one.cited.source for one in forbidding})),
        _since(laws, found),
    )


def _access(law: Jurisdiction, at_ms: int) -> Entitlement | None:
    return law.right(Right.ACCESS, local_day(at_ms, law.zone))


def _categories(catalogue: Catalogue, kinds: Collection[str]) -> Iterable[str]:
    for kind in kinds:
        yield from catalogue.sensitive.get(kind, ())


def _since(laws: Sequence[Jurisdiction], found: Sequence[Entitlement]) -> int:
    days = [one.look_back for one in found]
    if not days or len(found) < len(laws):
        return 0
    told = [one for one in days if one is not None]
    return midnight(min(told), laws[0].zone) if len(told) == len(days) else 0
