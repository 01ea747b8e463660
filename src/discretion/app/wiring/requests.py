"""Where people's rights are put together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from discretion.domain.consent.record_statement import Say
from discretion.domain.consent.statement_writer import Speak
from discretion.domain.correction.contest_flags import Contest
from discretion.domain.correction.correction_step import correcting
from discretion.domain.correction.proposal import Propose
from discretion.domain.identity.unit_of_work import Workshop
from discretion.domain.kit.workflow.lease import At
from discretion.domain.kit.workflow.runner import Act, Engine
from discretion.domain.requests.code_addresses import Addresses
from discretion.domain.requests.contested_data import Contested
from discretion.domain.requests.deadline_monitor import Watch
from discretion.domain.requests.deadlines import Clock
from discretion.domain.requests.decisions import Decide
from discretion.domain.requests.identity_proofing import Pace, Prove
from discretion.domain.requests.immediate import Once, exercising
from discretion.domain.requests.mailer import Post
from discretion.domain.requests.messages import Converse
from discretion.domain.requests.restriction import Restrict
from discretion.domain.requests.sealed_fields import Sealing
from discretion.domain.requests.submission import File
from discretion.domain.requests.subscription import Follow
from discretion.domain.requests.workflows import ROUTES, fulfilled, restricting, saying
from discretion.law.jurisdiction import Lawbook
from discretion.seal.bucket_keys import Buckets
from discretion.store.driver.database import Database
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
