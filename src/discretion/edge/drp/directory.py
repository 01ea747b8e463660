"""What agents find us by: our entry in the directory of businesses (DRP 1.0, section 3.05.2)."""

from __future__ import annotations

from typing import Any

from discretion.domain.notices.privacy_office import Listing
from discretion.edge.drp.protocol_terms import IDENTITIES, SUPPORTED


def business(listing: Listing, name: str, base: str, policy: str) -> dict[str, Any]:
    """The document; ``base`` is the address of our API, ``policy`` that of the privacy notice."""
    return {
        "id": listing.id,
        "name": name,
        "logo": listing.logo,
        "api_base": base,
        "supported_actions": list(SUPPORTED),
        "supported_verifications": list(IDENTITIES),
        "privacy_policy_url": policy,
        "web_url": listing.web,
        "technical_contact": listing.technical,
        "business_contact": listing.contact,
    }
