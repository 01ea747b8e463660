"""Terms: what somebody agreed to or refused, as it stood then. Nothing personal, so kept once for all.

The fields are those that ISO/IEC TS 27560:2023 wants on every record beside the event itself (6.3.4 to
6.3.6): purpose, data, controller, recipients, where and how long they are kept, and how to withdraw.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from discretion.catalogue.model import Attribute, Basis, Catalogue, EventType, Purpose
from discretion.catalogue.recipient import Role
from discretion.domain.notices.privacy_office import Office

WITHDRAWAL = "mutation withdrawConsent, or at the address"
"""How a consent is taken back, beside the web address where it is: one call, no reason."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A category of data, how long at most (ISO 8601) it serves the purpose, its sensitive kinds."""

    category: str
    retention: tuple[str, ...]
    sensitive: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Party:
    """Whoever answers for the data."""

    name: str
    address: str
    contact: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What is done for a purpose, and by whom. ``lasts`` is how long a consent counts, or empty."""

    purpose: str
    label: str
    description: str
    meaning: str
    basis: Basis
    lasts: str
    data: tuple[Kept, ...]
    controller: Party
    recipients: tuple[str, ...]
    storage: str
    withdrawal: str
    withdrawal_url: str
    rights_url: str
    authority: str

    def document(self) -> dict[str, Any]:
        """As it is kept and shown: JSON values, nothing else."""
        told: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return told

    def digest(self) -> bytes:
        """SHA-256 of its canonical JSON: the same terms have the same."""
        return digest(self.document())


def digest(document: Mapping[str, Any]) -> bytes:
    """What terms are kept under."""
    canonical = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(canonical.encode()).digest()


def terms(catalogue: Catalogue, office: Office, purpose: Purpose) -> Terms:
    """The terms of a purpose, as the catalogue has them now."""
    return Terms(
        purpose=purpose.key,
        label=purpose.label,
        description=purpose.description,
        meaning=purpose.meaning,
        basis=purpose.basis,
        lasts=purpose.lasts,
        data=_data(catalogue, purpose),
        controller=Party(catalogue.controller, office.address, office.email),
        recipients=_recipients(catalogue, purpose),
        storage=office.storage,
        withdrawal=WITHDRAWAL,
        withdrawal_url=office.withdrawal,
        rights_url=office.rights,
        authority=office.authority,
    )


def _recipients(catalogue: Catalogue, purpose: Purpose) -> tuple[str, ...]:
    """Who outside the retailer's own people receives data for it (GDPR Art. 4(9))."""
    known = catalogue.recipients.values()
    return tuple(one.label for one in known if one.role is not Role.STAFF and purpose.key in one.purposes)


def _data(catalogue: Catalogue, purpose: Purpose) -> tuple[Kept, ...]:
    """The data a purpose may use, by category; a purpose's own retention is the shorter one."""
    known: list[Attribute | EventType] = [*catalogue.attributes.values(), *catalogue.events.values()]
    held: dict[str, list[Attribute | EventType]] = {}
    for one in known:
        if any(use.purpose.key == purpose.key for use in one.uses):
            held.setdefault(one.category, []).append(one)
    return tuple(
        Kept(
            category,
            (purpose.retention,) if purpose.retention else tuple(sorted({one.retention for one in those})),
            those[0].kinds,
        )
        for category, those in sorted(held.items())
    )
