"""Joining of records by account and loyalty numbers and by rulings. Pure functions.

Records with the same own number are joined first, then records that a ruling joins. The other mentions of
numbers are considered by the priority of their type, then the earliest, and each joins only if the resulting
person is allowed: no more numbers of one type from one source than the catalogue allows, at most
``MAX_RECORDS_PER_PERSON`` records, and no records that a ruling separates. This is Kruskal's algorithm (1956)
with constraints. Late evidence can therefore also split records that weaker evidence had joined.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.link import Link
from discretion.domain.identity.ruling import Ruling
from discretion.domain.profiles.identifier_index import MAX_RECORDS_PER_PERSON

Node = tuple[str, bytes]


def join_by_numbers(
    records: Iterable[bytes],
    links: Iterable[Link],
    types: Mapping[str, IdentifierType],
    rulings: Sequence[Ruling],
) -> list[set[bytes]]:
    """Group records by the numbers they link by and by rulings.

    Args:
        records: Every record whose person is in question.
        links: Links by numbers.
        types: The catalogue's identifier types by key.
        rulings: Rulings about these records, the earliest first.
    """
    separations = [ruling for ruling in rulings if not ruling.joined]
    # The order is total, so that the result never depends on the order of reading.
    ordered = sorted(
        links,
        key=lambda link: (types[link.identifier_type].priority, link.since, link.entry, link.record),
    )
    graph = _NumberGraph(records, ordered, types, separations)
    for link in ordered:
        if link.is_own:
            graph.join_always([("record", link.record), ("number", link.entry)])
    for ruling in rulings:
        if ruling.joined:
            graph.join_always([("record", record) for side in ruling.sides for record in sorted(side)])
    # Only now: own numbers and rulings join whatever the limits say, and the limits then apply to the result.
    graph.count_numbers(ordered)
    for link in ordered:
        graph.join_if_allowed(("record", link.record), ("number", link.entry))
    return graph.list_record_groups()


def is_separated(separations: Iterable[Ruling], left: AbstractSet[bytes], right: AbstractSet[bytes]) -> bool:
    """Return whether a ruling puts a record of ``left`` and a record of ``right`` on different sides."""
    return any(
        not left.isdisjoint(side)
        and any(other_side is not side and not right.isdisjoint(other_side) for other_side in ruling.sides)
        for ruling in separations
        for side in ruling.sides
    )


@dataclass(slots=True)
class _Cluster:
    """A person under construction; ``named`` maps (identifier type, source) to the numbers named there."""

    records: set[bytes] = field(default_factory=set)
    numbers: set[bytes] = field(default_factory=set)
    named: dict[tuple[str, str], set[bytes]] = field(default_factory=dict)

    def count_nodes(self) -> int:
        """Return the number of records and numbers, by which the smaller cluster is found."""
        return len(self.records) + len(self.numbers)


class _NumberGraph:
    """Records and numbers as nodes, each with the cluster that it belongs to so far."""

    def __init__(
        self,
        records: Iterable[bytes],
        links: Sequence[Link],
        types: Mapping[str, IdentifierType],
        separations: Sequence[Ruling],
    ) -> None:
        self._types = types
        self._separations = separations
        self._cluster_of: dict[Node, _Cluster] = {}
        for record in records:
            self._cluster_of[("record", record)] = _Cluster(records={record})
        for link in links:
            self._cluster_of.setdefault(("number", link.entry), _Cluster(numbers={link.entry}))

    def join_always(self, nodes: Sequence[Node]) -> None:
        """Merge the clusters of all nodes regardless of limits, but not against a separation.

        Must be called before ``count_numbers``.
        """
        known_nodes = [node for node in nodes if node in self._cluster_of]
        for node in known_nodes[1:]:
            left, right = self._cluster_of[known_nodes[0]], self._cluster_of[node]
            if left is not right and not is_separated(self._separations, left.records, right.records):
                self._merge_clusters(left, right)

    def count_numbers(self, links: Iterable[Link]) -> None:
        """Count the numbers of each cluster, for the catalogue's limits."""
        for link in links:
            named = self._cluster_of[("number", link.entry)].named
            named.setdefault((link.identifier_type, link.source), set()).add(link.entry)

    def join_if_allowed(self, first: Node, second: Node) -> None:
        """Merge the clusters of two nodes, unless size, a ruling or a limit forbids it."""
        left, right = self._cluster_of[first], self._cluster_of[second]
        if left is right or len(left.records) + len(right.records) > MAX_RECORDS_PER_PERSON:
            return
        if is_separated(self._separations, left.records, right.records) or self._exceeds_limit(left, right):
            return
        self._merge_clusters(left, right)

    def list_record_groups(self) -> list[set[bytes]]:
        """Return the records of each cluster that has any."""
        clusters = {id(cluster): cluster for cluster in self._cluster_of.values()}
        return [cluster.records for cluster in clusters.values() if cluster.records]

    def _exceeds_limit(self, left: _Cluster, right: _Cluster) -> bool:
        for key in left.named.keys() & right.named.keys():
            limit = self._types[key[0]].most
            if limit is not None and len(left.named[key] | right.named[key]) > limit:
                return True
        return False

    def _merge_clusters(self, first: _Cluster, second: _Cluster) -> None:
        """Merge the smaller cluster into the larger one, which bounds all moves to O(n log n)."""
        larger, smaller = sorted((first, second), key=_Cluster.count_nodes, reverse=True)
        larger.records |= smaller.records
        larger.numbers |= smaller.numbers
        for key, entries in smaller.named.items():
            larger.named.setdefault(key, set()).update(entries)
        for record in smaller.records:
            self._cluster_of[("record", record)] = larger
        for entry in smaller.numbers:
            self._cluster_of[("number", entry)] = larger
