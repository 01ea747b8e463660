"""What resolvers are handed: the grant, the one reading of this operation, where to look, how to act."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, cast

from strawberry.types import Info

from discretion.catalogue.model import Catalogue
from discretion.errors import Unauthenticated
from discretion.ledger.storage import LedgerStorage
from discretion.reveal.revealer import Reading
from discretion.seal.blind_index import BlindIndex
from discretion.seal.pairwise_ids import Pairwise
from discretion.store.customers import Customers
from discretion.store.events import Events
from discretion.store.identities import Identities
from discretion.token.grant import Grant

Verb = TypeVar("Verb")


class Verbs:
    """What resolvers act through, each found by its type: ``verbs[Intake]``.

    The ``api`` modules of the domains import this module, so it cannot name what is theirs.
    """

    def __init__(self, *verbs: object) -> None:
        self._by_type = {type(one): one for one in verbs}

    def __getitem__(self, kind: type[Verb]) -> Verb:
        return cast("Verb", self._by_type[kind])


@dataclass(frozen=True, slots=True)
class Records:
    """Where resolvers look things up, and what they act through; the same for every request."""

    catalogue: Catalogue
    customers: Customers
    events: Events
    disclosures: LedgerStorage
    blind: BlindIndex
    pairwise: Pairwise
    identities: Identities
    verbs: Verbs = field(default_factory=Verbs)


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


Where = Info[Context, None]
