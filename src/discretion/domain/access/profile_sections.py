"""Package sections about the profile: values, what each source sent, identifiers, records and statements."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from discretion.catalogue.computation import Computation
from discretion.catalogue.model import Attribute, Basis
from discretion.catalogue.reserved_source import COMPUTED_SOURCE
from discretion.domain.access.package_sections import build_row
from discretion.domain.access.package_subject import (
    PackageSubject,
    compute_deletion_time,
    format_clear,
    format_time,
    list_purpose_keys,
)
from discretion.domain.profiles.fold import combine_partials, find_profile_messages
from discretion.reveal.forms import format_timestamp
from discretion.seal.cell import identifier_cell_key
from discretion.store.source_record import Cell, SourceRecord, Total

RowIterator = Iterator[dict[str, object]]

PORTABLE_BASES = frozenset({Basis.CONSENT, Basis.CONTRACT})
"""Legal bases whose data are portable (GDPR Art. 20(1)(a))."""


def list_value_rows(subject: PackageSubject) -> RowIterator:
    """Yield every attribute that has a value. Values that may not be shown are not decrypted."""
    for attribute in subject.catalogue.attributes.values():
        law = subject.limits.find_forbidding_law(attribute.category)
        if law is not None:
            if _has_value(subject, attribute):
                yield _build_value_row(subject, attribute, None, None, law)
            continue
        revealed = subject.reading.read_attribute(subject.row, attribute)
        if revealed is not None and revealed.observed >= subject.limits.since:
            yield _build_value_row(subject, attribute, revealed.value(), revealed.observed, None)


def _has_value(subject: PackageSubject, attribute: Attribute) -> bool:
    return attribute.key in subject.customer.sealed or attribute.key in subject.customer.open


def _build_value_row(
    subject: PackageSubject, attribute: Attribute, value: object, observed: int | None, law: str | None
) -> dict[str, object]:
    source = subject.customer.provenance.get(attribute.key)
    return build_row(
        "values",
        attribute=attribute.path,
        says=attribute.description,
        category=attribute.category,
        value=value,
        source=COMPUTED_SOURCE if attribute.computed else source,
        channel=None if source is None else subject.find_channel(source),
        observed_at=format_time(observed),
        kept_until=None if observed is None else compute_deletion_time(attribute, observed),
        inferred=attribute.computed is not None,
        follows_from=None if attribute.computed is None else _describe_computation(attribute.computed),
        purposes=list_purpose_keys(attribute),
        sensitive=list(attribute.kinds),
        withheld=law,
    )


def _describe_computation(computed: Computation) -> str:
    events = ", ".join(computed.events) or "all events"
    property_part = f" of {computed.property}" if computed.property else ""
    channel_part = f" in the {computed.channel}" if computed.channel else ""
    return f"{computed.fold.value}{property_part}: {events}{channel_part}"


def list_source_value_rows(subject: PackageSubject) -> RowIterator:
    """Yield every stored value that a source sent, whether the profile uses it or not."""
    messages = find_profile_messages(subject.catalogue, subject.records)
    for record in subject.records:
        for key, cell in record.cells.items():
            if cell.at >= max(subject.cut_offs.find_attribute_cut_off(key), subject.limits.since):
                in_profile = messages.get(key) == (record.source, cell.message)
                yield from _list_cell_rows(subject, record, key, cell, in_profile=in_profile)
        # Folds are computed from events. Inferred data are not portable.
        for key, total in () if subject.portable_only else record.totals.items():
            if total.at >= max(subject.cut_offs.find_attribute_cut_off(key), subject.limits.since):
                yield _build_total_row(subject, record, key, total)


def _list_cell_rows(
    subject: PackageSubject, record: SourceRecord, key: str, cell: Cell, *, in_profile: bool
) -> RowIterator:
    attribute = subject.catalogue.attributes_by_key.get(key)
    if subject.portable_only and not (attribute and _is_portable(attribute)):
        return
    law = None if attribute is None else subject.limits.find_forbidding_law(attribute.category)
    value: object = None
    if law is None:
        value = cell.value
        if cell.sealed is not None:
            value = subject.reading.reveal_cell(subject.row, cell.sealed, key, "told")
        if attribute is not None:
            value = format_clear(attribute, value)
    yield _build_source_value_row(
        subject, record, key, value, cell.at, law=law, in_profile=in_profile, is_inferred=False
    )


def _is_portable(attribute: Attribute) -> bool:
    return any(use.purpose.basis in PORTABLE_BASES for use in attribute.uses)


def _build_total_row(
    subject: PackageSubject, record: SourceRecord, key: str, total: Total
) -> dict[str, object]:
    attribute = subject.catalogue.attributes_by_key.get(key)
    law = None if attribute is None else subject.limits.find_forbidding_law(attribute.category)
    value = total.value
    if law is not None:
        value = None
    elif attribute is not None and attribute.computed is not None:
        value = format_clear(attribute, combine_partials(subject.catalogue, attribute, [total]))
    # Totals are not sealed, so no `reveal_cell` records them.
    subject.reading.record_extra("told")
    return _build_source_value_row(
        subject, record, key, value, total.at, law=law, in_profile=True, is_inferred=True
    )


def _build_source_value_row(
    subject: PackageSubject,
    record: SourceRecord,
    key: str,
    value: object,
    observed: int,
    *,
    law: str | None,
    in_profile: bool,
    is_inferred: bool,
) -> dict[str, object]:
    attribute = subject.catalogue.attributes_by_key.get(key)
    return build_row(
        "told",
        attribute=subject.catalogue.find_path(key),
        value=value,
        source=record.source,
        channel=subject.find_channel(record.source),
        observed_at=format_timestamp(observed),
        kept_until=None if attribute is None else compute_deletion_time(attribute, observed),
        believed=in_profile,
        inferred=is_inferred,
        record=subject.name_record(record.id),
        withheld=law,
    )


def list_identifier_rows(subject: PackageSubject) -> RowIterator:
    """Yield every identifier that a source record names."""
    for record in subject.records:
        for identifier in record.identifiers:
            law = _find_forbidding_law(subject, identifier.type)
            value = None
            if law is None:
                key = identifier_cell_key(identifier.entry)
                value = subject.reading.reveal_cell(subject.row, identifier.cell, key, "identifiers")
            yield build_row(
                "identifiers",
                type=identifier.type,
                value=value,
                source=record.source,
                named_at=format_timestamp(identifier.at),
                record=subject.name_record(record.id),
                withheld=law,
            )


def _find_forbidding_law(subject: PackageSubject, identifier_type: str) -> str | None:
    declared = subject.catalogue.identifiers.get(identifier_type)
    categories = [
        attribute.category
        for attribute in subject.catalogue.attributes.values()
        if attribute.identifier == identifier_type
    ]
    if declared is not None:
        categories.append(declared.category)
    return next(
        (law for category in categories if (law := subject.limits.find_forbidding_law(category)) is not None),
        None,
    )


def list_record_rows(subject: PackageSubject) -> RowIterator:
    """Yield the source records."""
    for record in subject.records:
        yield build_row(
            "records",
            record=subject.name_record(record.id),
            source=record.source,
            channel=subject.find_channel(record.source),
            first=format_timestamp(record.first),
            last=format_timestamp(record.last),
            restricted=record.restricted,
        )


def list_statement_rows(subject: PackageSubject) -> RowIterator:
    """Yield the current choices, signals and countries of each source record."""
    # Not ``joined_choices``: another record of the person has each of them among its own.
    for record in subject.records:
        for purpose, ambient in record.ambient_choices.items():
            yield _build_statement_row(
                subject, record, "choice", purpose, ambient.is_accepted, ambient.last, None
            )
        for statement_kind, choices in (
            ("word", record.explicit_choices),
            ("word", record.own_choices),
            ("guardian", record.guardian_choices),
            ("guardian", record.own_guardian_choices),
        ):
            for purpose, choice in choices.items():
                yield _build_statement_row(
                    subject, record, statement_kind, purpose, choice.permits, choice.at, choice.until
                )
        for signal, times in record.signals.items():
            yield _build_statement_row(subject, record, "signal", signal, False, times.last, None)
        if record.place is not None:
            country, at = record.place.country, record.place.at
            yield _build_statement_row(subject, record, "country", country, None, at, None)


def _build_statement_row(
    subject: PackageSubject,
    record: SourceRecord,
    statement_kind: str,
    name: str,
    is_given: bool | None,
    stated_at: int,
    until: int | None,
) -> dict[str, object]:
    # Statements are not sealed, so no `reveal_cell` records them.
    subject.reading.record_extra("consents")
    return build_row(
        "said",
        what=statement_kind,
        name=name,
        given=is_given,
        at=format_timestamp(stated_at),
        until=format_time(until),
        source=record.source,
        record=subject.name_record(record.id),
    )


def paginate_rows(rows: Iterator[dict[str, object]], size: int) -> Iterator[Sequence[dict[str, object]]]:
    """Yield rows in batches of at most ``size``."""
    page: list[dict[str, object]] = []
    for row in rows:
        page.append(row)
        if len(page) == size:
            yield page
            page = []
    if page:
        yield page
