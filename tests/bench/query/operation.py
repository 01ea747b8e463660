"""What every server is asked: 13 attributes of one customer, and of a page of customers."""

from __future__ import annotations

from typing import Final

ATTRIBUTES: Final = (
    "identity.givenName",
    "identity.familyName",
    "contact.email",
    "contact.phone",
    "contact.address.street",
    "contact.address.city",
    "contact.address.postalCode",
    "contact.address.country",
    "demographics.birthDate",
    "commerce.loyaltyTier",
    "commerce.lifetimeValue",
    "commerce.orderCount",
    "preferences.language",
)
PURPOSE: Final = "essential.legal_obligation"
"""Shows every attribute of everybody in clear: all there is to fetch, open, check and send."""

ASKED: Final = (
    "id identity { givenName familyName } "
    "contact { email phone address { street city postalCode country } } "
    "demographics { birthDate } commerce { loyaltyTier lifetimeValue orderCount } preferences { language }"
)
ONE: Final = f"query One($id: ID!) {{ customer(id: $id) {{ {ASKED} }} }}"
MANY: Final = f"query Many($first: Int!) {{ customers(first: $first) {{ nodes {{ {ASKED} }} }} }}"
