"""What resolvers are handed: the grant, the one reading of this operation, and where to look."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.errors import Unauthenticated
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.reading import Reading
from discretion.seal.blind import BlindIndex
from discretion.seal.pairwise import Pairwise
from discretion.store.customers import Customers
from discretion.store.events import Events
from discretion.store.letters import DeadLetters
from discretion.token.grant import Grant


@dataclass(frozen=True, slots=True)
class Records:
    """Where resolvers look things up; the same for every request."""

    catalogue: Catalogue
    customers: Customers
    events: Events
    disclosures: LedgerStorage
    blind: BlindIndex
    pairwise: Pairwise
    letters: DeadLetters


@dataclass(frozen=True, slots=True)
class Context:
    """One operation's context. ``grant`` is None for nobody."""

    records: Records
    grant: Grant | None
    reading: Reading | None

    def meeting(self) -> Reading:
        """The reading through which customers are met.

        Raises:
            Unauthenticated: ``TOKEN_MISSING``, nobody meets customers.
        """
        if self.reading is None:
            raise Unauthenticated(
                "TOKEN_MISSING",
                "This field needs an access token.",
                "Send it as 'Authorization: Bearer <token>'.",
            )
        return self.reading
