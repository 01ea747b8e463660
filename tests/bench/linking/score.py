"""Who the platform takes for one person beside who is, pair by pair, and why pairs are missing."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from tests.bench.linking.evidence import Identifier, Record

NOT_FOUND = "one of them was not found at all"
NOTHING = "no identifier in common, nor over others"
UNREAD = "an identifier in common, in a spelling that is not read"
BLOCKED = "an identifier in common that the catalogue blocks"
SHARED = "an identifier in common that too many share"
LIMITED = "an identifier in common, and more of a type than one person may have"
UNEXPLAINED = "an identifier in common, and nothing speaks against it"
REASONS = (NOTHING, UNREAD, BLOCKED, SHARED, LIMITED, NOT_FOUND, UNEXPLAINED)

Truth = Mapping[str, Sequence[frozenset[str]]]
"""Person -> sets of records that share an identifier."""


@dataclass(frozen=True, slots=True)
class Score:
    """Counts of persons and of pairs of records.

    ``linkable`` pairs are one person's and share an identifier, maybe over others; ``wrong`` were
    linked and are two persons'. ``missing`` counts a person's pairs that were not linked, by reason.
    """

    records: int
    persons: int
    found: int
    whole: int
    linkable: int
    right: int
    wrong: int
    missing: Mapping[str, int]

    @property
    def true(self) -> int:
        """Pairs of one person's records."""
        return self.right + sum(self.missing.values())

    @property
    def precision(self) -> float:
        """The share of linked pairs that are one person's."""
        return self.right / (self.right + self.wrong) if self.right + self.wrong else 1.0

    @property
    def recall(self) -> float:
        """The share of a person's pairs that were linked."""
        return self.right / self.true if self.true else 1.0

    @property
    def deterministic_recall(self) -> float:
        """The share of linkable pairs that were linked."""
        return self.right / self.linkable if self.linkable else 1.0


def score(
    truth: Truth, customers: Mapping[str, str | None], records: Mapping[str, Record], catalogue: Catalogue
) -> Score:
    """Compare.

    Args:
        truth: Who is who.
        customers: Record -> the customer that the platform takes it for; None if it found nobody.
        records: What was sent of each record.
        catalogue: The rules for identifiers.
    """
    found = {one for one in customers.values() if one is not None}
    linked = _pairs(Counter(one for one in customers.values() if one is not None).values())
    why = _Why(records, catalogue)
    right = linkable = whole = 0
    missing: Counter[str] = Counter()
    for clusters in truth.values():
        everything = sorted(record for cluster in clusters for record in cluster)
        linkable += _pairs(map(len, clusters))
        whole += len({customers[one] or one for one in everything}) == 1
        cluster_of = {record: number for number, cluster in enumerate(clusters) for record in cluster}
        for one, two in itertools.combinations(everything, 2):
            if customers[one] is not None and customers[one] == customers[two]:
                right += 1
            elif cluster_of[one] != cluster_of[two]:
                missing[NOTHING] += 1
            elif customers[one] is None or customers[two] is None:
                missing[NOT_FOUND] += 1
            else:
                missing[why(one, two, everything)] += 1
    return Score(len(customers), len(truth), len(found), whole, linkable, right, linked - right, missing)


class _Why:
    """Why two records of one person were not linked: what would join them is taken away step by step."""

    def __init__(self, records: Mapping[str, Record], catalogue: Catalogue) -> None:
        self._records = records
        self._types = catalogue.identifiers
        self._named_by = Counter(one for record in records.values() for one in record.named)

    def __call__(self, one: str, two: str, person: Sequence[str]) -> str:
        steps: tuple[tuple[str, Callable[[Identifier], bool]], ...] = (
            (UNREAD, lambda _: True),
            (BLOCKED, self._somebodys),
            (SHARED, lambda named: self._somebodys(named) and self._telling(named)),
        )
        for reason, links in steps:
            if two not in self._reached(one, person, links):
                return reason
        return LIMITED if self._too_many(person) else UNEXPLAINED

    def _somebodys(self, named: Identifier) -> bool:
        return self._types[named[0]].never.fullmatch(named[1]) is None

    def _telling(self, named: Identifier) -> bool:
        return self._named_by[named] <= self._types[named[0]].shared_by

    def _too_many(self, person: Sequence[str]) -> bool:
        held: dict[tuple[str, str], set[str]] = {}
        for record in map(self._records.__getitem__, person):
            for kind, value in record.named:
                held.setdefault((kind, record.source), set()).add(value)
        most = {key: self._types[key[0]].most for key in held}
        return any(limit is not None and len(held[key]) > limit for key, limit in most.items())

    def _reached(self, start: str, person: Sequence[str], links: Callable[[Identifier], bool]) -> set[str]:
        reached, met = {start}, set[Hashable]()
        while True:
            met |= {named for one in reached for named in self._records[one].named if links(named)}
            wider = reached | {one for one in person if not met.isdisjoint(self._records[one].named)}
            if wider == reached:
                return reached
            reached = wider


def _pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
