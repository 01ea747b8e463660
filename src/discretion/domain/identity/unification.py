"""Taking facts in: who they are about, what is on record then, folded and written in one transaction.

Everything is read inside it, so a race with
another process is a write conflict and runs again; everything is written by key, so an answer
that was lost on the way can be asked for again without counting anything twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from discretion.catalogue.model import IdentifierType
from discretion.domain.identity.clustering import shared
from discretion.domain.identity.erasure_guard import admit, names_of
from discretion.domain.identity.evidence_reader import Gathering, Known
from discretion.domain.identity.resolution import settlement
from discretion.domain.identity.statement_observer import Witness, spoken
from discretion.domain.identity.unit_of_work import Word, Workshop
from discretion.domain.ingest.mention import Mention
from discretion.domain.ingest.message import Fact, Outcome, Status
from discretion.domain.ingest.message_index import marks_of
from discretion.domain.profiles.minimisation import minimised
from discretion.domain.profiles.source_record import empty, hear, light, touched
from discretion.seal.blind_index import BlindIndex
from discretion.store.driver.database import Database, Session
from discretion.store.tombstones import Stone, Tombstones

MAX_TOGETHER = 500
"""Facts that one transaction carries: MongoDB advises against more than a thousand changed documents."""


class Unify:
    """Turns facts into profiles."""

    def __init__(
        self,
        database: Database,
        blind: BlindIndex,
        workshop: Callable[[], Workshop],
        witness: Witness,
        tombstones: Tombstones,
    ) -> None:
        self._database = database
        self._blind = blind
        self._workshop = workshop
        self._witness = witness
        self._tombstones = tombstones

    async def take(self, facts: Sequence[Fact]) -> list[Outcome]:
        """Take facts in, at most ``MAX_TOGETHER``; when this returns, they are durable.

        Returns:
            One outcome for each fact, in their order.

        Raises:
            Unavailable: the store is away; telling them again changes nothing.
        """
        if not facts:
            return []
        words = [Word(fact, marks_of(fact, self._blind)) for fact in facts]
        names = {name for word in words for name in names_of(word)}
        graves = {name: self._tombstones.of(name) for name in names}

        async def work(session: Session) -> list[Outcome]:
            return await self._together(session, words, graves)

        return await self._database.transaction(work)

    async def _together(
        self, session: Session, words: Sequence[Word], graves: Mapping[bytes, bytes]
    ) -> list[Outcome]:
        stones = await self._tombstones.over(graves, session)
        heard = await self._heard(session, words) | stones.keys()
        new: dict[bytes, Word] = {}
        for word in words:
            if word.marks.message not in heard:
                new.setdefault(word.marks.message, word)
        told = list(new.values())
        if stones:
            told = await self._admitted(session, told, stones)
        left_out = dict(await self._take_in(session, told)) if told else {}
        left_out |= _as_of_somebody_new(new.values(), told)
        return [_outcome(word, new, left_out) for word in words]

    async def _heard(self, session: Session, words: Sequence[Word]) -> set[bytes]:
        """Marks of the messages that are on record, as events or as having been heard."""
        heard: set[bytes] = set()
        events = [word.marks.message for word in words if word.fact.event is not None]
        for collection, marks in (("events", events), ("messages", [word.marks.message for word in words])):
            if marks:
                wanted = {"_id": {"$in": marks}}
                found = await self._database.find(collection, wanted, {"_id": 1}, session=session)
                heard.update(one["_id"] for one in found)
        return heard

    async def _admitted(
        self, session: Session, words: Sequence[Word], stones: Mapping[bytes, Stone]
    ) -> list[Word]:
        """The messages that are told; that the others were heard is noted, as of any."""
        admitted = admit(words, stones, await self._enrolled(session, words, stones))
        heard = self._tombstones.raised(admitted.barred, self._workshop().now)
        await self._tombstones.write([*heard, *self._tombstones.lifted(admitted.lifted)], session)
        return list(admitted.words)

    async def _enrolled(
        self, session: Session, words: Sequence[Word], stones: Mapping[bytes, Stone]
    ) -> dict[bytes, int]:
        """The living among the records that are spoken to, and when each last enrolled."""
        wanted = {"_id": {"$in": sorted({word.marks.record for word in words})}}
        parts = {"customer": 1, "words": 1}
        found = await self._database.find("source_records", wanted, parts, session=session)
        enrolled = {
            one["_id"]: max((said["t"] for said in one["words"].values() if said["g"]), default=0)
            for one in found
        }
        catalogue = self._workshop().catalogue
        since = {
            "customer": {"$in": sorted({one["customer"] for one in found})},
            "at": {"$gt": min(stone.at for stone in stones.values())},
            "type": {"$in": [key for key, one in catalogue.events.items() if one.enrols]},
        }
        for event in await self._database.find("events", since, {"record": 1, "at": 1}, session=session):
            if event["record"] in enrolled:
                enrolled[event["record"]] = max(enrolled[event["record"]], event["at"])
        return enrolled

    async def _take_in(self, session: Session, words: Sequence[Word]) -> Mapping[bytes, int]:
        shop = self._workshop()
        gathering = Gathering(self._database, session, shop.catalogue.identifiers)
        facts: dict[bytes, list[Fact]] = {}
        for word in words:
            facts.setdefault(word.marks.record, []).append(word.fact)
        change = {record: touched(told, shop.catalogue) for record, told in facts.items()}
        await gathering.spoken_to(change, light(shop.catalogue))
        fresh = [one for word in words for one in word.marks.mentions if gathering.known.fresh(one)]
        await gathering.around(fresh)
        await self._tombstones.write(
            self._tombstones.passed(_unlinking(gathering.known, fresh, shop.catalogue.identifiers)), session
        )
        by = ",".join(sorted({word.fact.source.key for word in words}))
        done = await settlement(self._database, session, shop, gathering.known, f"source:{by}", fresh, words)
        owners = {record: customer for customer, one in done.settled.items() for record in one.records}
        await self._witness(session, spoken(words, owners, gathering.known.records))
        return done.left_out


def _unlinking(known: Known, fresh: Sequence[Mention], types: Mapping[str, IdentifierType]) -> set[bytes]:
    """Identifiers that too many name: to name them changes no customer, so erasures are met at the gates."""
    return {
        one.entry
        for one in fresh
        if (doc := known.identifiers.get(one.entry)) is not None
        and (kind := types.get(doc["type"])) is not None
        and shared(len(doc["records"]), kind)
    }


def _as_of_somebody_new(new: Iterable[Word], told: Iterable[Word]) -> dict[bytes, int]:
    """What of messages that are not told would not be stored: an answer does not say who was erased."""
    kept = {word.marks.message for word in told}
    left_out = {}
    for word in new:
        if word.marks.message not in kept:
            record = empty(word.marks.record, word.fact, b"")
            hear(record, word.fact)
            left_out[word.marks.message] = minimised(word.fact, record)[1]
    return left_out


def _outcome(word: Word, new: Mapping[bytes, Word], left_out: Mapping[bytes, int]) -> Outcome:
    fresh = new.get(word.marks.message) is word
    status = Status.ACCEPTED if fresh else Status.DUPLICATE
    minimised = left_out.get(word.marks.message, 0) if fresh else 0
    return Outcome(word.fact.message, status, word.fact.dropped, minimised)
