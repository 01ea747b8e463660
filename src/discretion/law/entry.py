"""What may be written in ``schema/jurisdictions/*.yaml``: one model per kind of rule.

One file is one jurisdiction; its name is the key. The descriptions below are the advice for a
missing key, and, printed as JSON Schema (``schema/jsonschema``), what an editor shows while one types.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from discretion.catalogue.entry import Entry, Text
from discretion.catalogue.model import Family
from discretion.law.jurisdiction import Clock, Confidence, Counts, Length, Right, Step, Stop, Unit
from discretion.law.model import ADULT_YEARS, Model, Needs

_LENGTH = re.compile(r"([1-9][0-9]{0,3}) (cd|bd|mo)|at_once")


def _day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise PydanticCustomError("day", "a date, such as 2026-01-31") from None


def _length(text: Any) -> Length:
    found = _LENGTH.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise PydanticCustomError("length", "a length of time: 45 cd, 15 bd, 1 mo or at_once")
    return Length(int(found[1] or 0), Unit(found[2] or Unit.AT_ONCE))


Day = Annotated[date, BeforeValidator(_day)]
Span = Annotated[
    Length,
    BeforeValidator(_length),
    WithJsonSchema({"type": "string", "pattern": f"^({_LENGTH.pattern})$"}),
]


class RuleEntry(Entry):
    """A rule, since when it holds, and where it stands."""

    start: Day = Field(alias="from", description="the day it takes effect, such as 2018-05-25")
    until: Day | None = Field(default=None, description="the day it no longer holds, if there is one")
    source: Text = Field(description="the article of law it stands in")
    confidence: Confidence = Field(
        default=Confidence.SURE,
        description="sure, probable or unsure; what is unsure holds only where it is stricter",
    )
    note: Text | None = Field(default=None, description="why it is not sure; needed if it is not")


class ConsentEntry(RuleEntry):
    """What lets purposes of some families be pursued."""

    families: list[Family] = Field(min_length=1, description="families of purposes, such as [messages]")
    model: Model = Field(description="notice, basis (what the catalogue names), opt_out or opt_in")


class SensitiveEntry(RuleEntry):
    """Kinds of data that are protected more."""

    kinds: list[Text] = Field(min_length=1, description="kinds of the catalogue's sensitive.yaml")
    model: Model = Field(description="opt_in (an express yes) or opt_out (until it is limited)")


class AgeEntry(RuleEntry):
    """What purposes of some families take below an age."""

    below: int = Field(ge=1, le=ADULT_YEARS, description="whoever is younger, in years")
    needs: Needs = Field(description="own, guardian or never")
    families: list[Family] = Field(min_length=1, description="families of purposes, such as [sharing]")
    places: list[Text] = Field(default=[], description="the only places it holds in; none means all")


class SignalsEntry(RuleEntry):
    """Whether an opt-out signal, such as Global Privacy Control, binds."""

    bind: bool = Field(description="true if a signal is an opt-out")


class RenewalEntry(RuleEntry):
    """Whether a consent outlives a material change of the notice."""

    anew: bool = Field(description="true if a changed notice takes a new yes")


class RightEntry(RuleEntry):
    """Rights that a person has."""

    rights: list[Right] = Field(min_length=1, description="what may be asked for, such as [access, erasure]")
    look_back: Day | None = Field(default=None, description="the day before which nothing need be told")
    withheld: list[Text] = Field(
        default=[], description="sensitive kinds of which only the keeping is told, never the value"
    )


class DeadlineEntry(RuleEntry):
    """By when a step of a request is due."""

    rights: list[Right] = Field(min_length=1, description="the rights it is about, such as [access]")
    step: Step = Field(description="acknowledge, summary, respond, refuse, extend, appeal, appeal_extend")
    within: Span = Field(description="45 cd (calendar), 15 bd (business days), 1 mo (months) or at_once")
    clock: Clock = Field(default=Clock.RECEIPT, description="receipt, or identity: when it is proven")
    pauses: list[Stop] = Field(default=[], description="why it may stand still: identity, clarification")
    rolls: bool = Field(
        default=False, description="true if an end on a weekend or holiday moves to the next working day"
    )


class KeepingEntry(RuleEntry):
    """What another law orders kept although the person had it erased."""

    events: list[Text] = Field(min_length=1, description="event types, such as [Order Completed]")
    properties: list[Text] = Field(min_length=1, description="their properties that belong to it")
    length: Span = Field(alias="for", description="how long, such as 72 mo")
    counts: Counts = Field(description="event, or year_end: from the end of the calendar year")


class AuthorityEntry(Entry):
    """Where to complain."""

    name: Text = Field(description="its name, as people there call it")
    url: Text = Field(description="where it takes complaints")


class JurisdictionFile(Entry):
    """A jurisdiction: where it holds, and what it demands since when."""

    label: Text = Field(description="a few words, for lists")
    law: Text = Field(description="the name of the law")
    places: list[Text] = Field(default=[], description="ISO 3166-1 and -2 codes, such as DE or US-CA")
    without: list[Text] = Field(default=[], description="parts of the places where it does not hold")
    called: dict[str, list[Text]] = Field(
        default={}, description="names that addresses have for a place, by its code"
    )
    time_zone: Text = Field(description="the IANA time zone whose midnights count, such as Europe/Brussels")
    holidays: Text | None = Field(
        default=None, description="the place whose holidays are no working days, such as US or GB-ENG"
    )
    authority: AuthorityEntry = Field(description="where to complain: name and url")
    consent: list[ConsentEntry] = Field(default=[], description="what each family of purposes takes")
    sensitive: list[SensitiveEntry] = Field(default=[], description="kinds of data that are protected more")
    ages: list[AgeEntry] = Field(default=[], description="what it takes below an age")
    signals: list[SignalsEntry] = Field(description="whether opt-out signals bind")
    renewal: list[RenewalEntry] = Field(description="whether a changed notice takes a new yes")
    rights: list[RightEntry] = Field(default=[], description="rights that people have")
    deadlines: list[DeadlineEntry] = Field(default=[], description="by when a request is answered")
    keeping: list[KeepingEntry] = Field(
        default=[], description="what another law orders kept although the person had it erased"
    )


def json_schema() -> str:
    """The same as JSON Schema (2020-12), for editors."""
    schema = JurisdictionFile.model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **schema}, indent=2, sort_keys=True) + "\n"
