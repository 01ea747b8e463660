"""Comparison of linked pairs of records with the true pairs, and the reasons of missing pairs."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from tests.bench.linking.evidence import Identifier, SentRecord

NOT_FOUND = "a record was not found"
NOTHING_PROVEN = "nothing proven in common, directly or through other records"
UNREAD_SPELLING = "the common identifier is not read in its spelling"
BLOCKED_IDENTIFIER = "the common identifier is blocked by the catalogue"
SHARED_IDENTIFIER = "the common identifier is shared by too many records"
OVER_LIMIT = "the person exceeds the limit of identifiers of a type"
UNEXPLAINED = "unexplained, although an identifier is in common"
REASONS = (
    NOTHING_PROVEN,
    UNREAD_SPELLING,
    BLOCKED_IDENTIFIER,
    SHARED_IDENTIFIER,
    OVER_LIMIT,
    NOT_FOUND,
    UNEXPLAINED,
)

TrueClusters = Mapping[str, Sequence[frozenset[str]]]
"""Person -> sets of records that proofs join."""


@dataclass(frozen=True, slots=True)
class LinkingScore:
    """Counts of persons and of pairs of records.

    Attributes:
        complete_persons: Persons whose records are all in one customer.
        linkable_pairs: Pairs of one person that a proof joins, directly or through other records.
        wrong_pairs: Linked pairs of two persons.
        missing_pairs: Pairs of one person that were not linked, by reason.
    """

    records: int
    persons: int
    customers: int
    complete_persons: int
    linkable_pairs: int
    correct_pairs: int
    wrong_pairs: int
    missing_pairs: Mapping[str, int]

    @property
    def true_pairs(self) -> int:
        """The number of pairs of records of one person."""
        return self.correct_pairs + sum(self.missing_pairs.values())

    @property
    def precision(self) -> float:
        """The share of linked pairs that belong to one person."""
        return (
            self.correct_pairs / (self.correct_pairs + self.wrong_pairs)
            if self.correct_pairs + self.wrong_pairs
            else 1.0
        )

    @property
    def recall(self) -> float:
        """The share of true pairs that were linked."""
        return self.correct_pairs / self.true_pairs if self.true_pairs else 1.0

    @property
    def deterministic_recall(self) -> float:
        """The share of linkable pairs that were linked."""
        return self.correct_pairs / self.linkable_pairs if self.linkable_pairs else 1.0


def compute_score(
    true_clusters: TrueClusters,
    customers: Mapping[str, str | None],
    records: Mapping[str, SentRecord],
    catalogue: Catalogue,
) -> LinkingScore:
    """Compare the customers of the platform with the true persons.

    Args:
        true_clusters: The records of each person.
        customers: Record -> its customer id on the platform, or None without a customer.
        records: The identifiers that were sent of each record.
        catalogue: The identifier rules of the platform.
    """
    customer_ids = {left for left in customers.values() if left is not None}
    linked_pairs = _count_pairs(Counter(left for left in customers.values() if left is not None).values())
    explainer = _MissingPairExplainer(records, catalogue)
    correct_pairs = linkable_pairs = complete_persons = 0
    missing_pairs: Counter[str] = Counter()
    for clusters in true_clusters.values():
        person_records = sorted(record for cluster in clusters for record in cluster)
        linkable_pairs += _count_pairs(map(len, clusters))
        complete_persons += len({customers[left] or left for left in person_records}) == 1
        cluster_of = {record: number for number, cluster in enumerate(clusters) for record in cluster}
        for left, right in itertools.combinations(person_records, 2):
            if customers[left] is not None and customers[left] == customers[right]:
                correct_pairs += 1
            elif cluster_of[left] != cluster_of[right]:
                missing_pairs[NOTHING_PROVEN] += 1
            elif customers[left] is None or customers[right] is None:
                missing_pairs[NOT_FOUND] += 1
            else:
                missing_pairs[explainer.explain(left, right, person_records)] += 1
    return LinkingScore(
        len(customers),
        len(true_clusters),
        len(customer_ids),
        complete_persons,
        linkable_pairs,
        correct_pairs,
        linked_pairs - correct_pairs,
        missing_pairs,
    )


class _MissingPairExplainer:
    """Explains why two records of one person were not linked, by excluding identifiers step by step."""

    def __init__(self, records: Mapping[str, SentRecord], catalogue: Catalogue) -> None:
        self._records = records
        self._types = catalogue.identifiers
        self._record_counts = Counter(
            identifier for record in records.values() for identifier in record.identifiers
        )

    def explain(self, left: str, right: str, person: Sequence[str]) -> str:
        steps: tuple[tuple[str, Callable[[Identifier], bool]], ...] = (
            (UNREAD_SPELLING, lambda _: True),
            (BLOCKED_IDENTIFIER, self._is_allowed),
            (
                SHARED_IDENTIFIER,
                lambda identifier: self._is_allowed(identifier) and self._is_rare(identifier),
            ),
        )
        for reason, links in steps:
            if right not in self._find_reachable(left, person, links):
                return reason
        return OVER_LIMIT if self._exceeds_limit(person) else UNEXPLAINED

    def _is_allowed(self, identifier: Identifier) -> bool:
        return not self._types[identifier[0]].blocks(identifier[1])

    def _is_rare(self, identifier: Identifier) -> bool:
        return self._record_counts[identifier] <= self._types[identifier[0]].shared_by

    def _exceeds_limit(self, person: Sequence[str]) -> bool:
        values_by_type: dict[tuple[str, str], set[str]] = {}
        for record in map(self._records.__getitem__, person):
            for identifier_type, value in record.identifiers:
                values_by_type.setdefault((identifier_type, record.source), set()).add(value)
        limits = {key: self._types[key[0]].most for key in values_by_type}
        return any(limit is not None and len(values_by_type[key]) > limit for key, limit in limits.items())

    def _find_reachable(
        self, start: str, person: Sequence[str], links: Callable[[Identifier], bool]
    ) -> set[str]:
        reached, identifiers = {start}, set[Hashable]()
        while True:
            identifiers |= {
                identifier
                for record in reached
                for identifier in self._records[record].identifiers
                if links(identifier)
            }
            wider = reached | {
                record for record in person if not identifiers.isdisjoint(self._records[record].identifiers)
            }
            if wider == reached:
                return reached
            reached = wider


def _count_pairs(sizes: Iterable[int]) -> int:
    return sum(size * (size - 1) // 2 for size in sizes)
