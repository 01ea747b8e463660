"""Where people's rights are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discretion.catalogue.model import Catalogue
from discretion.disclose import Conductor
from discretion.domain.access.gather import Gather
from discretion.domain.access.handing import HandOut
from discretion.domain.access.history import Archive
from discretion.domain.access.page import ROWS
from discretion.domain.consent.receipt import Receipts
from discretion.domain.engine.hold import At
from discretion.domain.engine.run import Act, Engine
from discretion.domain.notices.office import Office
from discretion.domain.profiles.restrict import Restrict
from discretion.domain.profiles.write import Workshop
from discretion.domain.rights.carry import ROUTES, fulfilled, restricting
from discretion.domain.rights.clock import Clock
from discretion.domain.rights.file import File
from discretion.law.jurisdiction import Lawbook
from discretion.ledger.storage import LedgerStorage
from discretion.store.consents import Consents
from discretion.store.driver import Database
from discretion.store.identities import Identities
from discretion.store.kept import Kept
from discretion.store.packages import Packages
from discretion.store.requests import Requests


@dataclass(frozen=True, slots=True)
class Rights:
    """Filing requests, and carrying them out."""

    requests: Requests
    clock: Clock
    file: File
    engine: Engine
    acts: Mapping[str, Act]
    hand_out: HandOut

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return self.requests, self.clock, self.file, self.engine, self.hand_out


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads a person's data out to them; ``house`` is where this installation is on the web."""

    catalogue: Catalogue
    conductor: Conductor
    ledger: LedgerStorage
    receipts: Receipts
    office: Office
    house: str


def rights(
    database: Database,
    workshop: Callable[[], Workshop],
    lawbook: Lawbook,
    reader: Reader,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
    at: At,
) -> Rights:
    """Put the parts together; ``at`` is told every point at which a step may be cut off."""
    requests, dates = Requests(database), Clock(lawbook)
    gather = gathering(database, requests, lawbook, reader)
    acts: dict[str, Act] = {
        "restrict": restricting(database, Restrict(database, workshop)),
        "gather": gather,
        "ready": gather.ready,
    }
    engine = Engine(requests, acts, fulfilled, clock, at)
    file = File(database, requests, dates, ROUTES, entropy, clock, engine.kick)
    hand_out = HandOut(
        reader.catalogue, reader.conductor, requests, gather.packages, gather.archive.kept, reader.house
    )
    return Rights(requests, dates, file, engine, acts, hand_out)


def gathering(database: Database, requests: Requests, lawbook: Lawbook, reader: Reader) -> Gather:
    """What makes packages."""
    archive = Archive(
        Kept(database),
        Consents(database),
        Identities(database),
        reader.ledger,
        requests,
        reader.receipts,
        ROWS,
    )
    return Gather(
        reader.catalogue,
        lawbook,
        reader.office,
        archive,
        Packages(database),
        reader.conductor,
        reader.conductor.revealer.buckets,
    )
