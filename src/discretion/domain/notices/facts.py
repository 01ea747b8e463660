"""What a notice states, in no language: the facts of the catalogue, as those they are about see them.

A notice names kinds of data, as GDPR Art. 13 and 14 ask; each attribute is in the public inventory.
What is here and changes takes a new edition of the notice; what is not, such as where a tracking call
carries a value, does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from discretion.catalogue.duration import parse
from discretion.catalogue.model import (
    MONTH_MS,
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
class Seen:
    """A kind of data that a purpose takes: in which forms, and for how long (ISO 8601 durations)."""

    category: str
    forms: tuple[Form, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Pursued:
    """A purpose, the data it takes and who receives them."""

    key: str
    basis: Basis
    family: Family
    label: str
    description: str
    meaning: str
    lasts: str
    data: tuple[Seen, ...]
    recipients: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of data that is kept; ``derived`` if some of it follows from what the person did."""

    category: str
    kept: tuple[str, ...]
    channels: tuple[Channel, ...]
    kinds: tuple[str, ...]
    derived: bool


@dataclass(frozen=True, slots=True)
class Sender:
    """A source."""

    key: str
    channel: Channel
    label: str


@dataclass(frozen=True, slots=True)
class Facts:
    """All of it. Purposes in the order of their bits, data by category."""

    controller: str
    purposes: tuple[Pursued, ...]
    data: tuple[Kept, ...]
    senders: tuple[Sender, ...]
    recipients: tuple[Recipient, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Data of one category that are kept together; ``uses`` are those that see them."""

    category: str
    retention: str
    channels: frozenset[Channel]
    uses: tuple[Use, ...]
    derived: bool


def facts(catalogue: Catalogue) -> Facts:
    """The facts of a catalogue."""
    parts = list(_parts(catalogue))
    return Facts(
        controller=catalogue.controller,
        purposes=tuple(
            _pursued(one, parts, catalogue)
            for one in sorted(catalogue.purposes.values(), key=lambda purpose: purpose.bit)
        ),
        data=tuple(
            _kept(category, [part for part in parts if part.category == category], catalogue)
            for category in sorted({part.category for part in parts})
        ),
        senders=tuple(Sender(one.key, one.channel, one.label) for one in catalogue.sources.values()),
        recipients=tuple(catalogue.recipients.values()),
    )


def _parts(catalogue: Catalogue) -> Iterator[_Part]:
    for one in catalogue.attributes.values():
        yield _attribute(one)
    for event in catalogue.events.values():
        yield from _event(event)


def _attribute(one: Attribute) -> _Part:
    return _Part(one.category, one.retention, one.channels, one.uses, derived=one.computed is not None)


def _event(event: EventType) -> Iterator[_Part]:
    """That it happened, and what it says; whoever sees it coarsely learns only the first."""
    yield _Part(event.category, event.retention, event.channels, event.uses, derived=False)
    clear = tuple(use for use in event.uses if use.form is not Form.COARSE)
    for category in sorted({one.category for one in event.properties} - {event.category}):
        yield _Part(category, event.retention, event.channels, clear, derived=False)


def _pursued(purpose: Purpose, parts: list[_Part], catalogue: Catalogue) -> Pursued:
    forms: dict[str, set[Form]] = {}
    kept: dict[str, set[str]] = {}
    for part in parts:
        for use in part.uses:
            if use.purpose.key == purpose.key:
                forms.setdefault(part.category, set()).add(use.form)
                kept.setdefault(part.category, set()).add(shorter(part.retention, purpose.retention))
    return Pursued(
        purpose.key,
        purpose.basis,
        purpose.family,
        purpose.label,
        purpose.description,
        purpose.meaning,
        purpose.lasts,
        tuple(
            Seen(category, tuple(sorted(forms[category], key=list(Form).index)), ordered(kept[category]))
            for category in sorted(forms)
        ),
        tuple(key for key, one in catalogue.recipients.items() if purpose.key in one.purposes),
    )


def _kept(category: str, parts: list[_Part], catalogue: Catalogue) -> Kept:
    channels = {channel for part in parts for channel in part.channels}
    return Kept(
        category,
        ordered(part.retention for part in parts),
        tuple(channel for channel in Channel if channel in channels),
        tuple(kind for kind, tops in sorted(catalogue.sensitive.items()) if _below(category, tops)),
        derived=any(part.derived for part in parts),
    )


def _below(category: str, tops: tuple[str, ...]) -> bool:
    """Whether a category is one of some, or below one."""
    return any(category == top or category.startswith(f"{top}.") for top in tops)


def shorter(retention: str, limit: str) -> str:
    """How long a value serves a purpose: as long as it is kept, or less if the purpose says so."""
    return min(retention, limit, key=_length) if limit else retention


def ordered(durations: Iterable[str]) -> tuple[str, ...]:
    """Durations from short to long, each once."""
    return tuple(sorted(set(durations), key=lambda text: (_length(text), text)))


def _length(text: str) -> int:
    duration = parse(text)
    return duration.months * MONTH_MS + duration.ms


def by_duration(data: Iterable[Seen]) -> Mapping[str, tuple[Seen, ...]]:
    """The same data under each time they are kept for, the longest first."""
    seen = tuple(data)
    times = reversed(ordered(time for one in seen for time in one.kept))
    return {time: tuple(one for one in seen if time in one.kept) for time in times}
