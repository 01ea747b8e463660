"""What sources report that people said, put on record with the words themselves: together or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from discretion.catalogue.model import Catalogue
from discretion.domain.channels.fact import Said
from discretion.domain.channels.saying import Method, Saying
from discretion.domain.consent.agreed import Agreed
from discretion.domain.consent.event import ConsentEvent, event
from discretion.domain.consent.told import Act, Occasion, Subject, events
from discretion.domain.profiles.person import heard_of
from discretion.domain.profiles.witness import Spoken
from discretion.purpose.said import Heard, answer
from discretion.store.consents import Consents
from discretion.store.driver import Session


@dataclass(frozen=True, slots=True)
class Evidence:
    """Puts on record what changes what a source record says; a late message that changes nothing does not."""

    catalogue: Catalogue
    consents: Consents
    agreed: Agreed

    async def __call__(self, session: Session, told: Sequence[Spoken]) -> None:
        """Put words on record within a transaction."""
        if not told:
            return
        await self.agreed.keep()
        laws = await self.consents.laws({one.customer for one in told}, session)
        made: list[ConsentEvent] = []
        for one in sorted(told, key=lambda one: (one.fact.at, one.mark)):
            words = {key: said for key, said in one.fact.words.items() if _newer(one, key, said)}
            last = await self.consents.latest([one.record], words, session)
            known = {key: event(found) for key, found in last.items()}
            known |= {past.purpose: past for past in made if one.record in past.records}
            made += self._events(one, words, laws[one.customer], known)
        await self.consents.add([one.document() for one in made], session)

    def _events(
        self, one: Spoken, words: Mapping[str, Said], laws: Sequence[str], last: Mapping[str, ConsentEvent]
    ) -> list[ConsentEvent]:
        fact = one.fact
        heard = Heard() if one.before is None else heard_of(one.before)
        stood = {
            key: answer(purpose, [heard], fact.received).given
            for key, purpose in self.catalogue.purposes.items()
            if key in words
        }
        occasion = Occasion(
            message=one.mark,
            act=Act.CHOOSE,
            by=f"source:{fact.source.key}",
            saying=fact.saying or Saying(Method.SOURCE),
            at=fact.at,
            received=fact.received,
            channel=fact.source.channel,
        )
        subject = Subject((one.record,), one.customer, tuple(laws), stood, last)
        return list(events(self.catalogue, self.agreed.digests, occasion, subject, words))


def _newer(one: Spoken, purpose: str, said: Said) -> bool:
    """Whether a word is later than the one of its kind that the record has."""
    before: Mapping[str, Any] = one.before or {}
    known = before.get("guards" if said.guardian else "words", {}).get(purpose.replace(".", "/"))
    return known is None or known["t"] <= one.fact.at
