"""The state of a person that permissions depend on: statements, jurisdictions, restriction and age.

It is read from the source records. The place of a person is the residence they declared; else the delivery
address; else the country of their device. The best level that any record has is used, with the latest value
of every record of that level: records that disagree protect by the laws of both places. A correction by the
customer overrides the other records.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from discretion.catalogue.model import Catalogue
from discretion.catalogue.reserved_source import CORRECTION_SOURCE
from discretion.law.model import UNKNOWN
from discretion.purpose.permissions import PersonState
from discretion.purpose.statements import NodeChoices, PurposeChoice, RecordStatements
from discretion.store.document import Document

FindJurisdiction = Callable[[str | None, str | None], str]
"""``(country, region or state) -> key of the jurisdiction``; the strictest one for an unknown place."""

BIRTH_DATE_CATEGORY = "user.demographic.date_of_birth"
RESIDENCE_KEY = "contact/residence"
COUNTRY_KEY = "contact/address/country"
REGION_KEY = "contact/address/region"
LIMIT_SIGNAL = "limit"
"""The signal that limits the use of sensitive data (Cal. Civ. Code 1798.121)."""


def list_state_attributes(catalogue: Catalogue) -> frozenset[str]:
    """Return the keys of the attributes that a person's state depends on."""
    return frozenset(
        (*catalogue.keys_by_category.get(BIRTH_DATE_CATEGORY, ()), RESIDENCE_KEY, COUNTRY_KEY, REGION_KEY)
    )


def build_person_state(
    catalogue: Catalogue, find_jurisdiction: FindJurisdiction, records: Sequence[Document]
) -> PersonState:
    """Build the state of the person these records belong to; their order does not matter."""
    ordered = sorted(records, key=lambda record: record["_id"])
    return PersonState(
        statements=tuple(read_record_statements(record) for record in ordered),
        laws=find_jurisdictions(find_jurisdiction, ordered),
        # The flag of one record restricts the person, so that a merge never lifts a restriction.
        restricted=any(record.get("restricted", False) for record in ordered),
        born_at=_find_birth_time(catalogue, ordered),
    )


def read_record_statements(record: Document) -> RecordStatements:
    """Return the statements of one source record.

    The record stores ambient choices in ``choices``, explicit ones in ``words`` and those of a guardian in
    ``guards``.
    """
    # ``limit`` restricts the use of sensitive data only; it is no opt-out of sale or sharing.
    signals = {
        name: signal["t"] for name, signal in record.get("signals", {}).items() if name != LIMIT_SIGNAL
    }
    return RecordStatements(
        ambient=_sort_choices(record["choices"]),
        explicit=_sort_choices(record.get("words", {})),
        guardian=_sort_choices(record.get("guards", {})),
        opted_out_at=max(signals.values(), default=None),
        limits_sensitive_use=LIMIT_SIGNAL in record.get("signals", {}),
    )


def find_jurisdictions(find_jurisdiction: FindJurisdiction, records: Sequence[Document]) -> tuple[str, ...]:
    """Return the sorted keys of the jurisdictions that protect the person."""
    places = _read_residences(records) or _read_addresses(records) or _read_device_countries(records)
    return tuple(sorted({find_jurisdiction(country, region) for country, region in places})) or (UNKNOWN,)


def _read_residences(records: Sequence[Document]) -> list[tuple[str, None]]:
    return [(cell["v"], None) for cell in _read_cells(records, RESIDENCE_KEY) if "v" in cell]


def _read_addresses(records: Sequence[Document]) -> list[tuple[str, str | None]]:
    address_records = _prefer_corrections(
        [record for record in records if "v" in record["cells"].get(COUNTRY_KEY, ())], COUNTRY_KEY
    )
    places = [
        (record["cells"][COUNTRY_KEY]["v"], record["cells"].get(REGION_KEY, {}).get("v"))
        for record in address_records
    ]
    precise_countries = {country.casefold() for country, region in places if region is not None}
    # A record without a region adds no law of its own if another record names a region of the same country.
    return [
        (country, region)
        for country, region in places
        if region is not None or country.casefold() not in precise_countries
    ]


def _read_device_countries(records: Sequence[Document]) -> list[tuple[str, None]]:
    return [(record["place"]["c"], None) for record in records if "place" in record]


def _read_cells(records: Sequence[Document], key: str) -> list[Document]:
    return [
        record["cells"][key]
        for record in _prefer_corrections([record for record in records if key in record["cells"]], key)
    ]


def _prefer_corrections(records: Sequence[Document], key: str) -> Sequence[Document]:
    """Return only the record with the customer's latest correction of a key, or else all records."""
    correction_records = [record for record in records if record["source"] == CORRECTION_SOURCE.key]
    if not correction_records:
        return records
    return [
        max(correction_records, key=lambda record: (record["cells"][key]["t"], record["cells"][key]["m"]))
    ]


def _find_birth_time(catalogue: Catalogue, records: Sequence[Document]) -> int | None:
    """Return the latest birth time of a minor that any record has (ms), or None.

    The latest is used so that a merge of customers never makes a child older. Only a correction by the
    customer overrides the other records.
    """
    cells: list[Document] = []
    for key in catalogue.keys_by_category.get(BIRTH_DATE_CATEGORY, ()):
        cells += _read_cells(records, key)
    return max((cell["b"] for cell in cells if "b" in cell), default=None)


def _sort_choices(choices: Mapping[str, Document]) -> NodeChoices:
    return tuple(sorted(_read_choices(choices)))


def _read_choices(choices: Mapping[str, Document]) -> Iterable[tuple[str, PurposeChoice]]:
    for key, choice in choices.items():
        yield key.replace("/", "."), PurposeChoice(choice["t"], choice["m"], choice["g"], choice.get("u"))
