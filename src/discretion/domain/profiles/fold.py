"""The unified profile of a customer, computed from the source records. No I/O.

No value is decrypted: the winning cell is selected by its unencrypted metadata and copied as it is. The
result does not depend on the order of the records, byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.computation import Fold
from discretion.catalogue.model import Attribute, Catalogue, ValueType
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.domain.profiles.distinct_events import combine_events
from discretion.domain.profiles.distinct_values import DISTINCT_VALUE_FOLDS, combine_values
from discretion.domain.profiles.precedence import SourceCell, select_cell
from discretion.domain.profiles.source_record import merge_distinct
from discretion.domain.profiles.verified_addresses import (
    find_proofs,
    list_address_attributes,
    rank_addresses,
)
from discretion.store.customer_codec import ContestedValue
from discretion.store.source_record import SourceRecord, Total


# Not frozen: every message makes some, and a frozen object takes three times as long to make.
@dataclass(slots=True)
class Profile:
    """The attributes of a customer, each mapping by attribute key.

    Attributes:
        sealed: Encrypted cells.
        open: Values that may be filtered and sorted by.
        observed: When each open value was observed (ms).
        provenance: Key of the source of each value.
        contested: Values whose accuracy the customer contests (GDPR Art. 18(1)(a)); they are in no other
            mapping.
        ranks: Of addresses that are not proven, how certain they are (``catalogue.assurance``).
    """

    sealed: Mapping[str, bytes]
    open: Mapping[str, Any]
    observed: Mapping[str, int]
    provenance: Mapping[str, str]
    contested: Mapping[str, ContestedValue]
    ranks: Mapping[str, int]


def fold_profile(catalogue: Catalogue, records: Sequence[SourceRecord]) -> Profile:
    """Return the unified profile of the customer these source records belong to.

    If several records have a cell for an attribute, ``precedence`` selects one.
    """
    ordered = sorted(records, key=lambda record: record.id)
    addresses = list_address_attributes(catalogue)
    selected = dict(_select_cells(catalogue, ordered))
    for pair in addresses:
        selected.pop(pair.verified.key, None)
    contested_keys = {key for record in ordered for key in record.contested}
    winners = {key: candidate for key, candidate in selected.items() if key not in contested_keys}
    sealed = {key: cell.sealed for key, (_, cell, _) in winners.items() if cell.sealed is not None}
    open_values: dict[str, Any] = {
        key: cell.value for key, (_, cell, _) in winners.items() if cell.value is not None
    }
    observed = {key: winners[key].cell.at for key in open_values}
    provenance = {key: winner.source for key, winner in winners.items()}
    for key, value, observed_at in _compute_folds(catalogue, ordered):
        open_values[key], observed[key] = value, observed_at
    shown = {key: winner.cell for key, winner in winners.items()}
    for key, observed_at, source in find_proofs(addresses, ordered, shown):
        open_values[key], observed[key], provenance[key] = True, observed_at, source
    return Profile(
        sealed=dict(sorted(sealed.items())),
        open=dict(sorted(open_values.items())),
        observed=dict(sorted(observed.items())),
        provenance=dict(sorted(provenance.items())),
        contested={key: _build_contested(selected[key]) for key in sorted(contested_keys & selected.keys())},
        ranks=dict(sorted(rank_addresses(catalogue, ordered, shown))),
    )


def find_profile_messages(
    catalogue: Catalogue, records: Sequence[SourceRecord]
) -> Mapping[str, tuple[str, str]]:
    """Return for each attribute the source and the message of the value in the profile, contested or not."""
    ordered = sorted(records, key=lambda record: record.id)
    return {key: (source, cell.message) for key, (source, cell, _) in _select_cells(catalogue, ordered)}


def _build_contested(candidate: SourceCell) -> ContestedValue:
    source, cell, _ = candidate
    return ContestedValue(cell.at, source, cell.sealed, cell.value)


def _select_cells(catalogue: Catalogue, records: Sequence[SourceRecord]) -> Iterator[tuple[str, SourceCell]]:
    candidates_by_key: dict[str, list[SourceCell]] = {}
    for record in records:
        for key, cell in record.cells.items():
            # What one source no longer has, another may have. Only the person removes it from all.
            if cell.is_empty and record.source != CORRECTION_SOURCE.key:
                continue
            is_uncertain = record.number_assurance is None or cell.is_claimed
            candidate = SourceCell(record.source, cell, is_uncertain)
            candidates_by_key.setdefault(key, []).append(candidate)
    for key, candidates in candidates_by_key.items():
        attribute = catalogue.attributes_by_key.get(key)
        winner = None if attribute is None else select_cell(catalogue, attribute, candidates)
        if winner is not None:
            yield key, winner


def _compute_folds(catalogue: Catalogue, records: Sequence[SourceRecord]) -> Iterator[tuple[str, Any, int]]:
    """Yield the computed attributes: key, value, and the time of the latest event in it (ms).

    A total beyond the range of its type is left out, because it would be shown wrong. The records keep the
    exact total, so it reappears once it is within the range again.
    """
    folds_by_key: dict[str, list[Total]] = {}
    for record in records:
        for key, partial in record.totals.items():
            folds_by_key.setdefault(key, []).append(partial)
    attributes = catalogue.attributes_by_key
    for key, partials in folds_by_key.items():
        attribute = attributes.get(key)
        if attribute is None or attribute.computed is None:
            continue
        value = combine_partials(catalogue, attribute, partials)
        if value is not None:
            yield key, value, max([partial.at for partial in partials])


def combine_partials(catalogue: Catalogue, attribute: Attribute, partials: Sequence[Total]) -> Any:
    """Return the value of a computed attribute over the totals of several records; None if it has none.

    A sum out of the range of its type has none, and of money by currency such a currency is left out.
    """
    rule = attribute.computed
    assert rule is not None
    if rule.is_distinct and rule.fold in DISTINCT_VALUE_FOLDS:
        value = combine_values(rule, [partial.value for partial in partials])
    elif rule.is_distinct:
        value = combine_events(attribute, catalogue.money.rates, [partial.value for partial in partials])
    else:
        value = FOLD_COMBINERS[rule.fold](partials)
    if rule.fold is not Fold.SUM or value is None:
        return value
    limit = MAX_TOTALS[attribute.type]
    if attribute.many:
        return [pair for pair in value if abs(pair[0]) <= limit]
    return value if abs(value) <= limit else None


def _combine_totals(partials: Sequence[Total]) -> Any:
    return sum([int(partial.value) for partial in partials])


def _combine_first(partials: Sequence[Total]) -> Any:
    # The value decides between equal times, so that the order of the records does not matter.
    return min(partials, key=lambda partial: (partial.earliest or 0, str(partial.value))).value


def _combine_last(partials: Sequence[Total]) -> Any:
    return max(partials, key=lambda partial: (partial.at, str(partial.value))).value


def _combine_most_frequent(partials: Sequence[Total]) -> Any:
    counts: dict[Any, int] = {}
    for partial in partials:
        for value, count in partial.value:
            counts[value] = counts.get(value, 0) + count
    return min(counts, key=lambda value: (-counts[value], str(value)))


def _combine_sets(partials: Sequence[Total]) -> Any:
    return [value for value, _ in merge_distinct(pair for partial in partials for pair in partial.value)]


FOLD_COMBINERS: Mapping[Fold, Callable[[Sequence[Total]], Any]] = {
    Fold.COUNT: _combine_totals,
    Fold.SUM: _combine_totals,
    Fold.FIRST: _combine_first,
    Fold.LAST: _combine_last,
    Fold.MOST_FREQUENT: _combine_most_frequent,
    Fold.SET: _combine_sets,
}
"""How the folds of several records are combined into one value."""

MAX_TOTALS: Mapping[ValueType, int] = {
    ValueType.INT: 2**31 - 1,  # GraphQL, October 2021, section 3.5.1
    ValueType.MONEY: 2**63 - 1,  # in minor units, as MongoDB stores and compares them
}
"""The largest absolute value of a sum, by value type."""
