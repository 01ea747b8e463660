"""A package's meaning: who made it, which laws protect the person, what data are for, who receives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from discretion.catalogue.retention_cut_off import Thing
from discretion.domain.access.package_sections import FORMAT, row
from discretion.domain.access.package_subject import Subject, purposes
from discretion.domain.notices.privacy_office import Office
from discretion.law.local_days import local_day
from discretion.reveal.forms import iso

Rows = Iterator[dict[str, Any]]

ABOUT: Mapping[str, str] = {
    "Automated decisions": "None. No decision about you that has legal or similarly serious effects is taken "
    "by a machine alone (GDPR Art. 22). What is inferred from events is marked in 'values', with how.",
    "Your rights": "You can have data corrected, erased or restricted, take them elsewhere, object, take "
    "back a consent, and complain to an authority (GDPR Art. 15(1)(e), (f)).",
    "Withheld": "Where a law forbids to send something, it is named and not shown, with that law.",
}
"""What is true of every package."""


def about(subject: Subject, office: Office, right: str, now: int) -> Rows:
    """Who made it, when, for whom."""
    doc = subject.row.doc
    facts = {
        "Format": FORMAT,
        "Right": right,
        "Made": iso(now),
        "Controller": office.address,
        "Write to": office.email,
        "Data protection officer": office.officer,
        "Where data are kept": office.storage,
        "Where rights are exercised": office.rights,
        "Supervisory authority": office.authority,
        "Customer since": iso(doc["created"]),
        "Last changed": iso(doc["updated"]),
        "Processing restricted": "yes" if doc["restricted"] else "no",
        **ABOUT,
    }
    if subject.limits.since:
        facts["Not older than"] = iso(subject.limits.since)
    for fact, says in facts.items():
        yield row("about", fact=fact, says=says)


def laws(subject: Subject) -> Rows:
    """The laws, who watches over each, and what it lets the person ask for."""
    at = subject.request["received"]
    for law in subject.laws:
        day = local_day(at, law.zone)
        yield row(
            "laws",
            law=law.law,
            place=law.label,
            authority=law.authority.name,
            authority_url=law.authority.url,
            rights=sorted({one.right.value for one in law.rights if one.cited.holds(day)}),
        )


def uses(subject: Subject, permitted: int) -> Rows:
    """Every purpose; ``permitted`` are the bits of those that the person's data may serve now."""
    catalogue = subject.catalogue
    for one in catalogue.purposes.values():
        yield row(
            "purposes",
            purpose=one.key,
            label=one.label,
            meaning=one.meaning,
            basis=one.basis.value,
            permitted=bool(permitted >> one.bit & 1),
            consent_lasts=one.lasts or None,
            kept_for=one.retention or None,
            recipients=[key for key, who in catalogue.recipients.items() if one.key in who.purposes],
        )


def categories(subject: Subject) -> Rows:
    """Every kind of data that is kept of anybody."""
    by_category: dict[str, list[tuple[str, Thing]]] = {}
    for attribute in subject.catalogue.attributes.values():
        by_category.setdefault(attribute.category, []).append((attribute.path, attribute))
    for event in subject.catalogue.events.values():
        by_category.setdefault(event.category, []).append((event.key, event))
    for category, things in sorted(by_category.items()):
        yield row(
            "categories",
            category=category,
            data=[name for name, _ in things],
            purposes=sorted({key for _, one in things for key in purposes(one)}),
            kept_for=sorted({one.retention for _, one in things}),
            sensitive=sorted({kind for _, one in things for kind in one.kinds}),
        )


def recipients(subject: Subject) -> Rows:
    """Everybody who may receive data, and which countries it goes to."""
    for one in subject.catalogue.recipients.values():
        yield row(
            "recipients",
            recipient=one.key,
            label=one.label,
            description=one.description,
            role=one.role.value,
            purposes=list(one.purposes),
            transfers=dict(one.transfers),
        )


def sources(subject: Subject) -> Rows:
    """Every source that may tell of a person."""
    for one in subject.catalogue.sources.values():
        yield row("sources", source=one.key, label=one.label, channel=one.channel.value)


def event_types(subject: Subject) -> Rows:
    """Every kind of event that may be noted."""
    for one in subject.catalogue.events.values():
        yield row(
            "event_types",
            name=one.key,
            says=one.description,
            category=one.category,
            kept_for=one.retention,
            purposes=purposes(one),
            sensitive=list(one.kinds),
        )
