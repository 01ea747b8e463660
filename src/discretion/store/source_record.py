"""The document of ``source_records``, typed: what one source knows about one person.

A record may have been read in part: then maps have only some keys, and ``identifiers`` may be empty.

The parts of a record are shared by its copies and are replaced, never changed. They are not frozen because
a frozen object takes three times as long to make, and every message makes dozens.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.assurance import Assurance
from discretion.purpose.statements import AmbientChoice
from discretion.store.document import OpenValue, select_values
from discretion.store.ledger_names import LedgerPeriod


@dataclass(slots=True)
class RecordIdentifier:
    """An identifier that a record names. Times are ms.

    Attributes:
        entry: Its blind index.
        type: Key of its type.
        times: By assurance, the earliest time at which it was named so.
        cell: Its sealed value.
        is_own: Whether it is the id by which the source knows the person.
        stated: When it was first and last the value of an attribute; None if it never was.
    """

    entry: bytes
    type: str
    times: Mapping[Assurance, int]
    cell: bytes = field(repr=False)
    is_own: bool = False
    stated: StatedPeriod | None = None

    @property
    def at(self) -> int:
        """The earliest time at which it was named."""
        return min(self.times.values())

    @property
    def assurance(self) -> Assurance:
        """The strongest assurance with which it was named."""
        return min(self.times)

    @property
    def linked_at(self) -> int | None:
        """The earliest time at which it was proven or presented; None if it was only claimed."""
        return min((at for assurance, at in self.times.items() if assurance.links), default=None)


@dataclass(frozen=True, slots=True)
class StatedPeriod:
    """When a record first and last stated an identifier as the value of an attribute (ms)."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class RemovedBirthDate:
    """What a source stated last of a birth date before it removed it.

    Attributes:
        at: When it was observed (ms).
        message: Id of the message.
        born: UTC midnight of the birth date (ms) of a person who may be a child; None of an adult.
    """

    at: int
    message: str
    born: int | None = field(default=None, repr=False)


@dataclass(slots=True)
class Cell:
    """The latest value of an attribute in a record, sealed or open; neither if it was removed.

    Attributes:
        at: When the value was observed (ms).
        message: Id of the message.
        sealed: The value, encrypted under the customer's key.
        value: The open value.
        born: UTC midnight of a birth date (ms), only of people who may be children.
        is_claimed: Whether it is an address that was only claimed.
        removed_birth: Of a birth date that was removed: the one before it, because protection of a child does
            not end when a source no longer states their age.
    """

    at: int
    message: str
    sealed: bytes | None = field(default=None, repr=False)
    value: OpenValue | None = field(default=None, repr=False)
    born: int | None = field(default=None, repr=False)
    is_claimed: bool = False
    removed_birth: RemovedBirthDate | None = field(default=None, repr=False)

    @property
    def protected_birth(self) -> int | None:
        """UTC midnight of the birth date (ms) of a person who may be a child, also of a removed one."""
        return self.born if self.removed_birth is None else self.removed_birth.born

    @property
    def is_empty(self) -> bool:
        """Whether the person or the source removed the value."""
        return self.sealed is None and self.value is None


@dataclass(slots=True)
class Total:
    """A computed attribute over the events of one record.

    Attributes:
        at: Time of the latest event (ms).
        value: The total so far: a number or text, for a frequency ``[value, count]`` pairs, for a set
            ``[value, time]`` pairs, for distinct events their entries (``domain.profiles.distinct_events``,
            ``domain.profiles.distinct_values``).
        earliest: Time of the earliest event (ms), of a first value only.
    """

    at: int
    value: Any = field(repr=False)
    earliest: int | None = None


@dataclass(slots=True)
class Choice:
    """A statement about a purpose.

    Attributes:
        permits: Whether the person agreed.
        at: When (ms).
        message: Id of the message.
        until: Until when an acceptance is valid (ms).
        refused_at: When the latest refusal before an acceptance was made (ms).
    """

    permits: bool
    at: int
    message: str
    until: int | None = None
    refused_at: int | None = None


