"""The format of ``schema/catalogue/*.yaml``: one pydantic model per kind of entry.

Every file may contain any of the sections; a file's ``defaults`` apply to its own attributes and events. The
field descriptions below are used twice: as advice when a key is missing, and in the printed JSON Schema
(``schema/jsonschema``) that editors show.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Annotated

from pydantic import ConfigDict, Field

from discretion.catalogue.assurance import RequiredAssurance
from discretion.catalogue.computation import Fold
from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.entry_base import AssuranceLabel, Entry, Text
from discretion.catalogue.import_entry import ImportEntry
from discretion.catalogue.model import Basis, Channel, Family, Form, Sensitivity, ValueType
from discretion.catalogue.recipient import RecipientRole

Uses = dict[Form, list[Text]]

LAST_BIT = 62
"""Highest bit of a purpose. Bit 63, the sign of MongoDB's 64-bit integer, stays clear."""

_USES = "purposes by the form they see: clear, masked, coarse or pseudonym"
_RETENTION = "how long after it was observed it may be revealed; an ISO 8601 duration such as P3Y"
_CHANNELS = "which channels may supply it: web, store, app"
_CATEGORY = "a Fideslang data category, such as user.contact.email"


class PurposeEntry(Entry):
    """A purpose of processing; its key is a Fideslang data use."""

    bit: int = Field(ge=0, le=LAST_BIT, description="its position in `allow`, 0 to 62; never reused")
    basis: Basis = Field(description="the one basis of GDPR Art. 6(1) it rests on")
    family: Family = Field(description="the family that laws assign it to: necessary, security, ... sharing")
    lasts: Text | None = Field(default=None, description="how long a consent is valid; an ISO 8601 duration")
    retention: Text | None = Field(
        default=None,
        description="how long after it was observed a value serves it, if less than its own",
    )
    label: Text = Field(description="a few words, for lists")
    description: Text = Field(description="what is done, for the public inventory")
    meaning: Text = Field(description="what it means for the customer, addressed as you")


class Defaults(Entry):
    """Values that attributes and events of the same file have unless they declare their own."""

    uses: Uses | None = Field(default=None, description=_USES)
    retention: Text | None = Field(default=None, description=_RETENTION)
    channels: list[Channel] | None = Field(default=None, description=_CHANNELS)
    sensitivity: Sensitivity | None = Field(default=None, description="harm of a wrong reveal")
    sealed: bool | None = Field(
        default=None, description="false stores it unencrypted, so that it can be filtered by"
    )
    controller: Text | None = Field(default=None, description="the controller, if not the retailer")
    correctable: Correctable | None = Field(
        default=None, description="what a correction needs: self, evidence (the default) or never"
    )


class ComputedEntry(Entry):
    """How an attribute is computed from events."""

    fold: Fold = Field(description="count, sum, first, last, most_frequent or set")
    events: list[Text] = Field(default=[], description="names of events; none means any")
    property: Text | None = Field(default=None, description="their property; else the event or its time")
    channel: Channel | None = Field(default=None, description="only events of this channel")
    key: Text | None = Field(
        default=None, description="the property of which each value counts once, such as order_id"
    )
    less: list[Text] = Field(
        default=[], description="events whose property is subtracted from what has the same key"
    )
    without: list[Text] = Field(default=[], description="events that remove what has the same key")
    converts: bool = Field(
        default=False, description="true converts money in other currencies by the exchange rates"
    )


class AttributeEntry(Defaults):
    """One field of personal data."""

    # Required, but checked with the register, which has the next free number for the advice.
    model_config = ConfigDict(json_schema_extra=lambda schema: schema["required"].insert(0, "number"))

    number: int | None = Field(
        default=None, ge=1, description="names it in stored data; the next free one, never reused"
    )
    type: ValueType = Field(description="String, Int, Float, Boolean, Date, DateTime or Money")
    category: Text = Field(description=_CATEGORY)
    description: Text = Field(description="one sentence, for API clients and data subjects")
    many: bool = Field(default=False, description="true for a list")
    currency: Text | None = Field(
        default=None, description="the currency of Money, such as EUR; a list has one sum for each currency"
    )
    identifier: Text | None = Field(default=None, description="the identifier type its values are")
    assurance: dict[RequiredAssurance, list[Text]] = Field(
        default={},
        description="purposes by what they need of an address: proven, presented or (stated by an) account",
    )
    traits: list[Text] | None = Field(
        None, description="dotted places in a tracking call's traits; the first found wins; else its own name"
    )
    context: list[Text] = Field(
        default=[], description="dotted places in a tracking call's context, for when no trait has it"
    )
    values: list[Text] = Field(default=[], description="all possible values, if they are known")
    ordered: bool = Field(
        default=False, description="true adds an index, so that sorting many customers by it is fast"
    )
    filtered: bool = Field(
        default=False, description="true adds an index, so that filtering many customers by it is fast"
    )
    precedence: list[Text] = Field(
        default=[], description="sources that win over others, in this order; the rest follow by priority"
    )
    computed: ComputedEntry | None = Field(
        default=None, description="how it is computed from events, if it is"
    )


