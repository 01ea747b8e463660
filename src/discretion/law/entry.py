"""The format of ``schema/jurisdictions/*.yaml``: one pydantic model per kind of rule.

One file is one jurisdiction; the file's name is its key. The field descriptions below are used twice: as
advice when a key is missing, and in the printed JSON Schema (``schema/jsonschema``) that editors show.
"""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from discretion.catalogue.entry_base import Entry, Text
from discretion.catalogue.model import Family
from discretion.law.jurisdiction import (
    ClockStart,
    DeadlineStep,
    PauseReason,
    RetentionStart,
    Right,
    RuleConfidence,
    TimeLength,
    TimeUnit,
)
from discretion.law.model import ADULT_YEARS, AgeRequirement, ConsentModel

_LENGTH_PATTERN = re.compile(r"([1-9][0-9]{0,3}) (cd|bd|mo)|at_once")


def _parse_day(text: Any) -> date:
    try:
        return date.fromisoformat(text)
    except (TypeError, ValueError):
        raise PydanticCustomError("day", "a date, such as 2026-01-31") from None


def _parse_length(text: Any) -> TimeLength:
    match = _LENGTH_PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("length", "a length of time: 45 cd, 15 bd, 1 mo or at_once")
    return TimeLength(int(match[1] or 0), TimeUnit(match[2] or TimeUnit.AT_ONCE))


DayText = Annotated[date, BeforeValidator(_parse_day)]
LengthText = Annotated[
    TimeLength,
    BeforeValidator(_parse_length),
    WithJsonSchema({"type": "string", "pattern": f"^({_LENGTH_PATTERN.pattern})$"}),
]


class RuleEntry(Entry):
    """A rule with its period of validity and its source in the law."""

    start: DayText = Field(alias="from", description="the day it takes effect, such as 2018-05-25")
    until: DayText | None = Field(
        default=None, description="the first day on which it is no longer in force, if any"
    )
    source: Text = Field(description="the article of law that contains it")
    confidence: RuleConfidence = Field(
        default=RuleConfidence.SURE,
        description="sure, probable or unsure; an unsure rule applies only where it is stricter",
    )
    note: Text | None = Field(default=None, description="why it is not sure; required if it is not")


class ConsentEntry(RuleEntry):
    """The consent model of some families of purposes."""

    families: list[Family] = Field(min_length=1, description="families of purposes, such as [messages]")
    model: ConsentModel = Field(description="notice, basis (what the catalogue names), opt_out or opt_in")


class SensitiveEntry(RuleEntry):
    """Kinds of data with extra protection."""

    kinds: list[Text] = Field(min_length=1, description="kinds of the catalogue's sensitive.yaml")
    model: ConsentModel = Field(
        description="opt_in (express consent) or opt_out (unless the person limits it)"
    )


class AgeEntry(RuleEntry):
    """What some families of purposes need below an age."""

    below: int = Field(ge=1, le=ADULT_YEARS, description="age in years; the rule applies to younger people")
    needs: AgeRequirement = Field(description="own, guardian or never")
    families: list[Family] = Field(min_length=1, description="families of purposes, such as [sharing]")
    places: list[Text] = Field(default=[], description="the only places where it applies; none means all")


class SignalsEntry(RuleEntry):
    """Whether an opt-out signal, such as Global Privacy Control, is binding."""

    bind: bool = Field(description="true if a signal is a binding opt-out")


class RenewalEntry(RuleEntry):
    """Whether consent must be given again after a material change of the notice."""

    anew: bool = Field(description="true if a changed notice needs new consent")


class RightEntry(RuleEntry):
    """Rights that a person has."""

    rights: list[Right] = Field(min_length=1, description="rights of the person, such as [access, erasure]")
    look_back: DayText | None = Field(
        default=None, description="the day before which nothing needs to be disclosed"
    )
    withheld: list[Text] = Field(
        default=[], description="sensitive kinds whose values are never shown, only that they are kept"
    )


class DeadlineEntry(RuleEntry):
    """The deadline for a step of a request."""

    rights: list[Right] = Field(min_length=1, description="the rights it is about, such as [access]")
    step: DeadlineStep = Field(
        description="acknowledge, summary, respond, refuse, extend, appeal, appeal_extend"
    )
    within: LengthText = Field(
        description="45 cd (calendar), 15 bd (business days), 1 mo (months) or at_once"
    )
    clock: ClockStart = Field(
        default=ClockStart.RECEIPT,
        description="what starts the clock: receipt, or identity (when it is proven)",
    )
    pauses: list[PauseReason] = Field(default=[], description="reasons for a pause: identity, clarification")
    rolls: bool = Field(
        default=False, description="true if an end on a weekend or holiday moves to the next working day"
    )


class KeepingEntry(RuleEntry):
    """Data that another law requires to be kept after an erasure."""

    events: list[Text] = Field(min_length=1, description="event types, such as [Order Completed]")
    properties: list[Text] = Field(min_length=1, description="their properties that must be kept")
    length: LengthText = Field(alias="for", description="how long, such as 72 mo")
    counts: RetentionStart = Field(description="event, or year_end: from the end of the calendar year")


class AuthorityEntry(Entry):
    """The supervisory authority that takes complaints."""

    name: Text = Field(description="its name as used in the country")
    url: Text = Field(description="the web address for complaints")


class JurisdictionFile(Entry):
    """A jurisdiction: the places where it applies, and its rules with their dates."""

    label: Text = Field(description="a few words, for lists")
    law: Text = Field(description="the name of the law")
    places: list[Text] = Field(default=[], description="ISO 3166-1 and -2 codes, such as DE or US-CA")
    without: list[Text] = Field(default=[], description="parts of the places where it does not apply")
    called: dict[str, list[Text]] = Field(
        default={}, description="names of places as written in addresses, by code"
    )
    time_zone: Text = Field(description="the IANA time zone whose midnights count, such as Europe/Brussels")
    holidays: Text | None = Field(
        default=None, description="the place whose public holidays count, such as US or GB-ENG"
    )
    authority: AuthorityEntry = Field(description="the supervisory authority: name and url")
    consent: list[ConsentEntry] = Field(
        default=[], description="the consent model of each family of purposes"
    )
    sensitive: list[SensitiveEntry] = Field(default=[], description="kinds of data with extra protection")
    ages: list[AgeEntry] = Field(default=[], description="requirements below an age")
    signals: list[SignalsEntry] = Field(description="whether opt-out signals are binding")
    renewal: list[RenewalEntry] = Field(description="whether a changed notice needs new consent")
    rights: list[RightEntry] = Field(default=[], description="rights of the person")
    deadlines: list[DeadlineEntry] = Field(default=[], description="deadlines for answering requests")
    keeping: list[KeepingEntry] = Field(
        default=[], description="data that another law requires to be kept after an erasure"
    )


def print_jurisdiction_schema() -> str:
    """Return the format of a jurisdiction file as JSON Schema (2020-12), for editors."""
    schema = JurisdictionFile.model_json_schema()
    dialect = "https://json-schema.org/draft/2020-12/schema"
    return json.dumps({"$schema": dialect, **schema}, indent=2, sort_keys=True) + "\n"
