"""Rights that are in force when they are asked for, with the request on record in the same transaction.

Opting out of sale and sharing (Cal. Civ. Code 1798.120), limiting the use of sensitive data (1798.121) and
restriction (GDPR Art. 18) only ever protect, so nobody waits for them. The steps by which the engine carries
the same out, for whoever has yet to prove who they are, are here too: what they do, they do once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from discretion.domain.consent.objection_hook import Exercise, Voice
from discretion.domain.consent.record_statement import Say
from discretion.domain.consent.statement_writer import Also, Speak, Utterance
from discretion.domain.consent.statements import Act, shared
from discretion.domain.ingest.message import Said
from discretion.domain.ingest.statement_context import Method, Saying
from discretion.domain.profiles.person_state import LIMIT
from discretion.domain.requests.model import Asked, Asker, Assurance, Kind, Request, read
from discretion.domain.requests.restriction import Restrict
from discretion.domain.requests.submission import File
from discretion.errors import Conflict, NotFound
from discretion.law.jurisdiction import Right
from discretion.store.driver.database import Database, Document, Operation, Session
from discretion.store.requests import filed

METHODS = {
    Kind.PERSON: Method.CLICK,
    Kind.AGENT: Method.AGENT,
    Kind.GUARDIAN: Method.GUARDIAN,
    Kind.STEWARD: Method.AGENT,
}


def exercising(file: File) -> Exercise:
    """Objections (GDPR Art. 21) are said where consents are; here they are put on record as requests."""

    def objected(voice: Voice, purposes: Sequence[str]) -> Also:
        kind, sure = (Kind.STEWARD, Assurance.OFFICE) if voice.office else (Kind.PERSON, Assurance.SESSION)
        asker = Asker(kind, voice.by, voice.client, voice.subject, sure)
        asked = Asked(Right.OBJECTION, {"purposes": list(purposes)})
        return lambda before: [filed(file.fulfilled(before.customer, before.state.laws, asked, asker))]

    return Exercise(objected)


@dataclass(frozen=True, slots=True)
class Once:
    """Puts such a right in force."""

    database: Database
    file: File
    say: Say
    speak: Speak
    restrict: Restrict

    async def __call__(self, customer: bytes | None, asked: Asked, asker: Asker) -> Request:
        """The request, in force; of nobody too, of whom nothing is done. What is left is telling others.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``.
        """
        if customer is None:
            nobodys = self.file.fulfilled(None, (), asked, asker)
            await self.file.requests.add(nobodys)
            return read(nobodys)
        if asked.right is Right.RESTRICTION:
            return await self._restricted(customer, asked, asker)
        made: list[Document] = []

        def record(here: bytes, laws: tuple[str, ...]) -> list[tuple[str, Operation]]:
            made[:] = [self.file.fulfilled(here, laws, asked, asker)]
            return [filed(made[0])]

        await self.put(
            asked.right,
            customer,
            self.file.entropy(16),
            asker,
            lambda before: record(before.customer, before.state.laws),
        )
        return read(made[0])

    async def put(
        self, right: Right, customer: bytes, message: bytes, asker: Asker, also: Also = lambda _: ()
    ) -> None:
        """Put an opt-out or a limit in force under a name, once.

        Raises:
            NotFound: ``CUSTOMER_NOT_FOUND``; Conflict: ``DUPLICATE``.
        """
        if right is Right.LIMIT_SENSITIVE:
            said = Utterance(f"{LIMIT}-{message.hex()}", signals=frozenset({LIMIT}))
            await self.speak.say(customer, said, also)
            return
        words = {one: Said(False) for one in shared(self.say.agreed.catalogue)}
        guardian = asker.reference if asker.kind is Kind.GUARDIAN else None
        saying = Saying(METHODS[asker.kind], guardian=guardian)
        await self.say(customer, Act.OPT_OUT, asker.by, saying, words, message=message, beside=also)

    async def again(self, request: Request) -> bool:
        """Put it in force for a request that was filed before; whether the person is there."""
        if request.customer is None:
            return False
        asker = Asker(
            request.kind, request.by, request.client, request.subject, request.assurance, request.reference
        )
        try:
            await self.put(request.right, request.customer, request.id, asker)
        except NotFound:
            return False
        except Conflict as done:  # it was said, and the process ended before it said so
            if done.code != "DUPLICATE":
                raise
        return True

    async def _restricted(self, customer: bytes, asked: Asked, asker: Asker) -> Request:
        async def work(session: Session) -> Request:
            wanted = {"$or": [{"_id": customer}, {"merged.id": customer}]}
            found = await self.database.find_one("customers", wanted, {"laws": 1}, session=session)
            lift = asked.scope.get("lift", False)
            if found is None or not await self.restrict(customer, session, restricted=not lift):
                raise NotFound("CUSTOMER_NOT_FOUND", "There is no such customer.")
            made = self.file.fulfilled(found["_id"], found["laws"], asked, asker)
            await self.file.requests.add(made, session)
            return read(made)

        filed = await self.database.transaction(work)
        self.file.kick()
        return filed
