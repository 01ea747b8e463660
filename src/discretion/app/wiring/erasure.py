"""Where erasing people is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discretion.domain.erasure.certification import Certify
from discretion.domain.erasure.crypto_shred import Shred
from discretion.domain.erasure.dry_run import Rehearse
from discretion.domain.erasure.erasure_log import Remember
from discretion.domain.erasure.key_destruction import Destroy
from discretion.domain.erasure.ledger_step import Inscribe
from discretion.domain.erasure.profile_deletion import Depart
from discretion.domain.erasure.purge import Purge
from discretion.domain.erasure.scoped_erasure import Partial
from discretion.domain.erasure.verification import Verify
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.kit.workflow.lease import Hold
from discretion.domain.kit.workflow.runner import Act, Document
from discretion.domain.kit.workflow.step_outcome import Done, Outcome
from discretion.domain.legal_retention.legal_holds import Holds
from discretion.domain.legal_retention.retained_data_expiry import Lapse
from discretion.domain.profiles.erased_scopes import KINDS
from discretion.law.jurisdiction import Lawbook
from discretion.seal.bucket_keys import Buckets
from discretion.store.driver.database import Database
from discretion.store.tombstones import Tombstones
from discretion.token.keys import KeySet

NEEDED = ("depart", "remember", "purge", "shred", "verify")
"""What must be done before an erasure is certified."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """The steps of an erasure."""

    depart: Depart
    inscribe: Inscribe
    purge: Purge
    destroy: Destroy
    lapse: Lapse
    verify: Verify
    certify: Certify
    partial: Partial
    rehearse: Rehearse
    holds: Holds

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return self.rehearse, self.holds

    @property
    def acts(self) -> Mapping[str, Act]:
        """The steps by the names that requests have for them."""
        part = self.partial
        return {
            "depart": either(self.depart, part.take),
            "remember": either(self.inscribe, nothing),
            "purge": either(self.purge, part.purge),
            "shred": either(self.destroy, nothing),
            "verify": either(self.verify, part.verify),
            "certify": self.certify,
        }


def erasing(
    database: Database,
    workshop: Callable[[], Workshop],
    lawbook: Lawbook,
    tombstones: Tombstones,
    buckets: Buckets,
    keys: KeySet,
    issuer: str,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
    remember: Remember,
) -> Erasing:
    """Put the parts together."""
    shred = Shred(database, buckets, clock, entropy)
    return Erasing(
        Depart(database, workshop, lawbook, tombstones),
        Inscribe(remember, tombstones),
        Purge(database, tombstones),
        Destroy(shred),
        Lapse(database, clock, shred),
        Verify(database, tombstones),
        Certify(keys, issuer, clock, NEEDED),
        Partial(database, workshop, tombstones),
        Rehearse(database, workshop, lawbook),
        Holds(database, entropy, clock),
    )


async def nothing(_document: Document, _hold: Hold) -> Outcome:
    """Of a part no key is destroyed: what stays is under the same one."""
    return Done()


def either(whole: Act, part: Act) -> Act:
    """A step that does one thing when everything is erased, and another when a part is."""

    async def act(document: Document, hold: Hold) -> Outcome:
        partial = any(document["scope"].get(kind) is not None for kind in KINDS)
        return await (part if partial else whole)(document, hold)

    return act
