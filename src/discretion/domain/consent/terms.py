"""Terms of the current catalogue: what a person agrees to or refuses now."""

from __future__ import annotations

from discretion.catalogue.model import Attribute, Catalogue, EventType, Purpose
from discretion.catalogue.recipient import RecipientRole
from discretion.domain.notices.privacy_office import PrivacyOffice
from discretion.store.consent_terms import ConsentTerms, ControllerParty, DataCategoryTerms

WITHDRAWAL = "mutation withdrawConsent, or at the address"
"""How a consent is withdrawn, besides the web address: one call, no reason. Stored in the terms."""


def build_terms(catalogue: Catalogue, office: PrivacyOffice, purpose: Purpose) -> ConsentTerms:
    """Build the terms of a purpose from the current catalogue."""
    return ConsentTerms(
        purpose=purpose.key,
        label=purpose.label,
        description=purpose.description,
        meaning=purpose.meaning,
        basis=purpose.basis,
        lasts=purpose.lasts,
        data=_list_data_categories(catalogue, purpose),
        controller=ControllerParty(catalogue.controller, office.address, office.email),
        recipients=_list_recipients(catalogue, purpose),
        storage=office.storage,
        withdrawal=WITHDRAWAL,
        withdrawal_url=office.withdrawal,
        rights_url=office.rights,
        authority=office.authority,
    )


def _list_recipients(catalogue: Catalogue, purpose: Purpose) -> tuple[str, ...]:
    """Return the recipients of data for a purpose, without the retailer's own staff (GDPR Art. 4(9))."""
    recipients = catalogue.recipients.values()
    return tuple(
        recipient.label
        for recipient in recipients
        if recipient.role is not RecipientRole.STAFF and purpose.key in recipient.purposes
    )


def _list_data_categories(catalogue: Catalogue, purpose: Purpose) -> tuple[DataCategoryTerms, ...]:
    """Return the data that a purpose may use, by category.

    If the purpose has a retention of its own, the terms name that instead of the retention of the data.
    """
    declarations: list[Attribute | EventType] = [*catalogue.attributes.values(), *catalogue.events.values()]
    declarations_by_category: dict[str, list[Attribute | EventType]] = {}
    for declaration in declarations:
        if any(use.purpose.key == purpose.key for use in declaration.uses):
            declarations_by_category.setdefault(declaration.category, []).append(declaration)
    return tuple(
        DataCategoryTerms(
            category,
            (purpose.retention,)
            if purpose.retention
            else tuple(sorted({declaration.retention for declaration in category_declarations})),
            category_declarations[0].kinds,
        )
        for category, category_declarations in sorted(declarations_by_category.items())
    )