@dataclass(slots=True)
class SignalTimes:
    """When an opt-out signal was received first and last (ms)."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class DeviceCountry:
    """Where a device was seen: the country (ISO 3166-1), when (ms), and the id of the message."""

    country: str
    at: int
    message: str


@dataclass(frozen=True, slots=True)
class ErasedPart:
    """An erased scope, as ``kind:key``, and the time of its erasure (ms)."""

    scope: str
    at: int


@dataclass(slots=True)
class SourceRecord:
    """What one source knows about one person. Maps by attribute key, signal, or purpose with dots.

    Attributes:
        id: Blind index of the source and of the person's id there.
        source: Key of the source.
        customer: The customer whom the record belongs to now.
        version: Incremented by every write; 0 of a record that is not stored yet.
        first: Time of the earliest fact (ms).
        last: Time of the latest fact (ms).
        born: When the record was created (ms); the eldest record determines the customer's id.
        identifiers: Identifiers that the record names, strongest first.
        cells: The latest values by attribute.
        totals: Computed attributes.
        ambient_choices: Statements that the source sends with every message, by purpose.
        explicit_choices: Statements that the source reports by a message of their own, by purpose.
        guardian_choices: Statements of a guardian that the source reports, by purpose.
        own_choices: Statements of the person themselves, by purpose. They are apart from what the source
            reports, so that no source can lift them.
        own_guardian_choices: Statements of a guardian that a steward recorded, by purpose.
        joined_choices: Acceptances that the person stated under another login while both were one customer,
            by purpose. They count until the record of that login is separated from this one.
        signals: Opt-out signals.
        home: The customer id under which the record first became a customer.
        rulings: Ids of the stewards' rulings that name the record.
        restricted: Whether processing is restricted.
        place: Where the person's device was seen.
        erased_parts: Scopes that were erased; older data in a scope are not stored.
        corrects: For a record of a person's own corrections, the record that it follows in a split.
        contested: By attribute, the ids of the requests that contest the value.
        removals: By type of an address, when the source first and last stated that there is none.
        number_assurance: The strongest assurance, proven or presented, of an account or loyalty number of the
            record; None for a record without a number.
        claim_refusals: By the entry (hex) of an identifier that the record only claims, what those refuse who
            have proven it: purposes and nodes of their tree.
        ledger_periods: When it was disclosed under the pseudonym of another customer, or of its own together
            with records of somebody else.
    """

    id: bytes
    source: str
    customer: bytes
    version: int
    first: int
    last: int
    born: int
    identifiers: tuple[RecordIdentifier, ...] = ()
    cells: dict[str, Cell] = field(default_factory=dict)
    totals: dict[str, Total] = field(default_factory=dict)
    ambient_choices: dict[str, AmbientChoice] = field(default_factory=dict)
    explicit_choices: dict[str, Choice] = field(default_factory=dict)
    guardian_choices: dict[str, Choice] = field(default_factory=dict)
    own_choices: dict[str, Choice] = field(default_factory=dict)
    own_guardian_choices: dict[str, Choice] = field(default_factory=dict)
    joined_choices: dict[str, Choice] = field(default_factory=dict)
    signals: dict[str, SignalTimes] = field(default_factory=dict)
    home: bytes | None = None
    rulings: tuple[bytes, ...] = ()
    restricted: bool = False
    place: DeviceCountry | None = None
    erased_parts: tuple[ErasedPart, ...] = ()
    corrects: bytes | None = None
    contested: dict[str, tuple[bytes, ...]] = field(default_factory=dict)
    removals: dict[str, StatedPeriod] = field(default_factory=dict)
    number_assurance: Assurance | None = None
    claim_refusals: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    ledger_periods: tuple[LedgerPeriod, ...] = ()

    @property
    def is_login(self) -> bool:
        """Whether the record is of somebody who is logged in under a number."""
        return self.number_assurance is Assurance.PROVEN

    @property
    def has_statements(self) -> bool:
        """Whether anything is stated in it, by whomever: choices or signals."""
        return bool(
            self.ambient_choices
            or self.explicit_choices
            or self.guardian_choices
            or self.own_choices
            or self.own_guardian_choices
            or self.joined_choices
            or self.signals
        )

    def copy(self) -> SourceRecord:
        """Return a copy whose members and maps may be changed."""
        # Spelled out: ``dataclasses.replace`` takes four times as long.
        return SourceRecord(
            self.id,
            self.source,
            self.customer,
            self.version,
            self.first,
            self.last,
            self.born,
            self.identifiers,
            dict(self.cells),
            dict(self.totals),
            dict(self.ambient_choices),
            dict(self.explicit_choices),
            dict(self.guardian_choices),
            dict(self.own_choices),
            dict(self.own_guardian_choices),
            dict(self.joined_choices),
            dict(self.signals),
            self.home,
            self.rulings,
            self.restricted,
            self.place,
            self.erased_parts,
            self.corrects,
            dict(self.contested),
            dict(self.removals),
            self.number_assurance,
            dict(self.claim_refusals),
            self.ledger_periods,
        )

    def narrow(self, attributes: Collection[str]) -> None:
        """Drop all attributes but these, as if the record had been read so."""
        self.cells = select_values(self.cells, attributes)
        self.totals = select_values(self.totals, attributes)
