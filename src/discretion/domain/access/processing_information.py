"""Package sections about the processing: controller, laws, purposes, categories, recipients and sources."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from discretion.catalogue.retention_cut_off import RetainedType
from discretion.domain.access.package_sections import PACKAGE_FORMAT, build_row
from discretion.domain.access.package_subject import PackageSubject, list_purpose_keys
from discretion.domain.notices.privacy_office import PrivacyOffice
from discretion.law.local_days import find_local_day
from discretion.reveal.forms import format_timestamp

RowIterator = Iterator[dict[str, object]]

GENERAL_INFORMATION: Mapping[str, str] = {
    "Automated decisions": "None. No decision about you that has legal or similarly serious effects is taken "
    "by a machine alone (GDPR Art. 22). What is inferred from events is marked in 'values', with how.",
    "Your rights": "You can have data corrected, erased or restricted, take them elsewhere, object, take "
    "back a consent, and complain to an authority (GDPR Art. 15(1)(e), (f)).",
    "Withheld": "Where a law forbids to send something, it is named and not shown, with that law.",
}
"""Facts that are true of every package."""


def list_about_rows(subject: PackageSubject, office: PrivacyOffice, right: str, now: int) -> RowIterator:
    """Yield facts about the package and its controller."""
    customer = subject.customer
    facts = {
        "Format": PACKAGE_FORMAT,
        "Right": right,
        "Made": format_timestamp(now),
        "Controller": office.address,
        "Write to": office.email,
        "Data protection officer": office.officer,
        "Where data are kept": office.storage,
        "Where rights are exercised": office.rights,
        "Supervisory authority": office.authority,
        "Customer since": format_timestamp(customer.created),
        "Last changed": format_timestamp(customer.updated),
        "Processing restricted": "yes" if customer.permissions.restricted else "no",
        **GENERAL_INFORMATION,
    }
    if subject.limits.since:
        facts["Not older than"] = format_timestamp(subject.limits.since)
    for fact, description in facts.items():
        yield build_row("about", fact=fact, says=description)


def list_law_rows(subject: PackageSubject) -> RowIterator:
    """Yield the laws that protect the customer, each with its authority and the rights in force that day."""
    received = subject.request.received
    for law in subject.laws:
        day = find_local_day(received, law.zone)
        yield build_row(
            "laws",
            law=law.law,
            place=law.label,
            authority=law.authority.name,
            authority_url=law.authority.url,
            rights=sorted(
                {
                    entitlement.right.value
                    for entitlement in law.rights
                    if entitlement.citation.is_in_force(day)
                }
            ),
        )


def list_purpose_rows(subject: PackageSubject, permitted: int) -> RowIterator:
    """Yield every purpose. ``permitted`` are the bits of the purposes the customer's data may serve now."""
    catalogue = subject.catalogue
    for purpose in catalogue.purposes.values():
        yield build_row(
            "purposes",
            purpose=purpose.key,
            label=purpose.label,
            meaning=purpose.meaning,
            basis=purpose.basis.value,
            permitted=bool(permitted >> purpose.bit & 1),
            consent_lasts=purpose.lasts or None,
            kept_for=purpose.retention or None,
            recipients=[
                key for key, recipient in catalogue.recipients.items() if purpose.key in recipient.purposes
            ],
        )


def list_category_rows(subject: PackageSubject) -> RowIterator:
    """Yield every data category that is kept of customers."""
    by_category: dict[str, list[tuple[str, RetainedType]]] = {}
    for attribute in subject.catalogue.attributes.values():
        by_category.setdefault(attribute.category, []).append((attribute.path, attribute))
    for event in subject.catalogue.events.values():
        by_category.setdefault(event.category, []).append((event.key, event))
    for category, declarations in sorted(by_category.items()):
        yield build_row(
            "categories",
            category=category,
            data=[name for name, _ in declarations],
            purposes=sorted(
                {key for _, declaration in declarations for key in list_purpose_keys(declaration)}
            ),
            kept_for=sorted({declaration.retention for _, declaration in declarations}),
            sensitive=sorted({kind for _, declaration in declarations for kind in declaration.kinds}),
        )


def list_recipient_rows(subject: PackageSubject) -> RowIterator:
    """Yield every recipient, and the countries data are transferred to."""
    for recipient in subject.catalogue.recipients.values():
        yield build_row(
            "recipients",
            recipient=recipient.key,
            label=recipient.label,
            description=recipient.description,
            role=recipient.role.value,
            purposes=list(recipient.purposes),
            transfers=dict(recipient.transfers),
        )


def list_source_rows(subject: PackageSubject) -> RowIterator:
    """Yield every source that may send data about customers."""
    for source in subject.catalogue.sources.values():
        yield build_row("sources", source=source.key, label=source.label, channel=source.channel.value)


def list_event_type_rows(subject: PackageSubject) -> RowIterator:
    """Yield every event type that may be recorded."""
    for event_type in subject.catalogue.events.values():
        yield build_row(
            "event_types",
            name=event_type.key,
            says=event_type.description,
            category=event_type.category,
            kept_for=event_type.retention,
            purposes=list_purpose_keys(event_type),
            sensitive=list(event_type.kinds),
        )
