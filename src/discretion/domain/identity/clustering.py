"""Who is one person: a pure function of all evidence, so the order it came in is nothing.

Every record starts with the id its source knows the person by, and what a steward has joined is
joined. Other links are taken from the strongest to the weakest (an alias, then by the identifier
type's priority, then the earliest) and each holds if the person it would make may be: no more
identifiers of a type than the catalogue allows, and nobody whom a steward has told apart. This is
Kruskal's algorithm (1956) with constraints; late evidence can therefore also part records that
weaker evidence had joined.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from discretion.catalogue.model import IdentifierType
from discretion.domain.identity.evidence import Person, Ruling
from discretion.domain.ingest.mention import Mention, Voice

Node = tuple[str, bytes]

MAX_RECORDS = 500
"""Source records that evidence makes one person of. Nobody has more; who chains names without end does."""


@dataclass(slots=True)
class _Cluster:
    """A person in the making. ``held`` has, per type and source, when each identifier was first named."""

    records: set[bytes] = field(default_factory=set)
    identifiers: set[bytes] = field(default_factory=set)
    held: dict[tuple[str, str], dict[bytes, int]] = field(default_factory=dict)

    def size(self) -> int:
        """How many nodes it has."""
        return len(self.records) + len(self.identifiers)


def resolve(
    records: Iterable[bytes],
    mentions: Iterable[Mention],
    types: Mapping[str, IdentifierType],
    rulings: Sequence[Ruling] = (),
) -> list[Person]:
    """The persons these records are about, in the order of their least record.

    Args:
        records: Every record in question.
        mentions: Every identifier they name, shared ones too.
        types: The catalogue's identifier types; of an unknown one nothing follows.
        rulings: Word of stewards about these records.
    """
    told = _linking(mentions, types)
    graph = _Graph(records, told, types, [one for one in rulings if not one.joined])
    ordered = sorted(told, key=lambda one: _strength(one, types))
    for one in ordered:
        if one.voice is Voice.OWN:
            graph.join([("record", one.record), ("identifier", one.entry)])
    for ruling in rulings:
        if ruling.joined:
            graph.join([("record", one) for side in ruling.sides for one in sorted(side)])
    graph.hold(told)
    for one in ordered:
        graph.link(("record", one.record), ("identifier", one.entry))
    return graph.persons()


def shared(named_by: int, kind: IdentifierType) -> bool:
    """Whether so many records name an identifier that it tells nothing about who somebody is."""
    return named_by > kind.shared_by


def _linking(mentions: Iterable[Mention], types: Mapping[str, IdentifierType]) -> list[Mention]:
    distinct = {(one.record, one.entry, one.voice): one for one in sorted(mentions, reverse=True)}
    named = Counter(entry for _, entry in {(one.record, one.entry) for one in distinct.values()})
    return [
        one
        for one in distinct.values()
        if one.kind in types and not shared(named[one.entry], types[one.kind])
    ]


def _apart(ruling: Ruling, left: AbstractSet[bytes], right: AbstractSet[bytes]) -> bool:
    """Whether a ruling has some of these records and some of those on different sides."""
    return any(
        not left.isdisjoint(side)
        and any(other is not side and not right.isdisjoint(other) for other in ruling.sides)
        for side in ruling.sides
    )


def _strength(mention: Mention, types: Mapping[str, IdentifierType]) -> tuple[object, ...]:
    priority = types[mention.kind].priority
    return (mention.voice is not Voice.ALIAS, priority, mention.at, mention.entry, mention.record)


class _Graph:
    """Records and identifiers, and who they are so far."""

    def __init__(
        self,
        records: Iterable[bytes],
        mentions: Sequence[Mention],
        types: Mapping[str, IdentifierType],
        parted: Sequence[Ruling],
    ) -> None:
        self._types = types
        self._parted = parted
        self._of: dict[Node, _Cluster] = {}
        for record in records:
            self._of[("record", record)] = _Cluster(records={record})
        for one in mentions:
            self._of.setdefault(("identifier", one.entry), _Cluster(identifiers={one.entry}))

    def hold(self, mentions: Sequence[Mention]) -> None:
        """Note what everybody holds, to count it.

        An older name does not count, unless a steward contradicts the alias: then it is another person's.
        """
        former = {one.entry for one in mentions if one.voice is Voice.ALIAS and not self._contradicted(one)}
        for one in mentions:
            if one.entry not in former:
                first = self._of[("identifier", one.entry)].held.setdefault((one.kind, one.source), {})
                first[one.entry] = min(one.at, first.get(one.entry, one.at))

    def link(self, one: Node, two: Node) -> None:
        """Make two nodes one person, if that person may be."""
        left, right = self._of[one], self._of[two]
        if left is right or len(left.records) + len(right.records) > MAX_RECORDS:
            return
        if self._told_apart(left, right) or self._too_many(left, right):
            return
        self._unite(left, right)

    def join(self, nodes: Sequence[Node]) -> None:
        """Make all one person, however much they hold; before it is counted."""
        known = [node for node in nodes if node in self._of]
        for node in known[1:]:
            left, right = self._of[known[0]], self._of[node]
            if left is not right and not self._told_apart(left, right):
                self._unite(left, right)

    def persons(self) -> list[Person]:
        """Everybody who has a record."""
        clusters = {id(one): one for one in self._of.values() if one.records}
        ordered = sorted(clusters.values(), key=lambda one: min(one.records))
        return [Person(frozenset(one.records), frozenset(one.identifiers)) for one in ordered]

    def _contradicted(self, alias: Mention) -> bool:
        return self._told_apart(self._of[("record", alias.record)], self._of[("identifier", alias.entry)])

    def _told_apart(self, left: _Cluster, right: _Cluster) -> bool:
        return any(_apart(ruling, left.records, right.records) for ruling in self._parted)

    def _too_many(self, left: _Cluster, right: _Cluster) -> bool:
        for key in left.held.keys() & right.held.keys():
            kind = self._types[key[0]]
            if kind.most is None:
                continue
            if len(left.held[key]) + len(right.held[key]) <= kind.most:
                continue
            together = dict(left.held[key])
            for entry, at in right.held[key].items():
                together[entry] = min(at, together.get(entry, at))
            if _crowded(sorted(together.values()), kind.most, kind.within_ms):
                return True
        return False

    def _unite(self, one: _Cluster, two: _Cluster) -> None:
        """The smaller goes into the larger, so that nobody is walked again and again."""
        left, right = sorted((one, two), key=_Cluster.size, reverse=True)
        left.records |= right.records
        left.identifiers |= right.identifiers
        for key, entries in right.held.items():
            held = left.held.setdefault(key, {})
            for entry, at in entries.items():
                held[entry] = min(at, held.get(entry, at))
        for record in right.records:
            self._of[("record", record)] = left
        for entry in right.identifiers:
            self._of[("identifier", entry)] = left


def _crowded(times: Sequence[int], most: int, within: int | None) -> bool:
    """Whether more than ``most`` of these (sorted) times lie in one stretch of ``within`` ms."""
    if within is None:
        return len(times) > most
    return any(times[n + most] - times[n] < within for n in range(len(times) - most))
