"""The facts that a notice states, independent of language, derived from the catalogue.

A notice names categories of data, as GDPR Art. 13 and 14 require; single attributes are in the public
inventory. A change of a fact in this module needs a new edition of the notice. Other properties of the
catalogue, such as the place of a value in a tracking call, are not facts of the notice.

The field names of the public classes are stored: ``snapshot`` writes them to ``schema/notices/printed``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from discretion.catalogue.duration import parse_duration
from discretion.catalogue.model import (
    Attribute,
    Basis,
    Catalogue,
    Channel,
    EventType,
    Family,
    Form,
    Purpose,
    Use,
)
from discretion.catalogue.recipient import Recipient


@dataclass(frozen=True, slots=True)
class UsedData:
    """A data category that a purpose uses, with its forms and retentions (``kept``, ISO 8601 durations)."""

    category: str
    forms: tuple[Form, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PurposeFacts:
    """A purpose, the data it uses and the recipients of those data."""

    key: str
    basis: Basis
    family: Family
    label: str
    description: str
    meaning: str
    lasts: str
    data: tuple[UsedData, ...]
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DataFacts:
    """A data category that is stored; ``derived`` if some of it is computed from the person's events."""

    category: str
    kept: tuple[str, ...]
    channels: tuple[Channel, ...]
    kinds: tuple[str, ...]
    derived: bool


@dataclass(frozen=True, slots=True)
class SourceFacts:
    """A source that sends data."""

    key: str
    channel: Channel
    label: str


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """All facts of a notice: purposes in the order of their bits, data by category."""

    controller: str
    purposes: tuple[PurposeFacts, ...]
    data: tuple[DataFacts, ...]
    senders: tuple[SourceFacts, ...]
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class _DataPart:
    """Data of one category with the same retention; ``uses`` are the uses that see them."""

    category: str
    retention: str
    channels: frozenset[Channel]
    uses: tuple[Use, ...]
    derived: bool


def collect_facts(catalogue: Catalogue) -> NoticeFacts:
    """Collect the facts of a catalogue."""
    parts = list(_iterate_parts(catalogue))
    return NoticeFacts(
        controller=catalogue.controller,
        purposes=tuple(
            _build_purpose_facts(purpose, parts, catalogue)
            for purpose in sorted(catalogue.purposes.values(), key=lambda purpose: purpose.bit)
        ),
        data=tuple(
            _build_data_facts(category, [part for part in parts if part.category == category], catalogue)
            for category in sorted({part.category for part in parts})
        ),
        senders=tuple(
            SourceFacts(source.key, source.channel, source.label) for source in catalogue.sources.values()
        ),
        recipients=tuple(catalogue.recipients.values()),
    )


def _iterate_parts(catalogue: Catalogue) -> Iterator[_DataPart]:
    for attribute in catalogue.attributes.values():
        yield _build_attribute_part(attribute)
    for event in catalogue.events.values():
        yield from _iterate_event_parts(event)


def _build_attribute_part(attribute: Attribute) -> _DataPart:
    return _DataPart(
        attribute.category,
        attribute.retention,
        attribute.channels,
        attribute.uses,
        derived=attribute.computed is not None,
    )


def _iterate_event_parts(event: EventType) -> Iterator[_DataPart]:
    """Yield the fact that an event happened, and its properties by category.

    A coarse use learns only that the event happened, so it sees none of the properties.
    """
    yield _DataPart(event.category, event.retention, event.channels, event.uses, derived=False)
    detailed_uses = tuple(use for use in event.uses if use.form is not Form.COARSE)
    # Properties of the event's own category are covered by the part above.
    for category in sorted(
        {event_property.category for event_property in event.properties} - {event.category}
    ):
        yield _DataPart(category, event.retention, event.channels, detailed_uses, derived=False)


def _build_purpose_facts(purpose: Purpose, parts: list[_DataPart], catalogue: Catalogue) -> PurposeFacts:
    forms_by_category: dict[str, set[Form]] = {}
    retentions_by_category: dict[str, set[str]] = {}
    for part in parts:
        for use in part.uses:
            if use.purpose.key == purpose.key:
                forms_by_category.setdefault(part.category, set()).add(use.form)
                retentions_by_category.setdefault(part.category, set()).add(
                    find_shorter(part.retention, purpose.retention)
                )
    return PurposeFacts(
        purpose.key,
        purpose.basis,
        purpose.family,
        purpose.label,
        purpose.description,
        purpose.meaning,
        purpose.lasts,
        tuple(
            UsedData(
                category,
                tuple(sorted(forms_by_category[category], key=list(Form).index)),
                sort_durations(retentions_by_category[category]),
            )
            for category in sorted(forms_by_category)
        ),
        tuple(key for key, recipient in catalogue.recipients.items() if purpose.key in recipient.purposes),
    )


def _build_data_facts(category: str, parts: list[_DataPart], catalogue: Catalogue) -> DataFacts:
    channels = {channel for part in parts for channel in part.channels}
    return DataFacts(
        category,
        sort_durations(part.retention for part in parts),
        tuple(channel for channel in Channel if channel in channels),
        tuple(
            kind
            for kind, sensitive_categories in sorted(catalogue.sensitive.items())
            if _is_within(category, sensitive_categories)
        ),
        derived=any(part.derived for part in parts),
    )


def _is_within(category: str, ancestors: tuple[str, ...]) -> bool:
    """Return whether a category is one of ``ancestors`` or a descendant of one."""
    return any(category == ancestor or category.startswith(f"{ancestor}.") for ancestor in ancestors)


def find_shorter(retention: str, limit: str) -> str:
    """Return how long a value serves a purpose: its retention, or the purpose's limit if shorter."""
    return min(retention, limit, key=_approximate_ms) if limit else retention


def sort_durations(durations: Iterable[str]) -> tuple[str, ...]:
    """Return durations from short to long without repetition."""
    return tuple(sorted(set(durations), key=lambda text: (_approximate_ms(text), text)))


def _approximate_ms(text: str) -> int:
    return parse_duration(text).approximate_ms


def group_by_duration(data: Iterable[UsedData]) -> Mapping[str, tuple[UsedData, ...]]:
    """Group used data by each of their retentions, the longest first."""
    used_data = tuple(data)
    durations = reversed(sort_durations(duration for item in used_data for duration in item.kept))
    return {duration: tuple(item for item in used_data if duration in item.kept) for duration in durations}
