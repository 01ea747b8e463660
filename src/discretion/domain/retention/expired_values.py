"""Expired values of a source record: finding and removing them. No I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from discretion.catalogue.computation import Computation, Fold
from discretion.catalogue.model import Catalogue
from discretion.catalogue.retention_cut_off import RetentionCutOffs
from discretion.domain.profiles.distinct_events import drop_events_before
from discretion.domain.profiles.distinct_values import DISTINCT_VALUE_FOLDS, drop_values_before
from discretion.domain.profiles.person_state import COUNTRY_PATH, RESIDENCE_PATH, read_text_value
from discretion.domain.profiles.source_record import may_be_minor
from discretion.store.source_record import Cell, DeviceCountry, SourceRecord, Total


@dataclass(frozen=True, slots=True)
class ExpiredValues:
    """The expired values of one source record.

    Attributes:
        cells: Keys of expired cells.
        totals: Keys of expired totals.
        remaining: Key of a total with a time for each value, a ``set`` or distinct events -> the values that
            have not expired, if some have.
        counts: Path of an attribute -> number of expired values.
        country_keys: Keys of the cells that say where the person lives.
    """

    cells: frozenset[str] = frozenset()
    totals: frozenset[str] = frozenset()
    remaining: Mapping[str, object] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    country_keys: tuple[str | None, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.counts)


def find_expired_values(
    catalogue: Catalogue, cut_offs: RetentionCutOffs, record: SourceRecord, now_ms: int
) -> ExpiredValues:
    """Find the values of a record that are older than their retention period.

    A cell expires by the time of its observation, a total by its latest event, each value of a ``set`` by the
    time it was seen last, and each distinct event of a count or a sum by its own time.

    Args:
        catalogue: Defines which totals are sets.
        cut_offs: The earliest times that may be kept.
        record: A source record; only the times of its cells are read.
        now_ms: The current time.
    """
    cells = {key for key, cell in record.cells.items() if _is_expired(cut_offs, key, cell, now_ms)}
    totals = {key for key, total in record.totals.items() if total.at < cut_offs.find_attribute_cut_off(key)}
    remaining, expired_counts = {}, {}
    for key, total in record.totals.items():
        attribute = catalogue.attributes_by_key.get(key)
        if key in totals or attribute is None or attribute.computed is None:
            continue
        value, expired_count = _drop_expired(attribute.computed, total, cut_offs.find_attribute_cut_off(key))
        if expired_count:
            remaining[key], expired_counts[key] = value, expired_count
    return ExpiredValues(
        frozenset(cells),
        frozenset(totals),
        remaining,
        {
            catalogue.find_path(key): count
            for key, count in {**expired_counts, **dict.fromkeys(cells | totals, 1)}.items()
        },
        (catalogue.find_key(COUNTRY_PATH), catalogue.find_key(RESIDENCE_PATH)),
    )


def remove_expired_values(record: SourceRecord, expired: ExpiredValues) -> SourceRecord:
    """Return the record without expired values.

    The country of an expired address or residence stays as ``place``: the jurisdiction follows from it, and
    the expiry must not leave the person under a less strict law.
    """
    cells = {key: cell for key, cell in record.cells.items() if key not in expired.cells}
    totals = {
        key: replace(total, value=expired.remaining[key]) if key in expired.remaining else total
        for key, total in record.totals.items()
        if key not in expired.totals
    }
    return replace(record, place=_keep_country(record, expired), cells=cells, totals=totals)


def _keep_country(record: SourceRecord, expired: ExpiredValues) -> DeviceCountry | None:
    expired_cells = [record.cells[key] for key in expired.country_keys if key in expired.cells]
    places = [
        DeviceCountry(country.partition("-")[0], cell.at, cell.message)
        for cell in expired_cells
        if (country := read_text_value(cell)) is not None
    ]
    if record.place is not None:
        places.append(record.place)
    return max(places, key=lambda place: (place.at, place.message), default=None)


def _is_expired(cut_offs: RetentionCutOffs, key: str, cell: Cell, now_ms: int) -> bool:
    """Return whether a cell has expired; the birth date of a minor does not expire before they are of age."""
    # Without the birth date a child would be treated as an adult.
    born = cell.protected_birth
    is_child = born is not None and may_be_minor(born, now_ms)
    return cell.at < cut_offs.find_attribute_cut_off(key) and not is_child


def _drop_expired(rule: Computation, total: Total, cut_off: int) -> tuple[object, int]:
    """Return a total without what has expired in it, and how much that is."""
    if rule.is_distinct and rule.fold in DISTINCT_VALUE_FOLDS:
        return drop_values_before(total.value, cut_off)
    if rule.is_distinct:
        return drop_events_before(total.value, cut_off)
    if rule.fold is not Fold.SET:
        return total.value, 0
    remaining_pairs = [pair for pair in total.value if pair[1] >= cut_off]
    return remaining_pairs, len(total.value) - len(remaining_pairs)
