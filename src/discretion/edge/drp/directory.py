"""The entry of this business in the directory by which agents find it (DRP 1.0, section 3.05.2)."""

from __future__ import annotations

from discretion.domain.notices.privacy_office import AgentDirectoryListing
from discretion.edge.drp.protocol_terms import IDENTITIES, SUPPORTED


def build_directory_entry(
    listing: AgentDirectoryListing, business_name: str, api_base: str, policy_url: str
) -> dict[str, object]:
    """Return the entry; ``api_base`` is the URL of the API, ``policy_url`` that of the privacy notice."""
    return {
        "id": listing.id,
        "name": business_name,
        "logo": listing.logo,
        "api_base": api_base,
        "supported_actions": list(SUPPORTED),
        "supported_verifications": list(IDENTITIES),
        "privacy_policy_url": policy_url,
        "web_url": listing.web,
        "technical_contact": listing.technical,
        "business_contact": listing.contact,
    }
