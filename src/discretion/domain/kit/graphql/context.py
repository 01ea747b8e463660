"""The context of resolvers: the grant, the reading of the operation, and stores."""

from __future__ import annotations

from dataclasses import dataclass

from strawberry.types import Info

from discretion.catalogue.model import Catalogue
from discretion.errors import Forbidden, Unauthenticated
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.revealer import Reading
from discretion.seal.blind_index import BlindIndex
from discretion.seal.pairwise_ids import PairwiseIds
from discretion.store.customers import CustomerStore
from discretion.store.events import EventStore
from discretion.store.identities import IdentityStore
from discretion.token.grant import Grant


@dataclass(frozen=True, slots=True)
class ResolverResources:
    """The stores that resolvers of all packages read; one instance serves all requests."""

    catalogue: Catalogue
    customers: CustomerStore
    events: EventStore
    disclosures: LedgerStorage
    blind_index: BlindIndex
    pairwise: PairwiseIds
    identities: IdentityStore


@dataclass(frozen=True, slots=True)
class ResolverContext:
    """The context of one GraphQL operation; ``grant`` and ``reading`` are None without an access token."""

    resources: ResolverResources
    grant: Grant | None
    reading: Reading | None

    def require_reading(self) -> Reading:
        """Return the reading, through which all customer data are read and recorded.

        Raises:
            Unauthenticated: ``TOKEN_MISSING``.
        """
        if self.reading is None:
            raise Unauthenticated(
                "TOKEN_MISSING",
                "This field needs an access token.",
                "Send it as 'Authorization: Bearer <token>'.",
            )
        return self.reading

    def require_steward(self) -> tuple[Reading, str]:
        """Return the reading of a steward, and the steward as an actor on record (``steward:<client>``).

        Raises:
            Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``STEWARD_ONLY``.
        """
        reading = self.require_reading()
        if not reading.grant.is_steward:
            raise Forbidden(
                "STEWARD_ONLY", "Only a steward may do this.", "Use a token with the scope 'steward'."
            )
        return reading, f"steward:{reading.grant.client}"

    def require_customer_or_steward(self) -> Reading:
        """Return the reading of a customer, who reaches only their own data, or of a steward.

        Raises:
            Unauthenticated: ``TOKEN_MISSING``; Forbidden: ``CUSTOMER_OR_STEWARD_ONLY``.
        """
        reading = self.require_reading()
        if not reading.grant.is_self_or_steward:
            raise Forbidden(
                "CUSTOMER_OR_STEWARD_ONLY",
                "Only the customer concerned and a steward may do this.",
                "Use the customer's own token, or one with the scope 'steward'.",
            )
        return reading


ResolverInfo = Info[ResolverContext, None]
