"""What may be written in ``schema/catalogue/*.yaml``: one model per kind of entry.

Every file may hold any of the sections; a file's ``defaults`` apply to its own attributes and
events. The descriptions below are the advice for a missing key, and, printed as JSON Schema
(``schema/jsonschema``), what an editor shows while one types.
"""

from __future__ import annotations

import json
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from discretion.catalogue.correction_authority import Correctable
from discretion.catalogue.model import Basis, Channel, Family, Fold, Form, Sensitivity, ValueType
from discretion.catalogue.recipient import Role

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
Uses = dict[Form, list[Text]]

LAST_BIT = 62
"""The sign of MongoDB's 64-bit integer stays clear."""

_USES = "purposes by the form they see: clear, masked, coarse or pseudonym"
_RETENTION = "how long after it was observed it may be revealed; an ISO 8601 duration such as P3Y"
_CHANNELS = "which channels may supply it: web, store, app"
_CATEGORY = "a Fideslang data category, such as user.contact.email"


class Entry(BaseModel):
    """Something that is written in the catalogue; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class PurposeEntry(Entry):
    """A Fideslang data use."""

    bit: int = Field(ge=0, le=LAST_BIT, description="its place in `allow`, 0 to 62; never reused")
    basis: Basis = Field(description="the one basis of GDPR Art. 6(1) it rests on")
    family: Family = Field(description="what laws treat it as: necessary, security, ... sharing")
    lasts: Text | None = Field(default=None, description="how long a consent counts; an ISO 8601 duration")
    retention: Text | None = Field(
        default=None,
        description="how long after it was observed a value serves it, if less than its own",
    )
    label: Text = Field(description="a few words, for lists")
    description: Text = Field(description="what is done, for the public inventory")
    meaning: Text = Field(description="what it means to the customer, addressed as you")


class Defaults(Entry):
    """What the attributes and events of this file have, unless they say otherwise."""

    uses: Uses | None = Field(default=None, description=_USES)
    retention: Text | None = Field(default=None, description=_RETENTION)
    channels: list[Channel] | None = Field(default=None, description=_CHANNELS)
    sensitivity: Sensitivity | None = Field(default=None, description="harm of a wrong reveal")
    sealed: bool | None = Field(default=None, description="false keeps it readable, to filter by")
    controller: Text | None = Field(default=None, description="who answers for it, if not the retailer")
    correctable: Correctable | None = Field(
        default=None, description="what the person's correction takes: self, evidence (else) or never"
    )


class ComputedEntry(Entry):
    """How an attribute follows from events."""

    fold: Fold = Field(description="count, sum, first, last, most_frequent or set")
    events: list[Text] = Field(default=[], description="names of events; none means any")
    property: Text | None = Field(default=None, description="their property; else the event or its time")
    channel: Channel | None = Field(default=None, description="only events of this channel")


class AttributeEntry(Defaults):
    """One field of personal data."""

    type: ValueType = Field(description="String, Int, Float, Boolean, Date, DateTime or Money")
    category: Text = Field(description=_CATEGORY)
    description: Text = Field(description="one sentence, for those who query it and those it is about")
    many: bool = Field(default=False, description="true for a list")
    identifier: Text | None = Field(default=None, description="the identifier type its values are")
    traits: list[Text] | None = Field(
        None, description="dotted places in a tracking call's traits; the first found wins; else its own name"
    )
    context: list[Text] = Field(
        default=[], description="dotted places in a tracking call's context, for when no trait has it"
    )
    values: list[Text] = Field(default=[], description="all it can be, if that is known")
    ordered: bool = Field(
        default=False, description="true keeps it in order, so that sorting many customers by it is quick"
    )
    precedence: list[Text] = Field(
        default=[], description="sources in the order they are believed; the others follow by priority"
    )
    computed: ComputedEntry | None = Field(default=None, description="how it follows from events, if it does")


class IdentifierEntry(Entry):
    """A kind of external identifier."""

    normalise: Text = Field(description="how two spellings become one: email, e164 or token")
    category: Text = Field(description=_CATEGORY)
    description: Text = Field(description="one sentence")
    priority: int = Field(default=100, description="where links contradict, the lower is believed")
    most: int | None = Field(
        default=None, ge=1, description="how many of it one person may have from one source"
    )
    within: Text | None = Field(
        default=None, description="any stretch of time that `most` counts in, such as P7D; without it, ever"
    )
    shared_by: int = Field(
        default=20, ge=1, description="if more source records than this name one, it links nobody"
    )
    blocked: list[Text] = Field(
        default=[], description="regular expressions of values that are nobody's, such as guest@.*"
    )
    context: list[Text] = Field(default=[], description="dotted places in a tracking call's context")


class SourceEntry(Entry):
    """A registered sender."""

    channel: Channel = Field(description="web, store or app")
    label: Text = Field(description="a few words, for lists")
    user_id: Text = Field(description="the identifier type that its userId is")
    anonymous_id: Text = Field(description="the identifier type that its anonymousId is")
    priority: int = Field(
        default=100, description="the lower is believed, unless an attribute says otherwise"
    )
    guardians: bool = Field(
        default=False,
        description="true if it may say what a guardian agreed to; its key is no page's or app's",
    )


class RecipientEntry(Entry):
    """An organisation, or a kind of one, that receives personal data."""

    label: Text = Field(description="a few words, for lists")
    description: Text = Field(description="what they do with it, for those it is about")
    role: Role = Field(description="staff, processor or third_party")
    purposes: list[Text] = Field(description="purposes they receive data for")
    transfers: dict[Text, Text] = Field(
        default={}, description="countries abroad it goes to, as US, each with what protects it there"
    )
    clients: list[Text] = Field(
        default=[], description="ids of clients that are it, beside the one named as it is"
    )


class PropertyEntry(Entry):
    """A property that events may carry."""

    type: ValueType = Field(description="String, Int, Float, Boolean, Date, DateTime or Money")
    category: Text = Field(description=_CATEGORY)
    description: Text = Field(description="one sentence")
    many: bool = Field(default=False, description="true for a list")


class EventEntry(Entry):
    """Something that happens to a person."""

    description: Text = Field(description="one sentence")
    category: Text = Field(description=_CATEGORY)
    uses: Uses | None = Field(default=None, description="purposes by form; coarse learns that it happened")
    retention: Text | None = Field(default=None, description=_RETENTION)
    channels: list[Channel] | None = Field(default=None, description=_CHANNELS)
    required: list[Text] = Field(default=[], description="properties it never comes without")
    properties: list[Text] = Field(default=[], description="properties it may carry")
    enrols: bool = Field(
        default=False, description="true if an erased person who does it is a customer again, a new one"
    )


class CatalogueFile(Entry):
    """A file of the catalogue: what personal data exist, and what each may be used for."""

    controller: Text | None = Field(default=None, description="who answers for the data (GDPR Art. 4(7))")
    always: Uses = Field(default={}, description="uses that every attribute and event has beside its own")
    defaults: Defaults = Field(default=Defaults(), description="for the attributes and events of this file")
    retired: list[int] = Field(default=[], description="bits of purposes that are gone")
    purposes: dict[str, PurposeEntry] = Field(default={}, description="Fideslang data uses")
    sensitive: dict[str, list[Text]] = Field(
        default={}, description="data categories by the kind of sensitive data they are, such as health"
    )
    groups: dict[str, Text] = Field(default={}, description="name: what belongs to it")
    objects: dict[str, Text] = Field(default={}, description="group.name: what it is")
    attributes: dict[str, AttributeEntry] = Field(
        default={}, description="by path: group.name or group.object.name"
    )
    identifiers: dict[str, IdentifierEntry] = Field(default={}, description="identifier types")
    sources: dict[str, SourceEntry] = Field(default={}, description="senders")
    recipients: dict[str, RecipientEntry] = Field(default={}, description="who receives data, and what for")
    properties: dict[str, PropertyEntry] = Field(default={}, description="properties of events")
    events: dict[str, EventEntry] = Field(default={}, description="event types, by their name as sent")


def json_schema() -> str:
    """The same as JSON Schema (2020-12), for editors."""
    schema = CatalogueFile.model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **schema}, indent=2, sort_keys=True) + "\n"