class NumberEntry(Entry):
    """What a number was given to, in the register of numbers."""

    path: Text = Field(description="the attribute")
    type: Text = Field(description="its type; a list in brackets")
    sealed: bool = Field(description="whether it is stored encrypted")
    retired: bool = Field(default=False, description="true once the attribute was removed")


class IdentifierEntry(Entry):
    """A type of external identifier."""

    normalise: Text = Field(description="how two spellings become one: email, e164 or token")
    category: Text = Field(description=_CATEGORY)
    description: Text = Field(description="one sentence")
    priority: int = Field(default=100, description="where links contradict each other, the lower number wins")
    most: int | None = Field(
        default=None, ge=1, description="how many of a number one person may have from one source"
    )
    shared_by: int = Field(
        default=20, ge=1, description="if more source records than this link by one, it links nobody"
    )
    number: bool = Field(
        default=False,
        description="true for a number, as of an account, that the retailer gives to one person",
    )
    verified_by: Text | None = Field(
        default=None, description="the Boolean trait by which a source states that it confirmed the address"
    )
    young: Text | None = Field(
        default=None, description="how long a proof of the address by a code alone opens an account, as P90D"
    )
    blocked: list[Text] = Field(
        default=[], description="regular expressions of values that belong to nobody, such as guest@.*"
    )
    context: list[Text] = Field(default=[], description="dotted places in a tracking call's context")


class PlaceholderEntry(Entry):
    """Texts that broken clients send in place of an id, of whatever type."""

    description: Text = Field(description="what they have in common")
    sources: list[Text] = Field(min_length=1, description="where they are published")
    patterns: list[Text] = Field(
        min_length=1, description="regular expressions that match a whole id, in any case"
    )
    addresses: bool = Field(
        default=False, description="true if an e-mail address with such a local part is nobody's as well"
    )


class SetAsideEntry(Entry):
    """Acceptances of a source that count no longer."""

    reason: Text = Field(description="why, for the people concerned")
    by: Text = Field(description="who decided it")
    first_day: date | None = Field(default=None, alias="from", description="their first day, UTC")
    end_day: date | None = Field(default=None, alias="until", description="the day before which they end")


class SourceConsentEntry(Entry):
    """What a source's statements about purposes count for."""

    repeated_under_login: bool = Field(
        default=True,
        description="false if a yes that it repeats with every message says nothing about who is logged in",
    )
    ids: dict[Text, list[Text]] = Field(
        default={}, description="by id of its consent manager, purposes or nodes that a yes to it accepts"
    )
    set_aside: list[SetAsideEntry] = Field(
        default=[], description="which of its acceptances count no longer; a refusal always counts"
    )


class SourceEntry(Entry):
    """A registered sender in one channel."""

    channel: Channel = Field(description="web, store or app")
    label: Text = Field(description="a few words, for lists")
    user_id: Text = Field(description="the identifier type that its userId is")
    anonymous_id: Text = Field(description="the identifier type that its anonymousId is")
    priority: int = Field(
        default=100, description="the lower number wins, unless an attribute has its own precedence"
    )
    guardians: bool = Field(
        default=False,
        description="true if it may record a guardian's consent; its key must not be in a page or an app",
    )
    assurance: dict[Text, AssuranceLabel] = Field(
        default={},
        description="by identifier type, the strongest it may assert: proven, presented or claimed (default)",
    )
    consent: SourceConsentEntry = Field(
        default=SourceConsentEntry(), description="what its statements about purposes count for"
    )


class RecipientEntry(Entry):
    """An organisation, or a kind of organisation, that receives personal data."""

    label: Text = Field(description="a few words, for lists")
    description: Text = Field(description="what they do with the data, for data subjects")
    role: RecipientRole = Field(description="staff, processor or third_party")
    purposes: list[Text] = Field(description="purposes they receive data for")
    transfers: dict[Text, Text] = Field(
        default={}, description="countries of transfers, such as US, each with its safeguard"
    )
    clients: list[Text] = Field(
        default=[], description="ids of its OAuth clients, besides the one with the same name"
    )


