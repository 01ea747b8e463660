"""Where erasing people is put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discretion.domain.engine.hold import Hold
from discretion.domain.engine.outcome import Done, Outcome
from discretion.domain.engine.run import Act, Document
from discretion.domain.erasure.certify import Certify
from discretion.domain.erasure.depart import Depart
from discretion.domain.erasure.holds import Holds
from discretion.domain.erasure.lapse import Lapse
from discretion.domain.erasure.partial import Partial
from discretion.domain.erasure.purge import Purge
from discretion.domain.erasure.rehearse import Rehearse
from discretion.domain.erasure.shred import Shred
from discretion.domain.erasure.snapshot import read
from discretion.domain.erasure.verify import Verify
from discretion.domain.profiles.without import KINDS
from discretion.domain.profiles.write import Workshop
from discretion.law.jurisdiction import Lawbook
from discretion.store.driver import Database
from discretion.store.tombstones import Tombstones
from discretion.token.keys import KeySet

NEEDED = ("depart", "purge", "shred", "verify")
"""What must be done before an erasure is certified."""


@dataclass(frozen=True, slots=True)
class Erasing:
    """The steps of an erasure."""

    depart: Depart
    purge: Purge
    verify: Verify
    certify: Certify
    partial: Partial
    shred: Shred
    rehearse: Rehearse
    holds: Holds
    lapse: Lapse

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
            "purge": either(self.purge, part.purge),
            "shred": either(shredding(self.shred), nothing),
            "verify": either(self.verify, part.verify),
            "certify": self.certify,
        }


def erasing(
    database: Database,
    workshop: Callable[[], Workshop],
    lawbook: Lawbook,
    tombstones: Tombstones,
    keys: KeySet,
    issuer: str,
    clock: Callable[[], int],
    shred: Shred,
    entropy: Callable[[int], bytes],
) -> Erasing:
    """Put the parts together."""
    return Erasing(
        Depart(database, workshop, lawbook, tombstones),
        Purge(database, tombstones),
        Verify(database, tombstones),
        Certify(keys, issuer, clock, NEEDED),
        Partial(database, workshop, tombstones),
        shred,
        Rehearse(database, workshop, lawbook),
        Holds(database, entropy, clock),
        Lapse(database, clock, shred),
    )


def shredding(shred: Shred) -> Act:
    """The step that destroys every key under which the person's data key was ever wrapped."""

    async def act(document: Document, hold: Hold) -> Outcome:
        if "snapshot" not in document:
            return Done()
        done = await shred(read(document["snapshot"]).customers, hold.at)
        generations = {str(bucket): generation for bucket, generation in sorted(done.buckets.items())}
        return Done({"up_to": generations, "destroyed_ms": done.destroyed, "horizon_ms": done.horizon})

    return act


async def nothing(_document: Document, _hold: Hold) -> Outcome:
    """Of a part there is nothing to do: the person's key is in use."""
    return Done()


def either(whole: Act, part: Act) -> Act:
    """A step that does one thing when everything is erased, and another when a part is."""

    async def act(document: Document, hold: Hold) -> Outcome:
        partial = any(document["scope"].get(kind) is not None for kind in KINDS)
        return await (part if partial else whole)(document, hold)

    return act
