"""Who is who after new evidence, and everything that changes with it: one transaction's writes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from discretion.domain.identity.assignment import Settled, settle
from discretion.domain.identity.evidence_reader import Known
from discretion.domain.identity.identity_events import changes
from discretion.domain.identity.unit_of_work import Word, Workshop, Writing
from discretion.domain.ingest.mention import Mention
from discretion.store.driver.database import Database, Operation, Session, insert


@dataclass(frozen=True, slots=True)
class Settlement:
    """``settled`` has everybody in question, by the customer they are now.

    ``left_out`` counts, by a message's mark, what of it the person had refused.
    """

    settled: Mapping[bytes, Settled]
    left_out: Mapping[bytes, int]


async def settlement(
    database: Database,
    session: Session,
    shop: Workshop,
    known: Known,
    by: str,
    fresh: Sequence[Mention] = (),
    words: Sequence[Word] = (),
    also: Sequence[tuple[str, Operation]] = (),
) -> Settlement:
    """Settle who is who and write it.

    Args:
        database: Where.
        session: The transaction that ``known`` was read in.
        shop: Keys, catalogue and the present.
        known: Everything that bears on it.
        by: Who brought the evidence, such as ``source:tills``; of several senders, all.
        fresh: Identifiers that are named for the first time.
        words: Messages to be told to the records they speak to.
        also: Writes that belong to the same change, each with its collection.

    Raises:
        Again: a customer changed meanwhile; the transaction runs again from its reads.
    """
    spoken: dict[bytes, list[Word]] = {}
    for word in words:
        spoken.setdefault(word.marks.record, []).append(word)
    writing = Writing(shop, known)
    settled: dict[bytes, Settled] = {}
    for person in settle(known, fresh, shop.catalogue.identifiers, list(spoken)):
        told = [word for record in sorted(person.records) for word in spoken.get(record, ())]
        settled[await writing.person(session, database, person, told)] = person
    writing.identifiers(fresh)
    writing.gone()
    for change in changes(known, settled, fresh, by, shop.now):
        writing.add("identity_events", insert({"_id": shop.entropy(16), **change}))
    for collection, operation in also:
        writing.add(collection, operation)
    await writing.send(session, database)
    return Settlement(settled, writing.left_out)
