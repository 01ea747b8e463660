"""The state of a person that permissions depend on: statements, jurisdictions, restriction and age.

It is read from the source records. The place of a person is the residence they declared; else the delivery
address; else the country of their device. The best level that any record has is used, with the latest value
of every record of that level: records that disagree protect by the laws of both places. The best level of
the records with an account or loyalty number counts besides, if a record without one has a better. A
correction by the customer overrides the other records.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from discretion.catalogue.model import MAX_CATALOGUES, Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.catalogue.source_consent import SourceConsent
from discretion.domain.ingest.value_codes import BIRTH_DATE_CATEGORY
from discretion.domain.profiles.counted_statements import (
    ALL_STATEMENTS,
    find_source_consent,
    select_ambient,
    select_explicit,
)
from discretion.domain.profiles.joined_choices import select_own_choices
from discretion.law.model import UNKNOWN
from discretion.purpose.permissions import PersonState
from discretion.purpose.statements import (
    NodeChoices,
    PurposeChoice,
    RecordStatements,
)
from discretion.store.source_record import Cell, Choice, SourceRecord

FindJurisdiction = Callable[[str | None, str | None], str]
"""``(country, region or state) -> key of the jurisdiction``; the strictest one for an unknown place."""

RESIDENCE_PATH = "contact.residence"
COUNTRY_PATH = "contact.address.country"
REGION_PATH = "contact.address.region"
LIMIT_SIGNAL = "limit"
"""The signal that limits the use of sensitive data (Cal. Civ. Code 1798.121)."""


@lru_cache(maxsize=MAX_CATALOGUES)
def list_state_attributes(catalogue: Catalogue) -> frozenset[str]:
    """Return the keys of the attributes that a person's state depends on."""
    place_keys = map(catalogue.find_key, (RESIDENCE_PATH, COUNTRY_PATH, REGION_PATH))
    return frozenset(catalogue.keys_by_category.get(BIRTH_DATE_CATEGORY, ())) | frozenset(
        key for key in place_keys if key is not None
    )


def build_person_state(
    catalogue: Catalogue, find_jurisdiction: FindJurisdiction, records: Sequence[SourceRecord]
) -> PersonState:
    """Build the state of the person these records belong to; their order does not matter."""
    ordered = sorted(records, key=lambda record: record.id)
    return PersonState(
        statements=tuple(
            read_record_statements(record, find_source_consent(catalogue, record)) for record in ordered
        ),
        laws=find_jurisdictions(catalogue, find_jurisdiction, ordered),
        # The flag of one record restricts the person, so that a merge never lifts a restriction.
        restricted=any(record.restricted for record in ordered),
        born_at=find_birth_time(catalogue, ordered),
        refused_by_provers=_find_refused_by_provers(ordered),
    )


def _find_refused_by_provers(records: Sequence[SourceRecord]) -> tuple[str, ...]:
    """Return what others refuse for a person of whom there is no login, sorted.

    A login's own words count: whoever typed an identifier into their browser, or let them type it, voids
    nothing that they agreed to. Of their profile only the claimed address is withheld (``rank_mention``).
    """
    if any(record.is_login for record in records):
        return ()
    refused = {node for record in records for nodes in record.claim_refusals.values() for node in nodes}
    return tuple(sorted(refused))


def has_equal_state(before: SourceRecord, after: SourceRecord, state_attributes: Collection[str]) -> bool:
    """Return whether two states of a record are equal in all that ``build_person_state`` reads.

    Args:
        before: One state.
        after: The other state.
        state_attributes: The keys of ``list_state_attributes``.
    """
    return (
        before.restricted == after.restricted
        and before.place == after.place
        and before.signals == after.signals
        and before.ambient_choices == after.ambient_choices
        and before.explicit_choices == after.explicit_choices
        and before.guardian_choices == after.guardian_choices
        and before.own_choices == after.own_choices
        and before.own_guardian_choices == after.own_guardian_choices
        and before.joined_choices == after.joined_choices
        and before.number_assurance is after.number_assurance
        and before.claim_refusals == after.claim_refusals
        and all(before.cells.get(key) == after.cells.get(key) for key in state_attributes)
    )


def read_record_statements(record: SourceRecord, consent: SourceConsent = ALL_STATEMENTS) -> RecordStatements:
    """Return the statements of one source record; of acceptances those that count by ``consent``."""
    is_correction = record.source == CORRECTION_SOURCE.key
    if not record.has_statements:
        return RecordStatements(is_login=record.is_login, is_correction=is_correction)
    # ``limit`` restricts the use of sensitive data only; it is no opt-out of sale or sharing.
    signals = {name: signal.last for name, signal in record.signals.items() if name != LIMIT_SIGNAL}
    return RecordStatements(
        ambient=tuple(sorted(select_ambient(record, consent).items(), key=itemgetter(0))),
        explicit=_sort_choices(select_explicit(record.explicit_choices, consent)),
        guardian=_sort_choices(select_explicit(record.guardian_choices, consent)),
        own=_sort_choices(select_own_choices(record)),
        own_guardian=_sort_choices(record.own_guardian_choices),
        opted_out_at=max(signals.values(), default=None),
        limits_sensitive_use=LIMIT_SIGNAL in record.signals,
        is_login=record.is_login,
        is_correction=is_correction,
    )


