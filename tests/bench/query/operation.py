"""The operations that all servers execute: 13 attributes of one customer and of a page of customers."""

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
"""A purpose that shows all attributes of all customers in clear, which is the largest amount of work."""

SELECTION: Final = (
    "id identity { givenName familyName } "
    "contact { email phone address { street city postalCode country } } "
    "demographics { birthDate } commerce { loyaltyTier lifetimeValue { amount currency } orderCount } "
    "preferences { language }"
)
ONE_CUSTOMER: Final = f"query One($id: ID!) {{ customer(id: $id) {{ {SELECTION} }} }}"
CUSTOMER_PAGE: Final = (
    f"query Many($first: Int!) {{ customers(first: $first) {{ nodes {{ {SELECTION} }} }} }}"
)
