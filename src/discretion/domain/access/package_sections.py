"""The sections of a package and their columns. Every file format is generated from this table.

The sections answer GDPR Art. 15(1) and (2) point by point, and what other laws require in addition.
``PORTABILITY_SECTIONS`` are those that Art. 20 requires in a portable form.

The titles and descriptions are part of the published JSON Schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

PACKAGE_FORMAT = "discretion/package/1"
"""Version of the format. Sections and columns may be added. None may be removed or change its meaning."""


class ColumnKind(StrEnum):
    """Type of the values of a column. Every value may be null."""

    TEXT = "text"
    TIME = "time"  # RFC 3339, UTC
    NUMBER = "number"
    FLAG = "flag"
    LIST = "list"  # of texts
    ANY = "any"  # any JSON value, as the source sent it


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``description`` is shown to the customer."""

    name: str
    kind: ColumnKind
    description: str


@dataclass(frozen=True, slots=True)
class PackageSection:
    """One section: a kind of rows. ``law`` cites the provision that requires it."""

    key: str
    title: str
    description: str
    law: str
    columns: tuple[Column, ...]


def _build_section(
    key: str, title: str, description: str, law: str, *columns: tuple[str, ColumnKind, str]
) -> PackageSection:
    return PackageSection(key, title, description, law, tuple(Column(*column) for column in columns))


_TEXT, _TIME, _NUMBER, _FLAG, _LIST, _ANY = ColumnKind
_AT = ("at", _TIME, "When.")
_KEPT_UNTIL = ("kept_until", _TIME, "When it is deleted, if nothing newer is told.")
_WITHHELD = ("withheld", _TEXT, "The law that forbids to show it; that it is kept is all that is told.")
_RECORD = ("record", _TEXT, "Which of the records in 'records'.")
_SOURCE = ("source", _TEXT, "Who told it; 'self' is you, 'computed' follows from events.")
_CHANNEL = ("channel", _TEXT, "Where: web, store or app.")
_PURPOSES = ("purposes", _LIST, "What for; 'purposes' says more of each.")

