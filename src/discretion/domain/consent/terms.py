"""Terms: what a person agreed to or refused, as it was at that time.

Terms contain no personal data, so they are stored once for everybody, under the SHA-256 of their content.
Field names are part of that content: to rename one would change the digest that stored events refer to.

The fields are those that ISO/IEC TS 27560:2023 requires on every record besides the event (6.3.4 to 6.3.6):
purpose, data, controller, recipients, place and duration of storage, and how to withdraw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from discretion.catalogue.model import Attribute, Basis, Catalogue, EventType, Purpose
from discretion.catalogue.recipient import RecipientRole
from discretion.domain.notices.privacy_office import PrivacyOffice

WITHDRAWAL = "mutation withdrawConsent, or at the address"
"""How a consent is withdrawn, besides the web address: one call, no reason. Stored in the terms."""


@dataclass(frozen=True, slots=True)
class DataCategoryTerms:
    """A data category, its longest retention for the purpose (ISO 8601), and its sensitive kinds."""

    category: str
    retention: tuple[str, ...]
    sensitive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ControllerParty:
    """The data controller as the terms of a purpose name it."""

    name: str
    address: str
    contact: str


@dataclass(frozen=True, slots=True)
class ConsentTerms:
    """What is done for a purpose and by whom. ``lasts`` is the validity of a consent (ISO 8601), or empty."""

    purpose: str
    label: str
    description: str
    meaning: str
    basis: Basis
    lasts: str
    data: tuple[DataCategoryTerms, ...]
    controller: ControllerParty
    recipients: tuple[str, ...]
    storage: str
    withdrawal: str
    withdrawal_url: str
    rights_url: str
    authority: str

    def build_document(self) -> dict[str, Any]:
        """Build the document that is stored and shown; it has JSON values only."""
        document: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return document

    def compute_digest(self) -> bytes:
        """Return the SHA-256 of the canonical JSON; equal terms have equal digests."""
        return digest_terms(self.build_document())


def digest_terms(document: Mapping[str, Any]) -> bytes:
    """Return the digest under which terms are stored: SHA-256 of their canonical JSON."""
    # Stored events refer to this digest: other separators or another order of keys would change it.
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


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
