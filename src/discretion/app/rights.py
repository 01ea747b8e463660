"""Where people's rights are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from discretion.domain.consent.say import Say
from discretion.domain.correction.apply import correcting
from discretion.domain.correction.contest import Contest
from discretion.domain.correction.propose import Propose
from discretion.domain.engine.hold import At
from discretion.domain.engine.run import Act, Engine
from discretion.domain.profiles.restrict import Restrict
from discretion.domain.profiles.speak import Speak
from discretion.domain.profiles.write import Workshop
from discretion.domain.rights.addresses import Addresses
from discretion.domain.rights.carry import ROUTES, fulfilled, restricting, saying
from discretion.domain.rights.clock import Clock
from discretion.domain.rights.contested import Contested
from discretion.domain.rights.converse import Converse
from discretion.domain.rights.decide import Decide
from discretion.domain.rights.file import File
from discretion.domain.rights.follow import Follow
from discretion.domain.rights.once import Once, exercising
from discretion.domain.rights.post import Post
from discretion.domain.rights.prove import Pace, Prove
from discretion.domain.rights.sealed import Sealing
from discretion.domain.rights.watch import Watch
from discretion.law.jurisdiction import Lawbook
from discretion.seal.buckets import Buckets
from discretion.store.driver import Database
from discretion.store.requests import Requests


@dataclass(frozen=True, slots=True)
class Parts:
    """What they are put together from."""

    database: Database
    workshop: Callable[[], Workshop]
    lawbook: Lawbook
    buckets: Buckets
    say: Say
    speak: Speak
    clock: Callable[[], int]
    entropy: Callable[[int], bytes] = field(repr=False)
    post: Post


@dataclass(frozen=True, slots=True)
class Rights:
    """Filing requests, deciding them, and carrying them out."""

    requests: Requests
    clock: Clock
    file: File
    engine: Engine
    propose: Propose
    contest: Contest
    contested: Contested
    once: Once
    decide: Decide
    sealing: Sealing
    converse: Converse
    prove: Prove
    watch: Watch

    @property
    def verbs(self) -> tuple[object, ...]:
        """What resolvers act through."""
        return (
            self.requests,
            self.clock,
            self.file,
            self.engine,
            self.once,
            self.decide,
            self.sealing,
            self.converse,
            self.prove,
            Follow(self.requests),
            self.propose,
            self.contested,
            exercising(self.file),
        )


def rights(parts: Parts, at: At, others: Mapping[str, Act]) -> Rights:
    """Put the parts together; ``at`` is told every point at which a step may be cut off.

    ``others`` are steps that were put together elsewhere.
    """
    database, clock, entropy = parts.database, parts.clock, parts.entropy
    requests, dates = Requests(database), Clock(parts.lawbook)
    acts: dict[str, Act] = {"correct": correcting(database, parts.workshop), **others}
    engine = Engine(requests, acts, fulfilled, clock, at)
    file = File(database, requests, dates, ROUTES, entropy, clock, engine.kick)
    restrict = Restrict(database, parts.workshop)
    once = Once(database, file, parts.say, parts.speak, restrict)
    acts |= {"restrict": restricting(database, restrict), "say": saying(once)}
    contest = Contest(database, parts.workshop)
    contested = Contested(contest)
    decide = Decide(requests, dates, file, clock, engine.kick, contested)
    sealing = Sealing(database, parts.buckets, entropy, clock)
    return Rights(
        requests,
        dates,
        file,
        engine,
        Propose(database, parts.workshop),
        contest,
        contested,
        once,
        decide,
        sealing,
        Converse(requests, sealing, decide, clock),
        Prove(decide, parts.post, Addresses(database), entropy, clock, Pace(clock)),
        Watch(requests, decide, clock),
    )
