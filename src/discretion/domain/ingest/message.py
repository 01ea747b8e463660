"""Facts and outcomes: one tracking message after validation, in the catalogue's terms.

They are replaced, never changed. They are not frozen because a frozen object takes three times as long to
make, and every message makes several.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.model import Attribute, EventType, Source
from discretion.domain.ingest.rejection import LeftOut
from discretion.domain.ingest.statement_context import StatementContext
from discretion.seal.redacted import Redacted
from discretion.store.document import OpenValue


@dataclass(slots=True)
class ExternalIdentifier:
    """An external identifier with its type; ``value`` is normalised.

    ``assurance`` is what counts, after the limit of the source. ``is_stated`` says that it is the value of an
    attribute.
    """

    type: str
    value: Redacted[str]
    assurance: Assurance = Assurance.CLAIMED
    is_stated: bool = False


@dataclass(slots=True)
class ReceivedEvent:
    """An event with its declared properties, in stored form."""

    type: EventType
    properties: Redacted[dict[str, object]]


@dataclass(frozen=True, slots=True)
class ExplicitChoice:
    """An explicit choice about one purpose.

    ``permits`` is False for a refusal. A permission ends at ``until`` (ms), if that is not None. ``guardian``
    says that the holder of parental responsibility made the choice (GDPR Art. 8), and ``joined`` that the
    person agreed under another login, with which the record is joined.
    """

    permits: bool
    until: int | None = None
    guardian: bool = False
    joined: bool = False


@dataclass(slots=True)
class Fact:
    """What one message says about one person. Times are ms since 1970.

    Attributes:
        source: The sender.
        message_id: The message's id, unique within its source.
        at: When it happened, with the sender's clock corrected.
        received: When the server received it.
        identifiers: The person's ids; the first is the id at the source and names the source record.
        values: Attribute values in stored form; None says that the source no longer has a value.
        ambient_choices: Purpose → permitted, as the source reports beside other content.
        explicit_choices: Purpose → choice, from a message that is a statement.
        statement_context: How the explicit choices were made; None for other messages.
        signals: Opt-out signals of the message.
        iab_strings: The IAB consent strings of these signals, separated by blanks.
        dated_choices: Purpose → permitted, by a TC string, which has a date of its own.
        dated_at: When that string was last updated.
        country: The country of the device's IP address.
        event: The event, if the message is one.
        dropped: The number of values that the catalogue does not declare; they are never stored.
        claimed_at: The time the sender wrote, by the sender's clock.
        left_out: Declared parts of the message that were not used.
        expired: The number of values and events whose retention was over on arrival; they are never stored.
        removed_types: Identifier types whose attribute has no linking value any more by this message.
        is_remainder: Whether these are the statements of a message whose other content was refused.
        is_expired: Whether the message is so old that nothing of it may be stored.
    """

    source: Source
    message_id: str
    at: int
    received: int
    identifiers: tuple[ExternalIdentifier, ...]
    values: tuple[tuple[Attribute, Redacted[OpenValue | None]], ...] = ()
    ambient_choices: Mapping[str, bool] = field(default_factory=dict)
    explicit_choices: Mapping[str, ExplicitChoice] = field(default_factory=dict)
    statement_context: StatementContext | None = None
    signals: frozenset[str] = frozenset()
    iab_strings: str = field(default="", repr=False)
    dated_choices: Mapping[str, bool] = field(default_factory=dict)
    dated_at: int | None = None
    country: str | None = field(default=None, repr=False)
    event: ReceivedEvent | None = None
    dropped: int = 0
    claimed_at: int | None = None
    left_out: tuple[LeftOut, ...] = ()
    expired: int = 0
    removed_types: frozenset[str] = frozenset()
    is_remainder: bool = False
    is_expired: bool = False

    @property
    def has_content(self) -> bool:
        """Whether the message says anything besides identifiers and where it comes from."""
        statements = (self.ambient_choices, self.explicit_choices, self.dated_choices, self.signals)
        return self.event is not None or bool(self.values or self.removed_types) or any(statements)

    @property
    def earliest_at(self) -> int:
        """The earlier of the corrected and the claimed time.

        Erasures compare this time: an old message that is sent again with a new ``sentAt`` must not bring
        erased data back.
        """
        return self.at if self.claimed_at is None else min(self.at, self.claimed_at)


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A refused message, with a stable code and a reason that contains no value of the message.

    ``statements`` are in force although the rest is refused; None if the message states nothing.
    """

    message_id: str
    code: str
    reason: str
    place: str = ""
    statements: Fact | None = field(default=None, repr=False)


class IngestStatus(StrEnum):
    """The result of ingesting one message."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


@dataclass(slots=True)
class MessageOutcome:
    """The outcome of one message.

    ``dropped`` counts values the catalogue does not declare, ``minimised`` values and events that were not
    stored because the customer refused every purpose they serve or because their retention is over.
    ``left_out`` are declared parts of the message that were not used. ``statements`` says what became of the
    statements of a refused message; None if it states nothing.
    """

    message_id: str
    status: IngestStatus
    dropped: int = 0
    minimised: int = 0
    code: str = ""
    reason: str = ""
    place: str = ""
    left_out: tuple[LeftOut, ...] = ()
    statements: IngestStatus | None = None
