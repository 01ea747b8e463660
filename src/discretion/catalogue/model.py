"""The words of the catalogue: what personal data exist, and what each may be used for.

Everything here is frozen and free of I/O. ``load.py`` makes these values from
``schema/catalogue/*.yaml``; everyone else only reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.duration import parse
from discretion.catalogue.recipient import Recipient

MONTH_MS = 30 * 86_400_000


class Channel(StrEnum):
    """Where the retailer meets a person."""

    WEB = "web"
    STORE = "store"
    APP = "app"


class Basis(StrEnum):
    """Legal basis of a processing purpose (GDPR Art. 6(1))."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_OBLIGATION = "legal_obligation"
    VITAL_INTEREST = "vital_interest"
    PUBLIC_TASK = "public_task"
    LEGITIMATE_INTEREST = "legitimate_interest"


DEMANDED = frozenset({Basis.LEGAL_OBLIGATION, Basis.VITAL_INTEREST, Basis.PUBLIC_TASK})
"""What law or life demands, whatever the person says (GDPR Art. 18(2))."""


class Family(StrEnum):
    """Purposes that laws treat alike; a jurisdiction says of each what consent it takes."""

    NECESSARY = "necessary"  # what was ordered, and what the law demands
    SECURITY = "security"  # fraud and intrusion
    IMPROVEMENT = "improvement"  # keeping the retailer's own records right
    STATISTICS = "statistics"  # counting visits and sales
    PERSONALISATION = "personalisation"  # choosing what the person's own pages show
    MESSAGES = "messages"  # offers by e-mail and post
    TEXTS = "texts"  # offers to a phone
    ADVERTISING = "advertising"  # the retailer's own, from what the person does with the retailer
    SHARING = "sharing"  # sale, sharing, and advertising across businesses


class Form(StrEnum):
    """How a value is revealed, from most to least revealing."""

    CLEAR = "clear"
    MASKED = "masked"
    COARSE = "coarse"
    PSEUDONYM = "pseudonym"


class ValueType(StrEnum):
    """Type of an attribute or property; each is a GraphQL scalar and a BSON type."""

    STRING = "String"
    INT = "Int"
    FLOAT = "Float"
    BOOLEAN = "Boolean"
    DATE = "Date"  # ISO 8601 date, kept as text
    DATETIME = "DateTime"  # kept as milliseconds since 1970-01-01T00:00Z
    MONEY = "Money"  # kept as integer minor units (cents)


class Sensitivity(StrEnum):
    """How much harm a wrong reveal does; ``special`` is GDPR Art. 9."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    SPECIAL = "special"


class Fold(StrEnum):
    """How a computed attribute follows from events; each is commutative, so order is free."""

    COUNT = "count"
    SUM = "sum"
    FIRST = "first"
    LAST = "last"
    MOST_FREQUENT = "most_frequent"
    SET = "set"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A Fideslang data use: what something is done for.

    ``bit`` is this purpose's place in a customer's ``allow`` integer (0 to 62); it is
    stored with every customer and therefore never reused. ``lasts`` is how long a consent counts and
    ``retention`` how long after it was observed a value serves this purpose; ISO 8601 durations, the
    empty string for no limit of its own.
    """

    key: str
    bit: int
    basis: Basis
    label: str
    description: str
    meaning: str  # to the customer, in the second person
    family: Family = Family.SHARING  # what takes most, where nobody says
    lasts: str = ""
    retention: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One purpose an attribute may be revealed for, and the form in which."""

    purpose: Purpose
    form: Form


@dataclass(frozen=True, slots=True)
class Computed:
    """How an attribute follows from events: ``fold`` over ``property`` of ``events``.

    ``events`` is empty for "any event"; ``property`` is empty for the event itself
    (``count``) or its time (``first``, ``last``).
    """

    fold: Fold
    events: tuple[str, ...] = ()
    property: str = ""
    channel: Channel | None = None

    def counts(self, event: str, channel: Channel) -> bool:
        """Whether an event of a channel is one of those it follows from."""
        return (not self.events or event in self.events) and self.channel in (None, channel)


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field of personal data.

    ``path`` is its dotted place in GraphQL (``contact.address.city``), ``key`` the same in MongoDB, where
    dots are not allowed. ``traits`` are the dotted places in a tracking call's ``traits`` where a source may
    supply it, first found wins; ``context`` are those in its ``context``, for when no trait does.
    ``precedence`` are sources in the order in which they are believed about it, before all others. What is
    ``ordered`` has an index. ``kinds`` are the sensitive kinds it is, ``correctable`` whose word changes it.
    """

    path: str
    type: ValueType
    category: str
    description: str
    uses: tuple[Use, ...]
    retention: str  # ISO 8601 duration
    sealed: bool
    many: bool = False
    sensitivity: Sensitivity = Sensitivity.MEDIUM
    identifier: str | None = None
    channels: frozenset[Channel] = frozenset(Channel)
    controller: str = ""
    traits: tuple[str, ...] = ()
    context: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    precedence: tuple[str, ...] = ()
    ordered: bool = False
    computed: Computed | None = None
    kinds: tuple[str, ...] = ()
    correctable: Correctable = Correctable.EVIDENCE

    @property
    def group(self) -> str:
        """The group this attribute belongs to: the first step of its path."""
        return self.path.partition(".")[0]

    @property
    def key(self) -> str:
        """Name of the attribute inside a stored document."""
        return self.path.replace(".", "/")


