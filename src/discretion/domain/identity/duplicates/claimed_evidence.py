"""What suggestions may rest on: claims are evidence, within limits; anonymous claims are none. Pure.

Somebody could type addresses of others to fill a steward's list. So an address that an anonymous record
claims counts for nothing, an identifier makes one suggestion at most, and so do the suggestions of one
customer, or those that rest on claims of one source, have a limit. A suggestion that would not exist without
claims is marked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from discretion.store.identifiers import NamedIdentifier
from discretion.store.suggestions import LikelyPair

MAX_PER_CUSTOMER = 5
"""Most suggestions about one customer in one search."""

MAX_PER_SOURCE = 200
"""Most suggestions that rest on claims of one source in one search."""


@dataclass(frozen=True, slots=True)
class SharedIdentifier:
    """An identifier on which two customers agree.

    Attributes:
        entry: Its blind index.
        comparison: The name of the comparison that it is the evidence of.
        claimed_by: Keys of the sources whose records under a login only claim it; empty if both customers
            have proven or presented it.
        is_anonymous: Whether one of the customers has it only by records without a login.
    """

    entry: bytes
    comparison: str
    claimed_by: frozenset[str] = frozenset()
    is_anonymous: bool = False


def describe_shared_identifier(
    named: NamedIdentifier, comparison: str, customers: Iterable[bytes]
) -> SharedIdentifier:
    """Describe how surely each of two customers has an identifier, by the records that name it."""
    claimed_by: set[str] = set()
    is_anonymous = False
    for customer in customers:
        mentions = [
            (record, identifier)
            for record in named.records
            for identifier in record.identifiers
            if record.customer == customer and identifier.entry == named.identifier.entry
        ]
        if any(identifier.assurance.links for _, identifier in mentions):
            continue
        login_claims = {record.source for record, _ in mentions if record.is_login}
        claimed_by |= login_claims
        is_anonymous = is_anonymous or not login_claims
    return SharedIdentifier(named.identifier.entry, comparison, frozenset(claimed_by), is_anonymous)


def limit_pairs(
    pairs: Iterable[LikelyPair], shared: Mapping[bytes, tuple[SharedIdentifier, ...]], threshold: float
) -> Iterator[LikelyPair]:
    """Yield the pairs that may be suggested, without anonymous evidence, marked if they rest on claims.

    Args:
        pairs: Pairs of customers, the likeliest first.
        shared: By id of the pair, the identifiers on which the two agree.
        threshold: Least probability of a suggestion.
    """
    used_entries: set[bytes] = set()
    by_customer: Counter[bytes] = Counter()
    by_source: Counter[str] = Counter()
    for pair in pairs:
        identifiers = shared.get(pair.id, ())
        anonymous = {each.comparison for each in identifiers if each.is_anonymous}
        admissible = remove_evidence(pair, anonymous)
        needed = [
            each
            for each in identifiers
            if remove_evidence(pair, {*anonymous, each.comparison}).score < threshold
        ]
        sources = {source for each in needed for source in each.claimed_by}
        if (
            admissible.score < threshold
            or any(each.entry in used_entries for each in needed)
            or any(by_customer[customer] >= MAX_PER_CUSTOMER for customer in pair.customers)
            or any(by_source[source] >= MAX_PER_SOURCE for source in sources)
        ):
            continue
        used_entries.update(each.entry for each in needed)
        by_customer.update(pair.customers)
        by_source.update(sources)
        yield replace(admissible, rests_on_claims=bool(sources))


def remove_evidence(pair: LikelyPair, comparisons: Iterable[str]) -> LikelyPair:
    """Return a pair without some comparisons; the others keep their weights."""
    removed = set(comparisons)
    lost = sum(result.weight for result in pair.evidence if result.name in removed)
    if not lost:
        return pair
    weight = pair.weight - lost
    remaining = tuple(result for result in pair.evidence if result.name not in removed)
    return replace(pair, weight=weight, score=1 / (1 + 2.0**-weight), evidence=remaining)
