"""The catalogue as values: which personal data exist, and for which purposes each may be used.

All classes are frozen and free of I/O. ``load.py`` builds them from ``schema/catalogue/*.yaml``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.attribute_register import Register, RegisteredAttribute, render_type
from discretion.catalogue.computation import Computation
from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.exchange_rates import NO_MONEY, MoneyRules
from discretion.catalogue.identifier_type import IdentifierType, is_sendable
from discretion.catalogue.import_mapping import ImportMapping
from discretion.catalogue.recipient import Recipient
from discretion.catalogue.source_consent import SourceConsent

MAX_CATALOGUES = 8
"""The most catalogues that a cache has tables of; a process has one, or two while it migrates."""


class Channel(StrEnum):
    """A channel in which the retailer meets a person."""

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


NON_REFUSABLE_BASES = frozenset({Basis.LEGAL_OBLIGATION, Basis.VITAL_INTEREST, Basis.PUBLIC_TASK})
"""Bases that apply whatever the person chooses: law, vital interest and public task (GDPR Art. 18(2))."""


class Family(StrEnum):
    """A class of purposes that laws treat alike; a jurisdiction declares the consent model of each."""

    NECESSARY = "necessary"  # fulfilment of orders and legal obligations
    SECURITY = "security"  # against fraud and intrusion
    IMPROVEMENT = "improvement"  # correctness of the retailer's own records
    STATISTICS = "statistics"  # counting visits and sales
    PERSONALISATION = "personalisation"  # selection of what the person's own pages show
    MESSAGES = "messages"  # offers by e-mail and post
    TEXTS = "texts"  # offers to a phone
    ADVERTISING = "advertising"  # the retailer's own, based on the person's behaviour with the retailer
    SHARING = "sharing"  # sale, sharing, and advertising across businesses


class Form(StrEnum):
    """How a value is revealed, from most to least revealing."""

    CLEAR = "clear"
    MASKED = "masked"
    COARSE = "coarse"
    PSEUDONYM = "pseudonym"


class ValueType(StrEnum):
    """Type of an attribute or property; each is a GraphQL type and a BSON type."""

    STRING = "String"
    INT = "Int"
    FLOAT = "Float"
    BOOLEAN = "Boolean"
    DATE = "Date"  # ISO 8601 date, stored as text
    DATETIME = "DateTime"  # stored as ms since 1970-01-01T00:00Z
    OBJECT = "Object"  # an object with declared members, only as a property of events
    MONEY = "Money"  # stored as an integer of minor units (cents), with its currency where that may differ


class Sensitivity(StrEnum):
    """How much harm a wrong reveal does; ``special`` is GDPR Art. 9."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    SPECIAL = "special"