SECTIONS: tuple[PackageSection, ...] = (
    _build_section(
        "about",
        "About this package",
        "Who made it, when, and what to know of it.",
        "GDPR Art. 12(1)",
        ("fact", _TEXT, "What it is."),
        ("says", _TEXT, "How it is."),
    ),
    _build_section(
        "laws",
        "Laws that protect you",
        "By where you live, as far as we know, and where you can complain.",
        "GDPR Art. 15(1)(f)",
        ("law", _TEXT, "The law."),
        ("place", _TEXT, "Where it holds."),
        ("authority", _TEXT, "Who receives complaints."),
        ("authority_url", _TEXT, "Their address on the web."),
        ("rights", _LIST, "What you can ask for."),
    ),
    _build_section(
        "purposes",
        "What your data are used for",
        "Each purpose, its legal basis, and whether your data may serve it now.",
        "GDPR Art. 15(1)(a)",
        ("purpose", _TEXT, "Its name."),
        ("label", _TEXT, "In words."),
        ("meaning", _TEXT, "What it means to you."),
        ("basis", _TEXT, "Legal basis (GDPR Art. 6(1))."),
        ("permitted", _FLAG, "Whether your data may serve it now."),
        ("consent_lasts", _TEXT, "How long a consent counts; ISO 8601."),
        ("kept_for", _TEXT, "How long data serve it at most; ISO 8601."),
        ("recipients", _LIST, "Who receives data for it."),
    ),
    _build_section(
        "categories",
        "Kinds of data",
        "Which kinds are kept of anybody, what for, and for how long.",
        "GDPR Art. 15(1)(b), (d)",
        ("category", _TEXT, "A Fideslang data category."),
        ("data", _LIST, "Attributes and events of this kind."),
        _PURPOSES,
        ("kept_for", _LIST, "How long; ISO 8601."),
        ("sensitive", _LIST, "As which sensitive kinds some law protects it."),
    ),
    _build_section(
        "recipients",
        "Who may receive data",
        "Staff, processors and third parties, and where data leave for other countries.",
        "GDPR Art. 15(1)(c), (2)",
        ("recipient", _TEXT, "Its name."),
        ("label", _TEXT, "In words."),
        ("description", _TEXT, "Who they are."),
        ("role", _TEXT, "staff, processor or third_party."),
        _PURPOSES,
        ("transfers", _ANY, "Countries outside our legal area, each with what protects data there."),
    ),
    _build_section(
        "sources",
        "Where data come from",
        "Our systems that tell us of you.",
        "GDPR Art. 15(1)(g)",
        ("source", _TEXT, "Its name."),
        ("label", _TEXT, "In words."),
        _CHANNEL,
    ),
    _build_section(
        "values",
        "Your profile",
        "What we hold to be true of you, and what we infer.",
        "GDPR Art. 15(1), (3)",
        ("attribute", _TEXT, "Its name."),
        ("says", _TEXT, "What it is."),
        ("category", _TEXT, "Its kind of data."),
        ("value", _ANY, "What is kept."),
        _SOURCE,
        _CHANNEL,
        ("observed_at", _TIME, "When it was observed."),
        _KEPT_UNTIL,
        ("inferred", _FLAG, "Whether it was computed rather than told."),
        ("follows_from", _TEXT, "From what it was computed."),
        _PURPOSES,
        ("sensitive", _LIST, "As which sensitive kinds some law protects it."),
        _WITHHELD,
    ),
    _build_section(
        "told",
        "What each source told",
        "All that is kept, what we do not go by too.",
        "GDPR Art. 15(1)(g), (3)",
        ("attribute", _TEXT, "Its name."),
        ("value", _ANY, "What was told."),
        _SOURCE,
        _CHANNEL,
        ("observed_at", _TIME, "When it was observed."),
        _KEPT_UNTIL,
        ("believed", _FLAG, "Whether your profile goes by it."),
        ("inferred", _FLAG, "Whether it was computed from what this source told."),
        _RECORD,
        _WITHHELD,
    ),
    _build_section(
        "identifiers",
        "Under what you are known",
        "Addresses, numbers and ids by which sources name you.",
        "GDPR Art. 15(3)",
        ("type", _TEXT, "Such as email or loyalty_id."),
        ("value", _TEXT, "In the one spelling of its type."),
        _SOURCE,
        ("named_at", _TIME, "When it was first named."),
        _RECORD,
        _WITHHELD,
    ),
    _build_section(
        "records",
        "Records",
        "One for each account, card or device under which a source knows you.",
        "GDPR Art. 15(1)(g)",
        _RECORD,
        _SOURCE,
        _CHANNEL,
        ("first", _TIME, "The earliest it tells of."),
        ("last", _TIME, "The latest it tells of."),
        ("restricted", _FLAG, "Whether processing is restricted (GDPR Art. 18)."),
    ),
    _build_section(
        "identity",
        "Who we think is one person",
        "Records that were put together or apart, and profiles that resemble yours: inferences.",
        "GDPR Art. 15(1)",
        ("kind", _TEXT, "merged, parted, resembles, ruled_one or ruled_different."),
        _AT,
        ("by", _TEXT, "Who brought it about."),
        ("profiles", _NUMBER, "How many profiles it was about."),
        ("score", _NUMBER, "How likely it is, from 0 to 1, where that was computed."),
        ("evidence", _ANY, "What spoke for it."),
    ),
    _build_section(
        "said",
        "What you allowed and refused",
        "As each source recorded it; signals of your browser, and the country you were seen in.",
        "GDPR Art. 15(1), Art. 7(1)",
        ("what", _TEXT, "choice, word, guardian, signal or country."),
        ("name", _TEXT, "Of which purpose, which signal, which country."),
        ("given", _FLAG, "Yes or no."),
        _AT,
        ("until", _TIME, "Until when it was given."),
        _SOURCE,
        _RECORD,
    ),
    _build_section(
        "consents",
        "History of consent",
        "Every statement about a purpose, with its receipt, which proves it to anybody.",
        "GDPR Art. 7(1), 15(3)",
        ("id", _TEXT, "Its id, a UUID."),
        ("purpose", _TEXT, "What it was about."),
        ("state", _TEXT, "What it came to."),
        _AT,
        ("received_at", _TIME, "When we received it."),
        ("until", _TIME, "Until when it was given."),
        ("set_aside", _TEXT, "Why an acceptance that a source reported no longer counts."),
        ("by", _TEXT, "Who said it."),
        ("method", _TEXT, "How."),
        _CHANNEL,
        ("basis", _TEXT, "The purpose's legal basis then."),
        ("laws", _LIST, "Whose laws protected you then."),
        ("notice", _ANY, "The privacy notice that was shown."),
        ("signal", _TEXT, "A browser's signal as it came."),
        ("guardian", _TEXT, "The reference to who agreed for a child."),
        ("conflicts_with", _TEXT, "An earlier statement to the contrary."),
        ("terms", _TEXT, "Which of the terms in 'terms'."),
        ("receipt", _TEXT, "The record, signed: a JSON Web Signature."),
    ),
    _build_section(
        "terms",
        "What was agreed to",
        "As it stood when you were asked.",
        "GDPR Art. 7(1)",
        ("terms", _TEXT, "Their digest."),
        ("document", _ANY, "In full."),
    ),
    _build_section(
        "event_types",
        "Kinds of events",
        "What we may note of what you do, what for, and for how long.",
        "GDPR Art. 15(1)(a), (b), (d)",
        ("name", _TEXT, "Its name."),
        ("says", _TEXT, "What it is."),
        ("category", _TEXT, "Its kind of data."),
        ("kept_for", _TEXT, "How long; ISO 8601."),
        _PURPOSES,
        ("sensitive", _LIST, "As which sensitive kinds some law protects it."),
    ),
    _build_section(
        "events",
        "What happened",
        "Everything we noted, the newest first.",
        "GDPR Art. 15(3)",
        ("name", _TEXT, "Which kind."),
        _CHANNEL,
        _SOURCE,
        ("occurred_at", _TIME, "When it happened."),
        ("received_at", _TIME, "When we received it."),
        _KEPT_UNTIL,
        ("properties", _ANY, "What was told of it."),
        _RECORD,
        _WITHHELD,
    ),
    _build_section(
        "disclosures",
        "Who saw your data",
        "Every disclosure, the newest first.",
        "GDPR Art. 15(1)(c)",
        ("receipt", _TEXT, "The number of the disclosure."),
        _AT,
        ("client", _TEXT, "Which system or organisation saw the data."),
        ("own", _FLAG, "Whether it was certainly you."),
        _PURPOSES,
        ("attributes", _LIST, "What they saw."),
        ("forms", _LIST, "How each was shown at most: clear, masked, coarse, pseudonym."),
        ("also", _LIST, "What else they saw or asked by."),
    ),
    _build_section(
        "refused_messages",
        "Messages we could not take in",
        "Kept sealed for some days, to be sent again once the mistake is mended; nobody is shown them.",
        "GDPR Art. 15(1)",
        _SOURCE,
        ("received_at", _TIME, "When it came."),
        ("reason", _TEXT, "Why it was refused."),
        ("place", _TEXT, "Which part of it was wrong."),
        ("deleted_by", _TIME, "When it is gone at the latest."),
    ),
    _build_section(
        "requests",
        "What you asked for",
        "Your requests about your data, and what became of each.",
        "GDPR Art. 15(3)",
        ("id", _TEXT, "Its number."),
        ("right", _TEXT, "What it asked for."),
        ("state", _TEXT, "Where it stands."),
        ("reason", _TEXT, "Why."),
        ("received_at", _TIME, "When it came."),
        ("due_at", _TIME, "By when it was to be answered."),
        ("ended_at", _TIME, "When it was."),
        ("by", _TEXT, "Who asked."),
        ("laws", _LIST, "Whose laws protected you then."),
        ("scope", _ANY, "What exactly."),
        ("asked", _ANY, "What of it is personal, such as values to be corrected."),
        ("messages", _ANY, "What you and the privacy office told each other."),
        ("history", _ANY, "Its turns."),
        ("refusal", _ANY, "Why it was refused, and what can be done."),
    ),
)