class MemberEntry(Entry):
    """A member of the objects in a list, or what every property has."""

    type: ValueType = Field(description="String, Int, Float, Boolean, Date, DateTime or Money")
    category: Text = Field(description=_CATEGORY)
    description: Text = Field(description="one sentence")
    aliases: list[Text] = Field(
        default=[], description="other names it is sent under; the first with a value counts if it has none"
    )
    purposes: list[Text] = Field(
        default=[],
        description="of the purposes that see its event in clear, those that see it; none means all",
    )


class PropertyEntry(MemberEntry):
    """A property that events may carry."""

    many: bool = Field(default=False, description="true for a list")
    members: dict[Text, MemberEntry] = Field(
        default={}, description="of type Object: what the object, or each of a list, may have"
    )


class EventEntry(Entry):
    """A type of event on a person's timeline."""

    description: Text = Field(description="one sentence")
    category: Text = Field(description=_CATEGORY)
    uses: Uses | None = Field(
        default=None, description="purposes by form; coarse reveals only that it happened"
    )
    retention: Text | None = Field(default=None, description=_RETENTION)
    channels: list[Channel] | None = Field(default=None, description=_CHANNELS)
    required: list[Text] = Field(default=[], description="properties that it always has")
    properties: list[Text] = Field(default=[], description="properties it may carry")
    aliases: list[Text] = Field(
        default=[], description="other names it is sent under; case, blanks and '_' never matter"
    )
    enrols: bool = Field(default=False, description="true if it creates a new customer after an erasure")
    distinct_by: list[list[Text]] = Field(
        default=[],
        description="lists of properties; two events are one if those of the first list they have are equal",
    )
    unsigned: bool = Field(
        default=False, description="true if -20 means the same as 20 in its amounts, as in a refund"
    )


class MoneyEntry(Entry):
    """How events state amounts of money."""

    currency: Text = Field(description="the currency of amounts whose event states none, such as EUR")
    stated_by: Text = Field(description="the property that states the currency of an event's amounts")


class ExchangeRatesEntry(Entry):
    """Exchange rates by date, for computed attributes that convert."""

    base: Text = Field(description="the currency that the rates are for one unit of, such as EUR")
    source: Text = Field(description="who published the rates")
    rates: dict[date, dict[Text, Annotated[Decimal, Field(gt=0)]]] = Field(
        description="from this date on until the next one: currency: units for one unit of the base"
    )


class CatalogueFile(Entry):
    """A file of the catalogue: which personal data exist, and for which purposes each may be used."""

    controller: Text | None = Field(default=None, description="the controller of the data (GDPR Art. 4(7))")
    always: Uses = Field(
        default={}, description="uses that every attribute and event has in addition to its own"
    )
    defaults: Defaults = Field(default=Defaults(), description="for the attributes and events of this file")
    money: MoneyEntry | None = Field(default=None, description="how events state amounts of money")
    exchange_rates: ExchangeRatesEntry | None = Field(
        default=None, description="rates for computed attributes that convert"
    )
    retired: list[int] = Field(default=[], description="bits of removed purposes")
    purposes: dict[str, PurposeEntry] = Field(default={}, description="Fideslang data uses")
    sensitive: dict[str, list[Text]] = Field(
        default={}, description="data categories by kind of sensitive data, such as health"
    )
    groups: dict[str, Text] = Field(default={}, description="name: what it contains")
    objects: dict[str, Text] = Field(default={}, description="group.name: what it is")
    attributes: dict[str, AttributeEntry] = Field(
        default={}, description="by path: group.name or group.object.name"
    )
    numbers_given: int | None = Field(
        default=None, ge=0, description="how many numbers were ever given to attributes; generated"
    )
    numbers: dict[int, NumberEntry] = Field(
        default={}, description="the register of numbers: what each was given to; generated"
    )
    identifiers: dict[str, IdentifierEntry] = Field(default={}, description="identifier types")
    placeholders: dict[str, PlaceholderEntry] = Field(
        default={}, description="texts that broken clients send in place of ids"
    )
    sources: dict[str, SourceEntry] = Field(default={}, description="senders")
    recipients: dict[str, RecipientEntry] = Field(
        default={}, description="recipients of data, and their purposes"
    )
    properties: dict[str, PropertyEntry] = Field(default={}, description="properties of events")
    events: dict[str, EventEntry] = Field(default={}, description="event types, by their name as sent")
    imports: dict[str, ImportEntry] = Field(
        default={}, description="how files of a retailer's past become messages of a source"
    )


def print_catalogue_schema() -> str:
    """Return the format of a catalogue file as JSON Schema (2020-12), for editors."""
    schema = CatalogueFile.model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **schema}, indent=2, sort_keys=True) + "\n"