@dataclass(frozen=True, slots=True)
class Purpose:
    """A purpose of processing: one Fideslang data use with its legal basis.

    ``bit`` is the purpose's position in a customer's ``allow`` integer (0 to 62). It is stored with every
    customer and therefore never reused. ``lasts`` is how long a consent is valid. ``retention`` is how long
    after its observation a value may serve this purpose. Both are ISO 8601 durations; the empty string means
    no limit of its own.
    """

    key: str
    bit: int
    basis: Basis
    label: str
    description: str
    meaning: str  # to the customer, in the second person
    family: Family = Family.SHARING  # the strictest family is the default
    lasts: str = ""
    retention: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One purpose for which an attribute may be revealed, and the form in which it is revealed."""

    purpose: Purpose
    form: Form


@dataclass(frozen=True, slots=True)
class Attribute:
    """One field of personal data.

    Attributes:
        path: Dotted place in GraphQL, such as ``contact.address.city``.
        number: Names the attribute in stored documents and in the ledger; never given to another one.
        retention: How long a value may be kept; an ISO 8601 duration.
        sealed: Whether values are encrypted under the customer's key. If not, they can be filtered by.
        identifier: The identifier type of the values, if they are identifiers.
        traits: Dotted places in a tracking call's ``traits`` that supply the value; the first one found wins.
        context: Dotted places in its ``context``, used when no trait supplies the value.
        precedence: Sources that win over all others for this attribute, in this order.
        ordered, filtered: Whether an index supports sorting or filtering; else all customers are read.
        currency: Code of the currency of its amounts, if it is Money and a single value.
        kinds: The sensitive kinds that its category belongs to.
        correctable: What is needed to correct it.
        assurance: Of an address, the weakest ranks that are enough, each with the purposes, as bits.
    """

    path: str
    number: int
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
    filtered: bool = False
    computed: Computation | None = None
    currency: str = ""
    kinds: tuple[str, ...] = ()
    correctable: Correctable = Correctable.EVIDENCE
    assurance: tuple[tuple[int, int], ...] = ()

    @property
    def group(self) -> str:
        """Name of the group of this attribute: the first step of its path."""
        return self.path.partition(".")[0]

    @property
    def key(self) -> str:
        """Name of the attribute in a stored document, and what its cells are bound to."""
        # A number, so that a renamed attribute keeps its values and a retired one can be re-encrypted.
        return str(self.number)

    @property
    def registered(self) -> RegisteredAttribute:
        """What the register of numbers says about the attribute."""
        type_text = render_type(self.type.value, many=self.many, currency=self.currency)
        return RegisteredAttribute(self.number, self.path, type_text, self.sealed)


@dataclass(frozen=True, slots=True)
class AttributeGroup:
    """Attributes of one GraphQL object type."""

    key: str
    description: str


@dataclass(frozen=True, slots=True)
class Source:
    """A registered sender in one channel.

    Attributes:
        user_id, anonymous_id: The identifier types of the tracking API's ``userId`` and ``anonymousId``.
        priority: Where sources disagree about a value, the lower number wins.
        guardians: Whether it may record that a guardian consented; children must not read its write key.
        assurance: By identifier type, the strongest that the source may assert; others it can only claim.
        consent: What its statements about purposes count for.
    """

    key: str
    channel: Channel
    label: str
    user_id: str
    anonymous_id: str
    priority: int = 100
    guardians: bool = False
    assurance: Mapping[str, Assurance] = field(default_factory=dict)
    consent: SourceConsent = field(default_factory=SourceConsent)

    def limit_assurance(self, identifier_type: str, asserted: Assurance) -> Assurance:
        """Return what an assertion counts for: itself, or what the source may assert if that is weaker."""
        return max(asserted, self.assurance.get(identifier_type, Assurance.CLAIMED))


@dataclass(frozen=True, slots=True)
class EventProperty:
    """One declared property of an event type; undeclared properties are never stored.

    Attributes:
        uses: The purposes that see it, of those that see its event in clear; empty means all of them.
        aliases: Other names it is sent under.
        members: What an object, or each of a list, may have; empty for all other types.
    """

    name: str
    type: ValueType
    description: str
    category: str
    required: bool = False
    many: bool = False
    uses: tuple[Use, ...] = ()
    aliases: tuple[str, ...] = ()
    members: tuple[EventProperty, ...] = ()


@dataclass(frozen=True, slots=True)
class EventType:
    """A type of event that happens to a person in a channel; ``key`` is the event's name as sent.

    Attributes:
        distinct_by: What makes two events of this type the same one: equal values of the first of these lists
            of properties that the event has. Empty means that each message is another event.
        aliases: Other names it is sent under.
        keys: The properties by which computed attributes recognise what such events are about.
        unsigned: Whether the sign of its amounts of money means nothing: a refund of -20 is a refund of 20.
        enrols: Whether, after an erasure, such an event creates a new customer.
    """

    key: str
    description: str
    category: str
    uses: tuple[Use, ...]
    retention: str
    channels: frozenset[Channel]
    properties: tuple[EventProperty, ...] = ()
    kinds: tuple[str, ...] = ()
    enrols: bool = False
    distinct_by: tuple[tuple[str, ...], ...] = ()
    keys: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    unsigned: bool = False


@dataclass(frozen=True, slots=True)
class ChannelSupply:
    """The attributes that a channel supplies, in the catalogue's order, and the ids its sources may send.

    ``by_trait`` maps places in ``traits`` to positions in ``attributes``. ``in_context`` has the positions of
    attributes that a place in ``context`` may supply. ``identifiers`` are types.
    """

    attributes: tuple[Attribute, ...]
    by_trait: Mapping[str, int]
    in_context: frozenset[int]
    identifiers: frozenset[str]


def _build_supply(catalogue: Catalogue, channel: Channel) -> ChannelSupply:
    every = catalogue.attributes.values()
    supplied = tuple(each for each in every if each.computed is None and channel in each.channels)
    supplying = {
        key: [each.channels for each in every if each.identifier == key] for key in catalogue.identifiers
    }
    return ChannelSupply(
        supplied,
        {trait: index for index, attribute in enumerate(supplied) for trait in attribute.traits},
        frozenset(index for index, attribute in enumerate(supplied) if attribute.context),
        frozenset(key for key, channels in supplying.items() if is_sendable(key, (), channel, channels)),
    )


# Without slots: ``cached_property`` needs the instance's ``__dict__``.
@dataclass(frozen=True, eq=False)
class Catalogue:
    """The whole catalogue; ``version`` is a digest of its meaning. Compared by identity, for caches."""

    version: str
    controller: str
    purposes: Mapping[str, Purpose]
    groups: Mapping[str, AttributeGroup]
    attributes: Mapping[str, Attribute]
    identifiers: Mapping[str, IdentifierType]
    sources: Mapping[str, Source]
    events: Mapping[str, EventType]
    objects: Mapping[str, str] = field(default_factory=dict)  # path of an inner object -> description
    sensitive: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # kind -> categories
    recipients: Mapping[str, Recipient] = field(default_factory=dict)
    register: Register = field(default_factory=dict)  # also of retired attributes
    imports: Mapping[str, ImportMapping] = field(default_factory=dict)
    money: MoneyRules = NO_MONEY
    event_names: Mapping[str, str] = field(default_factory=dict)  # folded spelling -> event type

    @cached_property
    def indexed_attributes(self) -> tuple[Attribute, ...]:
        """The attributes with an index on their values, to filter or to order many customers by."""
        return tuple(each for each in self.attributes.values() if each.filtered or each.ordered)

    @cached_property
    def attributes_by_key(self) -> Mapping[str, Attribute]:
        """Attributes by their name in a stored document."""
        return {attribute.key: attribute for attribute in self.attributes.values()}

    def find_key(self, path: str) -> str | None:
        """Return the name in stored documents of the attribute with a path, retired or not."""
        retired = (registered for registered in self.register.values() if registered.path == path)
        attribute = self.attributes.get(path) or next(retired, None)
        return None if attribute is None else str(attribute.number)

    def find_path(self, key: str) -> str:
        """Return the path of an attribute by its name in stored documents, retired or not."""
        attribute = self.attributes_by_key.get(key) or self.register.get(int(key))
        return key if attribute is None else attribute.path

    @cached_property
    def keys_by_category(self) -> Mapping[str, tuple[str, ...]]:
        """Keys of attributes by their data category."""
        categories = {attribute.category for attribute in self.attributes_by_key.values()}
        return {
            category: tuple(
                key for key, attribute in self.attributes_by_key.items() if attribute.category == category
            )
            for category in categories
        }

    @cached_property
    def supply_by_channel(self) -> Mapping[Channel, ChannelSupply]:
        """The attributes that each channel supplies, with their places in a tracking call."""
        return {channel: _build_supply(self, channel) for channel in Channel}

    @cached_property
    def computed_keys(self) -> frozenset[str]:
        """Keys of the attributes that are computed from events."""
        return frozenset(
            key for key, attribute in self.attributes_by_key.items() if attribute.computed is not None
        )

    def list_computations(self, event: str, channel: Channel) -> tuple[tuple[str, Computation], ...]:
        """Return the attributes that an event in a channel changes, as pairs of key and computation."""
        return self._computations_by_event.get((event, channel), ())

    @cached_property
    def _computations_by_event(self) -> Mapping[tuple[str, Channel], tuple[tuple[str, Computation], ...]]:
        return {
            (event, channel): tuple(
                (key, attribute.computed)
                for key, attribute in self.attributes_by_key.items()
                if attribute.computed is not None and attribute.computed.includes_event(event, channel)
            )
            for event in self.events
            for channel in Channel
        }

    @cached_property
    def sensitive_kinds(self) -> tuple[str, ...]:
        """Sensitive kinds that at least one attribute or event belongs to, sorted."""
        kinds = {kind for entry in self.attributes.values() for kind in entry.kinds}
        kinds |= {kind for entry in self.events.values() for kind in entry.kinds}
        return tuple(sorted(kinds))

    @cached_property
    def sensitive_purposes(self) -> frozenset[str]:
        """Purposes that use data of some sensitive kind, except those that the person cannot refuse."""
        uses = [use.purpose for entry in self.attributes.values() if entry.kinds for use in entry.uses]
        uses += [use.purpose for entry in self.events.values() if entry.kinds for use in entry.uses]
        return frozenset(entry.key for entry in uses if entry.basis not in NON_REFUSABLE_BASES)

    def find_covered_purposes(self, held_purposes: frozenset[str]) -> frozenset[str]:
        """Return the purposes of the catalogue that ``held_purposes`` cover: each one and its descendants."""
        return frozenset(
            key
            for key in self.purposes
            if any(key == purpose or key.startswith(purpose + ".") for purpose in held_purposes)
        )
