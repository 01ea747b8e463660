"""Where people's rights are put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from discretion.domain.engine.hold import At
from discretion.domain.engine.run import Engine
from discretion.domain.profiles.restrict import Restrict
from discretion.domain.profiles.write import Workshop
from discretion.domain.rights.carry import ROUTES, fulfilled, restricting
from discretion.domain.rights.clock import Clock
from discretion.domain.rights.file import File
from discretion.law.jurisdiction import Lawbook
from discretion.store.driver import Database
from discretion.store.requests import Requests


@dataclass(frozen=True, slots=True)
class Rights:
    """Filing requests, and carrying them out."""

    requests: Requests
    clock: Clock
    file: File
    engine: Engine

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return self.requests, self.clock, self.file, self.engine


def rights(
    database: Database,
    workshop: Callable[[], Workshop],
    lawbook: Lawbook,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
    at: At,
) -> Rights:
    """Put the parts together; ``at`` is told every point at which a step may be cut off."""
    requests, dates = Requests(database), Clock(lawbook)
    acts = {"restrict": restricting(database, Restrict(database, workshop))}
    engine = Engine(requests, acts, fulfilled, clock, at)
    file = File(database, requests, dates, ROUTES, entropy, clock, engine.kick)
    return Rights(requests, dates, file, engine)
