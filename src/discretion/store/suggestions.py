"""The ``suggestions`` collection: pairs of customers who are probably one person, and what a steward decided.

A pair has one suggestion, regardless of which run found it and how often. A pair that a steward refused is
never suggested again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum

from discretion.store.document import MutableDocument
from discretion.store.driver.database import Database, Session, WriteOperation, build_delete, build_update
from discretion.store.paging import KeysetOrder

COLLECTION = "suggestions"
SuggestionPosition = tuple[float, bytes]
"""Position of a suggestion among those of its state: weight and id, greatest weight first."""
_LIKELIEST_FIRST = KeysetOrder("weight", -1, 1)


class SuggestionStatus(Enum):
    """The state of a suggestion."""

    OPEN = "open"
    AWAITING_OBJECTION = "awaiting"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """How far one comparison of two customers agrees, and its part of the match weight.

    It holds no values.
    """

    name: str
    level: str
    weight: float


@dataclass(frozen=True, slots=True)
class LikelyPair:
    """Two customers who are one person with probability ``score``; ``weight`` is the log2 of its odds.

    ``rests_on_claims`` says that they are suggested only because of identifiers that one of them claims.
    """

    customers: tuple[bytes, bytes]
    score: float
    weight: float
    evidence: tuple[ComparisonResult, ...]
    rests_on_claims: bool = field(default=False, kw_only=True)

    @property
    def id(self) -> bytes:
        """The same id for the same two customers, in any order."""
        return b"".join(sorted(self.customers))


@dataclass(frozen=True, slots=True)
class Suggestion(LikelyPair):
    """A stored suggestion. Times are in ms.

    ``by`` is the steward who decided, or ``customer`` after an objection; ``ends`` is until when the two may
    object.
    """

    model: str
    state: SuggestionStatus
    at: int
    by: str | None = field(default=None)
    decided: int | None = None
    ends: int | None = None

    @property
    def position(self) -> SuggestionPosition:
        """Position of the suggestion in a list of its state."""
        return self.weight, self.id


class SuggestionStore:
    """Reads and changes of the ``suggestions`` collection."""

    def __init__(self, database: Database, now_ms: Callable[[], int]) -> None:
        self._database = database
        self._now_ms = now_ms

    async def propose(self, pairs: Sequence[LikelyPair], model: str, limit: int | None) -> set[bytes]:
        """Store pairs: at most ``limit`` new ones; open suggestions that exist receive the new figures.

        Returns:
            The ids of the new suggestions.
        """
        ids = [pair.id for pair in pairs]
        known_ids = {
            document["_id"]
            for document in await self._database.find(COLLECTION, {"_id": {"$in": ids}}, {"_id": 1})
        }
        new_pairs = [pair for pair in pairs if pair.id not in known_ids][:limit]
        # The filter on the state keeps a decided suggestion unchanged, even if it was decided since the read
        # above.
        writes: list[WriteOperation] = [
            build_update(
                {"_id": pair.id, "state": SuggestionStatus.OPEN.value}, {"$set": _build_figures(pair, model)}
            )
            for pair in pairs
            if pair.id in known_ids
        ]
        for pair in new_pairs:
            initial = {
                "customers": sorted(pair.customers),
                "state": SuggestionStatus.OPEN.value,
                "at": self._now_ms(),
            }
            writes.append(
                build_update(
                    {"_id": pair.id}, {"$setOnInsert": initial | _build_figures(pair, model)}, upsert=True
                )
            )
        await self._database.bulk_write(COLLECTION, writes)
        return {pair.id for pair in new_pairs}

    async def drop_stale(self, compared: frozenset[bytes], model: str) -> int:
        """Delete open suggestions that no longer apply, and return their number.

        These are suggestions about a customer who is not in ``compared`` (erased, merged or objecting) and
        suggestions from another model.
        """
        query = {"state": SuggestionStatus.OPEN.value}
        open_suggestions = await self._database.find(COLLECTION, query, {"customers": 1, "model": 1})
        stale = [
            document["_id"]
            for document in open_suggestions
            if document["model"] != model or not compared.issuperset(document["customers"])
        ]
        # The state is checked again: a steward may have decided a suggestion since the read above.
        writes = [
            build_delete({"_id": suggestion, "state": SuggestionStatus.OPEN.value}) for suggestion in stale
        ]
        return (await self._database.bulk_write(COLLECTION, writes)).deleted

    async def list_page(
        self, state: SuggestionStatus, after: SuggestionPosition | None, limit: int
    ) -> list[Suggestion]:
        """List at most ``limit`` suggestions of a state after a position, the likeliest first."""
        query = _LIKELIEST_FIRST.continue_after({"state": state.value}, after)
        documents = await self._database.find(COLLECTION, query, sort=_LIKELIEST_FIRST.sort, limit=limit)
        return [_read_suggestion(document) for document in documents]

    async def of(self, customer: bytes) -> list[Suggestion]:
        """List the suggestions that name a customer, by id."""
        documents = await self._database.find(COLLECTION, {"customers": customer}, sort=[("_id", 1)])
        return [_read_suggestion(document) for document in documents]

    async def find(self, suggestion: bytes) -> Suggestion | None:
        """Return the suggestion with this id."""
        document = await self._database.find_one(COLLECTION, {"_id": suggestion})
        return None if document is None else _read_suggestion(document)

    async def decide(
        self, suggestion: bytes, state: SuggestionStatus, by: str, session: Session | None = None
    ) -> bool:
        """Record a steward's decision.

        Return False if the suggestion was decided or deleted meanwhile.
        """
        decision = {"state": state.value, "by": by, "decided": self._now_ms()}
        return await self._leave(suggestion, SuggestionStatus.OPEN, decision, session)

    async def await_objection(self, suggestion: bytes, by: str, ends: int, session: Session) -> bool:
        """Record that a steward accepts, unless one of the two objects until a time (ms).

        Return False if the suggestion was decided or deleted meanwhile.
        """
        decision = {
            "state": SuggestionStatus.AWAITING_OBJECTION.value,
            "by": by,
            "decided": self._now_ms(),
            "ends": ends,
        }
        return await self._leave(suggestion, SuggestionStatus.OPEN, decision, session)

    async def end_wait(self, suggestion: bytes, state: SuggestionStatus, by: str, session: Session) -> None:
        """Record what became of a suggestion that awaited an objection; one that was deleted stays so."""
        decision = {"state": state.value, "by": by, "decided": self._now_ms()}
        await self._leave(suggestion, SuggestionStatus.AWAITING_OBJECTION, decision, session)

    async def reopen(self, suggestion: bytes, session: Session) -> None:
        """Let a suggestion that awaited an objection be decided again; nobody has decided it."""
        await self._database.update_one(
            COLLECTION,
            {"_id": suggestion, "state": SuggestionStatus.AWAITING_OBJECTION.value},
            {
                "$set": {"state": SuggestionStatus.OPEN.value},
                "$unset": {"by": "", "decided": "", "ends": ""},
            },
            session=session,
        )

    async def _leave(
        self, suggestion: bytes, before: SuggestionStatus, decision: MutableDocument, session: Session | None
    ) -> bool:
        # Two stewards may decide at the same time. The update matches a suggestion in one state only, so the
        # first decision is kept.
        query = {"_id": suggestion, "state": before.value}
        result = await self._database.update_one(COLLECTION, query, {"$set": decision}, session=session)
        return result.matched == 1


def _build_figures(pair: LikelyPair, model: str) -> MutableDocument:
    evidence = [
        {"name": result.name, "says": result.level, "weight": result.weight} for result in pair.evidence
    ]
    figures = {"score": pair.score, "weight": pair.weight, "evidence": evidence, "model": model}
    return {**figures, "claimed": pair.rests_on_claims}


def _read_suggestion(document: MutableDocument) -> Suggestion:
    first, second = document["customers"]
    return Suggestion(
        customers=(first, second),
        score=document["score"],
        weight=document["weight"],
        evidence=tuple(
            ComparisonResult(result["name"], result["says"], result["weight"])
            for result in document["evidence"]
        ),
        rests_on_claims=document["claimed"],
        model=document["model"],
        state=SuggestionStatus(document["state"]),
        at=document["at"],
        by=document.get("by"),
        decided=document.get("decided"),
        ends=document.get("ends"),
    )