def find_jurisdictions(
    catalogue: Catalogue, find_jurisdiction: FindJurisdiction, records: Sequence[SourceRecord]
) -> tuple[str, ...]:
    """Return the sorted keys of the jurisdictions that protect the person."""
    # A record without a number may add a law and takes none away: it may be about somebody else, and a place
    # that was typed there must not replace the one that is known of the person.
    numbered = [
        record
        for record in records
        if record.number_assurance is not None or record.source == CORRECTION_SOURCE.key
    ]
    places = set(_read_places(catalogue, records))
    if 0 < len(numbered) < len(records):
        places.update(_read_places(catalogue, numbered))
    return tuple(sorted({find_jurisdiction(country, region) for country, region in places})) or (UNKNOWN,)


def _read_places(catalogue: Catalogue, records: Sequence[SourceRecord]) -> Sequence[tuple[str, str | None]]:
    return (
        _read_residences(catalogue, records)
        or _read_addresses(catalogue, records)
        or _read_device_countries(records)
    )


def _read_residences(catalogue: Catalogue, records: Sequence[SourceRecord]) -> list[tuple[str, None]]:
    key = catalogue.find_key(RESIDENCE_PATH)
    return (
        []
        if key is None
        else [
            (country, None)
            for cell in _read_cells(records, key)
            if (country := read_text_value(cell)) is not None
        ]
    )


def _read_addresses(catalogue: Catalogue, records: Sequence[SourceRecord]) -> list[tuple[str, str | None]]:
    country_key, region_key = map(catalogue.find_key, (COUNTRY_PATH, REGION_PATH))
    if country_key is None:
        return []
    address_records = _prefer_corrections(
        [record for record in records if read_text_value(record.cells.get(country_key))], country_key
    )
    places = [
        (country, read_text_value(record.cells.get(region_key)) if region_key else None)
        for record in address_records
        if (country := read_text_value(record.cells[country_key])) is not None
    ]
    precise_countries = {country.casefold() for country, region in places if region is not None}
    # A record without a region adds no law of its own if another record names a region of the same country.
    return [
        (country, region)
        for country, region in places
        if region is not None or country.casefold() not in precise_countries
    ]


def _read_device_countries(records: Sequence[SourceRecord]) -> list[tuple[str, None]]:
    return [(record.place.country, None) for record in records if record.place is not None]


def _read_cells(records: Sequence[SourceRecord], key: str) -> list[Cell]:
    return [
        record.cells[key]
        for record in _prefer_corrections([record for record in records if key in record.cells], key)
    ]


def _prefer_corrections(records: Sequence[SourceRecord], key: str) -> Sequence[SourceRecord]:
    """Return only the record with the customer's latest correction of a key, or else all records."""
    correction_records = [record for record in records if record.source == CORRECTION_SOURCE.key]
    if not correction_records:
        return records
    return [max(correction_records, key=lambda record: (record.cells[key].at, record.cells[key].message))]


def find_birth_time(catalogue: Catalogue, records: Sequence[SourceRecord]) -> int | None:
    """Return the latest birth time of a minor that any record has (ms), or None.

    The latest is used so that a merge of customers never makes a child older. Only a corrected date overrides
    the other records; whoever removes a birth date, be it the customer or a source, makes no child an adult.
    """
    births: list[int | None] = []
    for key in catalogue.keys_by_category.get(BIRTH_DATE_CATEGORY, ()):
        stating = [record for record in records if key in record.cells]
        dated = [record for record in stating if not record.cells[key].is_empty]
        has_correction = any(record.source == CORRECTION_SOURCE.key for record in dated)
        preferred = _prefer_corrections(dated, key) if has_correction else stating
        births += [record.cells[key].protected_birth for record in preferred]
    return max((born for born in births if born is not None), default=None)


def read_text_value(cell: Cell | None) -> str | None:
    """Return the open value of a cell if it is text, such as a country."""
    return cell.value if cell is not None and isinstance(cell.value, str) else None


def _sort_choices(choices: Mapping[str, Choice]) -> NodeChoices:
    if not choices:
        return ()
    return tuple(
        sorted(
            (purpose, PurposeChoice(choice.at, choice.message, choice.permits, choice.until))
            for purpose, choice in choices.items()
        )
    )
