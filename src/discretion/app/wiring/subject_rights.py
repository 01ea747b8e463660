"""Where everything that people may ask for is put together: erasure, recipients, packages, requests."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from discretion.app.keys import erasure_ledger
from discretion.app.wiring.access import Access, access
from discretion.app.wiring.erasure import Erasing, erasing
from discretion.app.wiring.recipients import Telling, telling
from discretion.app.wiring.requests import Parts, Rights, rights
from discretion.catalogue.model import Catalogue
from discretion.disclose import Conductor
from discretion.domain.consent.receipt import Receipts
from discretion.domain.consent.record_statement import Say
from discretion.domain.consent.statement_writer import Speak
from discretion.domain.erasure.erasure_ledger import ErasureLedger
from discretion.domain.erasure.erasure_log import Remember
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.kit.workflow.lease import At
from discretion.domain.notices.privacy_office import Office
from discretion.domain.requests.mailer import Post
from discretion.law.jurisdiction import Lawbook
from discretion.seal.bucket_keys import Buckets
from discretion.seal.pairwise_ids import Pairwise
from discretion.settings import Settings
from discretion.store.driver.database import Database
from discretion.store.erasures import Erasures
from discretion.store.tombstones import Tombstones
from discretion.token.keys import KeySet


@dataclass(frozen=True, slots=True)
class Ground:
    """What all of them stand on."""

    settings: Settings
    catalogue: Catalogue
    lawbook: Lawbook
    database: Database
    root: bytes = field(repr=False)
    workshop: Callable[[], Workshop]
    tombstones: Tombstones
    buckets: Buckets
    keys: KeySet = field(repr=False)
    pairwise: Pairwise
    clock: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Asking:
    """The parts, by the names their doors use."""

    erasing: Erasing
    telling: Telling
    access: Access
    rights: Rights
    remember: Remember

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return (*self.rights.verbs, *self.telling.verbs, *self.access.verbs, *self.erasing.verbs)


def asking(
    on: Ground, conductor: Conductor, office: Office, receipts: Receipts, say: Say, speak: Speak, at: At
) -> Asking:
    """Put the parts together; ``at`` is told every point at which a step may be cut off."""
    remember = Remember(Erasures(on.database), ErasureLedger(erasure_ledger(on.settings), on.root))
    gone = erasing(
        on.database,
        on.workshop,
        on.lawbook,
        on.tombstones,
        on.buckets,
        on.keys,
        on.settings.issuer,
        on.clock,
        on.entropy,
        remember,
    )
    hears = telling(
        on.settings, on.catalogue, on.database, on.keys, on.buckets, on.pairwise, on.clock, on.entropy
    )
    packs = access(on.catalogue, on.lawbook, on.database, conductor, office, receipts, hears.outward, on.keys)
    outbox = on.settings.data_dir / "outbox"
    post = Post(on.settings.mail_url, on.settings.mail_from, outbox, on.entropy, on.clock)
    parts = Parts(on.database, on.workshop, on.lawbook, on.buckets, say, speak, on.clock, on.entropy, post)
    asked = rights(parts, at, {**gone.acts, **hears.acts, **packs.acts})
    return Asking(gone, hears, packs, asked, remember)