@dataclass(frozen=True, slots=True)
class Group:
    """Attributes that belong together; one GraphQL object type."""

    key: str
    description: str


@dataclass(frozen=True)
class IdentifierType:
    """A kind of external identifier, how two spellings of one are recognised, and what it may link.

    ``normalise`` names a rule of ``seal/normalise.py``: ``email``, ``e164``, ``token``. Where
    links contradict each other the type with the lower ``priority`` number is believed. A person
    has at most ``most`` of a type from one source, ever or ``within`` any stretch of that length
    (ISO 8601 duration). One that more than ``shared_by`` source records name is shared and links
    nobody. ``blocked`` are regular expressions of values that are nobody's. ``context`` are dotted
    places in a tracking call's ``context`` that hold one, first found wins.
    """

    key: str
    normalise: str
    category: str
    description: str
    priority: int = 100
    most: int | None = None
    within: str | None = None
    shared_by: int = 20
    blocked: tuple[str, ...] = ()
    context: tuple[str, ...] = ()

    @cached_property
    def never(self) -> re.Pattern[str]:
        """Matches a whole normalised value that is nobody's."""
        return re.compile("|".join(f"(?:{one})" for one in self.blocked) or r"(?!)", re.IGNORECASE)

    @cached_property
    def within_ms(self) -> int | None:
        """``within`` in milliseconds, or None for ever; a month has 30 days here."""
        if self.within is None:
            return None
        duration = parse(self.within)
        return duration.months * MONTH_MS + duration.ms


@dataclass(frozen=True, slots=True)
class Source:
    """A registered sender in one channel. The lower ``priority`` is believed.

    With ``guardians`` it may say what a guardian agreed to for a child: its write key is where no child
    finds it.

    ``user_id`` and ``anonymous_id`` say which identifier type the tracking API's
    ``userId`` and ``anonymousId`` are when this source sends them.
    """

    key: str
    channel: Channel
    label: str
    user_id: str
    anonymous_id: str
    priority: int = 100
    guardians: bool = False


CORRECTIONS = Source(
    key="self",
    channel=Channel.WEB,
    label="The customer",
    user_id="",
    anonymous_id="",
    priority=-1,
)
"""What a person corrected: believed before every sender; nobody registers as it, nobody reads its channel."""

COMPUTED = "computed"
"""In place of a source, where a value follows from events."""

RESERVED: Mapping[str, str] = {
    CORRECTIONS.key: "stands for what a customer corrected",
    COMPUTED: "stands for what is computed from events",
}
"""Names that no source can have, and why."""


@dataclass(frozen=True, slots=True)
class Property:
    """One declared property of an event type; undeclared ones never reach the disk."""

    name: str
    type: ValueType
    description: str
    category: str
    required: bool = False
    many: bool = False


