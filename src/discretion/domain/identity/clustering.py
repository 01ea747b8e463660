"""Clustering of source records into persons.

The result is a pure function of all evidence and does not depend on the order in which it arrived.

Each record is first joined with the id that its source uses for the person, and records that a steward has
merged are joined. The other links are considered from the strongest to the weakest (by the identifier type's
priority, then the earliest). A link is made if the resulting person is allowed: no more
identifiers of one type from one source than the catalogue allows (within its period), at most
``MAX_RECORDS_PER_PERSON`` records, and no records that a steward has separated. This is
Kruskal's algorithm (1956) with constraints. Late evidence can therefore also split records that weaker
evidence had joined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.ruling import PersonCluster, Ruling
from discretion.domain.ingest.mention import Mention

Node = tuple[str, bytes]

MAX_RECORDS_PER_PERSON = 500
"""Most source records of one person. No real person has more; a client that chains identifiers would."""


@dataclass(slots=True)
class _Cluster:
    """A person under construction.

    ``first_named`` maps (identifier type, source) to the entries named there, each with its earliest time in
    ms.
    """

    records: set[bytes] = field(default_factory=set)
    identifiers: set[bytes] = field(default_factory=set)
    first_named: dict[tuple[str, str], dict[bytes, int]] = field(default_factory=dict)

    def count_nodes(self) -> int:
        """Return the number of records and identifiers, by which the smaller cluster is found."""
        return len(self.records) + len(self.identifiers)


def cluster_records(
    records: Iterable[bytes],
    mentions: Iterable[Mention],
    types: Mapping[str, IdentifierType],
    rulings: Sequence[Ruling] = (),
) -> list[PersonCluster]:
    """Group records into persons, in the order of each person's smallest record id.

    Args:
        records: Every record whose person is in question.
        mentions: Mentions of identifiers by these records. An identifier that too many of these records
            mention is ignored here; the caller leaves out those that too many stored records mention.
        types: The catalogue's identifier types by key; mentions of other types are ignored.
        rulings: Stewards' rulings about these records, the earliest first.
    """
    linking_mentions = _select_linking_mentions(mentions, types)
    separations = [ruling for ruling in rulings if not ruling.joined]
    graph = _IdentityGraph(records, linking_mentions, types, separations)
    ordered = sorted(linking_mentions, key=lambda mention: _link_rank(mention, types))
    # Own ids join whatever the limits say: a source uses each of them for exactly one person.
    for mention in ordered:
        if mention.is_own:
            graph.join_always([("record", mention.record), ("identifier", mention.entry)])
    for ruling in rulings:
        if ruling.joined:
            graph.join_always([("record", record) for side in ruling.sides for record in sorted(side)])
    # Only now: own ids and rulings join whatever the limits say, and the limits then apply to the result.
    graph.count_identifiers(linking_mentions)
    for mention in ordered:
        graph.link_if_allowed(("record", mention.record), ("identifier", mention.entry))
    return graph.build_persons()


def is_shared(named_by: int, identifier_type: IdentifierType | None) -> bool:
    """Return whether too many records (``named_by``) name an identifier for it to identify a person.

    An identifier of a type that the catalogue no longer has identifies nobody, and does not count as shared.
    """
    return identifier_type is not None and named_by > identifier_type.shared_by


def _select_linking_mentions(
    mentions: Iterable[Mention], types: Mapping[str, IdentifierType]
) -> list[Mention]:
    # In reverse order, so that of several mentions with the same key the earliest
    # is written last and remains.
    distinct = {
        (mention.record, mention.entry, mention.assurance): mention
        for mention in sorted(mentions, reverse=True)
    }
    record_counts = Counter(
        entry for _, entry in {(mention.record, mention.entry) for mention in distinct.values()}
    )
    return [
        mention
        for mention in distinct.values()
        if mention.identifier_type in types
        and not is_shared(record_counts[mention.entry], types[mention.identifier_type])
    ]


def _separates(ruling: Ruling, left: AbstractSet[bytes], right: AbstractSet[bytes]) -> bool:
    """Return whether a ruling puts a record of ``left`` and a record of ``right`` on different sides."""
    return any(
        not left.isdisjoint(side)
        and any(other_side is not side and not right.isdisjoint(other_side) for other_side in ruling.sides)
        for side in ruling.sides
    )


def _link_rank(mention: Mention, types: Mapping[str, IdentifierType]) -> tuple[object, ...]:
    # Entry and record at the end make the order total, so that the result never depends on the order of
    # reading.
    priority = types[mention.identifier_type].priority
    return (
        priority,
        mention.at,
        mention.entry,
        mention.record,
    )


class _IdentityGraph:
    """Records and identifiers as nodes, each with the cluster that it belongs to so far."""

    def __init__(
        self,
        records: Iterable[bytes],
        mentions: Sequence[Mention],
        types: Mapping[str, IdentifierType],
        separations: Sequence[Ruling],
    ) -> None:
        self._types = types
        self._separations = separations
        self._cluster_of: dict[Node, _Cluster] = {}
        for record in records:
            self._cluster_of[("record", record)] = _Cluster(records={record})
        for mention in mentions:
            self._cluster_of.setdefault(("identifier", mention.entry), _Cluster(identifiers={mention.entry}))

    def count_identifiers(self, mentions: Sequence[Mention]) -> None:
        """Count the identifiers of each cluster, for the catalogue's limits."""
        for mention in mentions:
            times_by_entry = self._cluster_of[("identifier", mention.entry)].first_named.setdefault(
                (mention.identifier_type, mention.source), {}
            )
            times_by_entry[mention.entry] = min(mention.at, times_by_entry.get(mention.entry, mention.at))

    def link_if_allowed(self, first: Node, second: Node) -> None:
        """Merge the clusters of two nodes, unless size, a ruling or an identifier limit forbids it."""
        left, right = self._cluster_of[first], self._cluster_of[second]
        if left is right or len(left.records) + len(right.records) > MAX_RECORDS_PER_PERSON:
            return
        if self._is_separated(left, right) or self._exceeds_limit(left, right):
            return
        self._merge_clusters(left, right)

    def join_always(self, nodes: Sequence[Node]) -> None:
        """Merge the clusters of all nodes regardless of identifier limits, but not against a separation.

        Must be called before ``count_identifiers``.
        """
        known_nodes = [node for node in nodes if node in self._cluster_of]
        for node in known_nodes[1:]:
            left, right = self._cluster_of[known_nodes[0]], self._cluster_of[node]
            if left is not right and not self._is_separated(left, right):
                self._merge_clusters(left, right)

    def build_persons(self) -> list[PersonCluster]:
        """Return the clusters that contain a record, in the order of their smallest record id."""
        clusters = {id(cluster): cluster for cluster in self._cluster_of.values() if cluster.records}
        ordered = sorted(clusters.values(), key=lambda cluster: min(cluster.records))
        return [
            PersonCluster(frozenset(cluster.records), frozenset(cluster.identifiers)) for cluster in ordered
        ]

    def _is_separated(self, left: _Cluster, right: _Cluster) -> bool:
        return any(_separates(ruling, left.records, right.records) for ruling in self._separations)

    def _exceeds_limit(self, left: _Cluster, right: _Cluster) -> bool:
        for key in left.first_named.keys() & right.first_named.keys():
            identifier_type = self._types[key[0]]
            if identifier_type.most is None:
                continue
            if len(left.first_named[key]) + len(right.first_named[key]) <= identifier_type.most:
                continue
            # Both sides may name the same entry: the union must be counted, with each entry's earliest time.
            times_by_entry = dict(left.first_named[key])
            for entry, at in right.first_named[key].items():
                times_by_entry[entry] = min(at, times_by_entry.get(entry, at))
            if _exceeds_limit_within(
                sorted(times_by_entry.values()), identifier_type.most, identifier_type.within_ms
            ):
                return True
        return False

    def _merge_clusters(self, first: _Cluster, second: _Cluster) -> None:
        """Merge the smaller cluster into the larger one, which bounds all moves to O(n log n)."""
        larger, smaller = sorted((first, second), key=_Cluster.count_nodes, reverse=True)
        larger.records |= smaller.records
        larger.identifiers |= smaller.identifiers
        for key, entries in smaller.first_named.items():
            times_by_entry = larger.first_named.setdefault(key, {})
            for entry, at in entries.items():
                times_by_entry[entry] = min(at, times_by_entry.get(entry, at))
        for record in smaller.records:
            self._cluster_of[("record", record)] = larger
        for entry in smaller.identifiers:
            self._cluster_of[("identifier", entry)] = larger


def _exceeds_limit_within(times: Sequence[int], limit: int, window_ms: int | None) -> bool:
    """Return whether more than ``limit`` of the sorted times lie within ``window_ms`` (None: no window)."""
    if window_ms is None:
        return len(times) > limit
    return any(times[start + limit] - times[start] < window_ms for start in range(len(times) - limit))
