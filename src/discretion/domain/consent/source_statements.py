"""What sources report that people said, put on record with the words themselves: together or not at all.

What comes with every message is on record when it is not what it was. An opt-out signal is on record once
for each source record, when it is heard first: with it goes every page that is looked at, and nothing new
is said by the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.consent.statement_record import ConsentEvent, event
from discretion.domain.consent.statement_writer import Before
from discretion.domain.consent.statements import Act, Occasion, Subject, events, shared
from discretion.domain.consent.terms_registry import Agreed
from discretion.domain.identity.statement_observer import Spoken
from discretion.domain.ingest.message import Fact, Said
from discretion.domain.ingest.purpose_tree import askable, below
from discretion.domain.ingest.statement_context import Method, Saying
from discretion.domain.profiles.person_state import LIMIT, heard_of
from discretion.purpose.statements import Heard, answer
from discretion.store.consents import TERMS, recorded, terms_written
from discretion.store.driver.database import Operation, Session

NO = Said(False)


@dataclass(frozen=True, slots=True)
class New:
    """Words that change what a record says, and on which occasion they were said."""

    told: Spoken
    occasion: Occasion
    words: Mapping[str, Said] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Evidence:
    """Puts on record what changes what a source record says; a late message that changes nothing does not."""

    agreed: Agreed

    async def __call__(self, session: Session, told: Sequence[Spoken]) -> None:
        """Put words and signals on record within a transaction."""
        new = list(self._new(told))
        if not new:
            return
        await self.agreed.keep()
        laws = await self.agreed.consents.laws({one.told.customer for one in new}, session)
        made: list[ConsentEvent] = []
        for one in new:
            record = one.told.record
            last = await self.agreed.consents.latest([record], one.words, session)
            known = {key: event(found) for key, found in last.items()}
            known |= {past.purpose: past for past in made if record in past.records}
            stood = stands(self.agreed.catalogue, one.words, _heard(one.told), one.occasion.received)
            subject = Subject((record,), one.told.customer, tuple(laws[one.told.customer]), stood, known)
            made += events(self.agreed.catalogue, self.agreed.digests, one.occasion, subject, one.words)
        await self.agreed.consents.add([one.document() for one in made], session)

    def heeded(self, before: Before) -> Sequence[tuple[str, Operation]]:
        """The writes that put the signal of a customer's own browser on record, unless one is."""
        if any(one.opted_out is not None for one in before.state.heard):
            return []
        words = dict.fromkeys(shared(self.agreed.catalogue), NO)
        message = b"".join((before.customer, Method.GPC.encode(), before.at.to_bytes(8)))
        occasion = Occasion(message, Act.OPT_OUT, "self:browser", _SIGNALLED, before.at, before.at)
        stood = stands(self.agreed.catalogue, words, before.state.heard, before.at)
        subject = Subject(before.records, before.customer, before.state.laws, stood)
        made = list(events(self.agreed.catalogue, self.agreed.digests, occasion, subject, words))
        terms = {one.terms: self.agreed.documents[one.terms] for one in made}
        kept = [(TERMS, operation) for operation in terms_written(terms)]
        return [*kept, *recorded([one.document() for one in made])]

    def _new(self, told: Sequence[Spoken]) -> Iterator[New]:
        """What changes something, in the order of time."""
        signalled: set[tuple[bytes, str]] = set()
        stamped: dict[tuple[bytes, str], bool] = {}
        for one in sorted(told, key=lambda one: (one.fact.at, one.mark)):
            before: Mapping[str, Any] = one.before or {}
            for name in sorted(one.fact.signals - before.get("signals", {}).keys() - {LIMIT}):
                if (one.record, name) not in signalled:
                    signalled.add((one.record, name))
                    iab = Saying(_method(name), signal=one.fact.iab or None)
                    saying = _SIGNALLED if name == Method.GPC else iab
                    occasion = _occasion(one.fact, one.mark + name.encode(), Act.OPT_OUT, saying)
                    yield New(one, occasion, dict.fromkeys(shared(self.agreed.catalogue), NO))
            if stamps := dict(self._stamps(one, before, stamped)):
                saying = Saying(Method.SOURCE, signal=one.fact.iab or None)
                yield New(one, _occasion(one.fact, one.mark + b"stamp", Act.CHOOSE, saying), stamps)
            words = {key: said for key, said in one.fact.words.items() if _newer(before, one.fact, key, said)}
            if words:
                saying = one.fact.saying or Saying(Method.SOURCE)
                yield New(one, _occasion(one.fact, one.mark, Act.CHOOSE, saying), words)

    def _stamps(
        self, one: Spoken, before: Mapping[str, Any], stamped: dict[tuple[bytes, str], bool]
    ) -> Iterator[tuple[str, Said]]:
        """Of what comes with every message, what is not what it was; ``stamped`` remembers."""
        for node, given in sorted(one.fact.choices.items()):
            known = before.get("choices", {}).get(node.replace(".", "/"))
            was = stamped.get((one.record, node), None if known is None else known["g"])
            if was is given or (known is not None and known["t"] > one.fact.at):
                continue
            stamped[one.record, node] = given
            covered = below(self.agreed.catalogue, node)
            for purpose in askable(self.agreed.catalogue, covered, node):
                yield purpose, Said(given)


_SIGNALLED = Saying(Method.GPC, signal="Sec-GPC: 1")


def stands(
    catalogue: Catalogue, words: Mapping[str, Said], heard: Sequence[Heard], now_ms: int
) -> dict[str, bool | None]:
    """What counts of the purposes that words are about, before they are said."""
    return {
        key: answer(purpose, heard, now_ms).given
        for key, purpose in catalogue.purposes.items()
        if key in words
    }


def _heard(told: Spoken) -> list[Heard]:
    return [] if told.before is None else [heard_of(told.before)]


def _method(signal: str) -> Method:
    """One that could not be read is taken for an opt-out; it came as a GPP string."""
    return Method(signal) if signal in set(Method) else Method.GPP


def _occasion(fact: Fact, message: bytes, act: Act, saying: Saying) -> Occasion:
    by = f"source:{fact.source.key}"
    return Occasion(message, act, by, saying, fact.at, fact.received, fact.source.channel)


def _newer(before: Mapping[str, Any], fact: Fact, purpose: str, said: Said) -> bool:
    """Whether a word is later than the one of its kind that the record has."""
    known = before.get("guards" if said.guardian else "words", {}).get(purpose.replace(".", "/"))
    return known is None or known["t"] <= fact.at
