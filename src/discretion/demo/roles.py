"""The roles of the demo: one for each kind of token, with a first query to try."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.token.grant import SELF

CUSTOMER_CLIENT = "customer-app"
SHOWN_EMAIL = "greta.albrecht@post.example"
"""The e-mail address of Greta of the cast, the customer that the demo shows to every role."""

SHOWN_ACCOUNT = "w-greta"
"""Greta's account number, with which the customer's own token of the demo is issued."""


@dataclass(frozen=True, slots=True)
class DemoRole:
    """A caller: the client and the purposes of its token, and a query."""

    name: str
    client: str
    purposes: tuple[str, ...]
    query: str
    scopes: tuple[str, ...] = ()


ROLES = (
    DemoRole(
        "frontend",
        "shop-frontend",
        ("functional.service", "personalize.content"),
        "{ customers(first: 3) { nodes { id identity { givenName } preferences { language } } } }",
    ),
    DemoRole(
        "support",
        "support-desk",
        ("essential.service.operations.support",),
        "{ customers(first: 3) { nodes { identity { givenName familyName } contact { email phone } "
        "events(first: 2) { nodes { name occurredAt properties } } } } }",
    ),
    DemoRole(
        "marketing",
        "campaigns",
        ("marketing.communications.email", "marketing.advertising.first_party"),
        "{ customers(first: 3) { nodes { contact { email } demographics { birthDate } "
        "commerce { loyaltyTier } } } }",
    ),
    DemoRole(
        "analytics",
        "reporting",
        ("analytics.reporting",),
        "{ customers(first: 3, orderBy: { by: COMMERCE_ORDER_COUNT, descending: true }) { totalCount "
        "nodes { contact { address { country } } commerce { orderCount } } } }",
    ),
    DemoRole(
        "partner",
        "ad-partner",
        ("marketing.advertising.third_party.targeted",),
        "{ customers(first: 3) { totalCount nodes { id demographics { birthDate } "
        "commerce { loyaltyTier } } } }",
    ),
    DemoRole(
        "customer",
        CUSTOMER_CLIENT,
        (SELF,),
        "{ me { identity { givenName } contact { email } disclosures(first: 3) { nodes { at client "
        "attributes } } } }",
    ),
    DemoRole(
        "steward",
        "privacy-office",
        ("essential.legal_obligation",),
        f'{{ customer(identifier: {{ type: "email", value: "{SHOWN_EMAIL}" }}) {{ identity {{ givenName }} '
        "disclosures(first: 3) { nodes { at client purposes attributes } } } }",
        ("steward",),
    ),
)