SECTIONS_BY_KEY: Mapping[str, PackageSection] = {section.key: section for section in SECTIONS}

ACCESS_SECTIONS = tuple(SECTIONS_BY_KEY)
"""Sections of an access package (GDPR Art. 15)."""

PORTABILITY_SECTIONS = (
    "about",
    "purposes",
    "sources",
    "told",
    "identifiers",
    "records",
    "said",
    "consents",
    "events",
)
"""Sections of a portability package (GDPR Art. 20): data the person provided, nothing inferred."""

RECIPIENT_SECTIONS = ("about", "laws", "purposes", "recipients", "disclosures")
"""Sections that answer who received data (GDPR Art. 15(1)(c))."""

CATEGORY_SECTIONS = ("about", "laws", "purposes", "categories", "recipients", "sources")
"""Sections that describe the data without the values (Cal. Civ. Code 1798.110(a)(1) to (4))."""


def build_row(section_key: str, **values: object) -> dict[str, object]:
    """Return a row of a section with all its columns in order; columns without a value are None.

    Raises:
        KeyError: A column that the section does not have, which is a programming error.
    """
    names = [column.name for column in SECTIONS_BY_KEY[section_key].columns]
    unknown = values.keys() - set(names)
    if unknown:
        raise KeyError(*sorted(unknown))
    return {name: values.get(name) for name in names}
