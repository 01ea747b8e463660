"""Where people's rights are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from discretion.domain.correction.apply import correcting
from discretion.domain.correction.contest import Contest
from discretion.domain.correction.propose import Propose
from discretion.domain.engine.hold import At
from discretion.domain.engine.run import Act, Engine
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
    propose: Propose
    contest: Contest

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return self.requests, self.clock, self.file, self.engine, self.propose, self.contest


def rights(
    database: Database,
    workshop: Callable[[], Workshop],
    lawbook: Lawbook,
    clock: Callable[[], int],
    entropy: Callable[[int], bytes],
    at: At,
    others: Mapping[str, Act],
) -> Rights:
    """Put the parts together; ``at`` is told every point at which a step may be cut off.

    ``others`` are steps that were put together elsewhere.
    """
    requests, dates = Requests(database), Clock(lawbook)
    acts: dict[str, Act] = {
        "restrict": restricting(database, Restrict(database, workshop)),
        "correct": correcting(database, workshop),
        **others,
    }
    engine = Engine(requests, acts, fulfilled, clock, at)
    file = File(database, requests, dates, ROUTES, entropy, clock, engine.kick)
    propose, contest = Propose(database, workshop), Contest(database, workshop)
    return Rights(requests, dates, file, engine, propose, contest)
