"""Consent events: the latest one about a purpose, of each source record and of several together."""

from __future__ import annotations

from dataclasses import replace

from discretion.catalogue.model import Basis
from discretion.store.consent_event import ConsentEvent, ConsentState, StatementMethod
from discretion.store.consents import ConsentStore
from discretion.store.driver.database import Database
from discretion.store.transactions import Session, Transactions

ONE, TWO, OTHER = b"one", b"two", b"other"
MAIL, ADS = "marketing.communications.email", "marketing.advertising.third_party.targeted"
FIRST = ConsentEvent(
    id=bytes([1]) * 16,
    records=(ONE,),
    customer=b"c" * 16,
    purpose=MAIL,
    catalogue="1",
    basis=Basis.CONSENT,
    laws=("eu",),
    state=ConsentState.GIVEN,
    at=1,
    received=1,
    method=StatementMethod.SOURCE,
    by="source:web-shop",
    terms=b"t" * 32,
)
SECOND = replace(FIRST, id=bytes([2]) * 16, received=2)
OF_BOTH = replace(FIRST, id=bytes([3]) * 16, received=3, records=(ONE, TWO))
OF_TWO = replace(FIRST, id=bytes([5]) * 16, received=4, records=(TWO,))
AT_THE_SAME_TIME = replace(OF_TWO, id=bytes([4]) * 16)
ABOUT_ADS = replace(FIRST, id=bytes([6]) * 16, received=9, purpose=ADS)
OF_OTHER = replace(FIRST, id=bytes([7]) * 16, received=9, records=(OTHER,))


async def test_the_latest_event_of_each_record_is_read(database: Database) -> None:
    """An event about several records counts for each; at equal times the greater id wins."""
    store = ConsentStore(database)

    async def work(session: Session) -> None:
        events = [OF_OTHER, AT_THE_SAME_TIME, OF_TWO, ABOUT_ADS, OF_BOTH, SECOND, FIRST]
        await store.add(events, session)

    await Transactions(database).run(work)
    assert await store.read_latest_by_record({ONE, TWO}, {MAIL}) == {
        (ONE, MAIL): OF_BOTH,
        (TWO, MAIL): OF_TWO,
    }
    assert await store.read_latest([ONE, TWO], [MAIL, ADS]) == {MAIL: OF_TWO, ADS: ABOUT_ADS}
    assert await store.read_latest([ONE], [MAIL]) == {MAIL: OF_BOTH}
    assert await store.read_latest_by_record({ONE}, {MAIL}) == {(ONE, MAIL): OF_BOTH}, "no other record"
    assert await store.read_latest_by_record({b"nobody"}, {MAIL}) == {}