@dataclass(frozen=True, slots=True)
class EventType:
    """Something that happens to a person in a channel. ``key`` is the event's name as sent."""

    key: str
    description: str
    category: str
    uses: tuple[Use, ...]
    retention: str
    channels: frozenset[Channel]
    properties: tuple[Property, ...] = ()
    kinds: tuple[str, ...] = ()
    enrols: bool = False  # an erased person who does it is a customer again, a new one


@dataclass(frozen=True, slots=True)
class Supply:
    """The attributes that a channel supplies, in the catalogue's order.

    ``by_trait`` maps places in ``traits`` to positions in ``attributes``; ``in_context`` are the
    positions of those that a place in ``context`` may hold.
    """

    attributes: tuple[Attribute, ...]
    by_trait: Mapping[str, int]
    in_context: frozenset[int]


def _supply(attributes: Iterable[Attribute], channel: Channel) -> Supply:
    supplied = tuple(one for one in attributes if one.computed is None and channel in one.channels)
    return Supply(
        supplied,
        {trait: index for index, one in enumerate(supplied) for trait in one.traits},
        frozenset(index for index, one in enumerate(supplied) if one.context),
    )


@dataclass(frozen=True)
class Catalogue:
    """The whole catalogue. ``version`` is a digest of its files' meaning."""

    version: str
    controller: str
    purposes: Mapping[str, Purpose]
    groups: Mapping[str, Group]
    attributes: Mapping[str, Attribute]
    identifiers: Mapping[str, IdentifierType]
    sources: Mapping[str, Source]
    events: Mapping[str, EventType]
    objects: Mapping[str, str] = field(default_factory=dict)  # path of an inner object -> description
    sensitive: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # kind -> categories
    recipients: Mapping[str, Recipient] = field(default_factory=dict)

    @cached_property
    def by_key(self) -> Mapping[str, Attribute]:
        """Attributes by their name inside a stored document."""
        return {attribute.key: attribute for attribute in self.attributes.values()}

    @cached_property
    def by_category(self) -> Mapping[str, tuple[str, ...]]:
        """Keys of attributes by their data category."""
        categories = {one.category for one in self.by_key.values()}
        return {
            category: tuple(key for key, one in self.by_key.items() if one.category == category)
            for category in categories
        }

    @cached_property
    def supplied(self) -> Mapping[Channel, Supply]:
        """What each channel supplies, and where in a tracking call."""
        return {channel: _supply(self.attributes.values(), channel) for channel in Channel}

    @cached_property
    def computed_keys(self) -> frozenset[str]:
        """Keys of the attributes that follow from events."""
        return frozenset(key for key, one in self.by_key.items() if one.computed is not None)

    def computed_from(self, event: str, channel: Channel) -> tuple[tuple[str, Computed], ...]:
        """Attributes that an event of a channel counts for, by their key in a document."""
        return self._computed.get((event, channel), ())

    @cached_property
    def _computed(self) -> Mapping[tuple[str, Channel], tuple[tuple[str, Computed], ...]]:
        return {
            (event, channel): tuple(
                (key, one.computed)
                for key, one in self.by_key.items()
                if one.computed is not None and one.computed.counts(event, channel)
            )
            for event in self.events
            for channel in Channel
        }

    @cached_property
    def kinds_kept(self) -> tuple[str, ...]:
        """Sensitive kinds that some attribute or event is, sorted."""
        kept = {kind for one in self.attributes.values() for kind in one.kinds}
        kept |= {kind for one in self.events.values() for kind in one.kinds}
        return tuple(sorted(kept))

    @cached_property
    def sensitive_purposes(self) -> frozenset[str]:
        """Purposes that data of some sensitive kind are declared for, but for what the law itself demands."""
        uses = [use.purpose for one in self.attributes.values() if one.kinds for use in one.uses]
        uses += [use.purpose for one in self.events.values() if one.kinds for use in one.uses]
        return frozenset(one.key for one in uses if one.basis not in DEMANDED)

    def covered(self, held: frozenset[str]) -> frozenset[str]:
        """Purposes of the catalogue that holding ``held`` covers: each node and its descendants."""
        return frozenset(
            key for key in self.purposes if any(key == h or key.startswith(h + ".") for h in held)
        )
