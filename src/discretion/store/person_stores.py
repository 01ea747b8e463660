"""The repositories of everything that belongs to a person, for those who change it in one transaction."""

from __future__ import annotations

from dataclasses import dataclass

from discretion.store.driver.database import Database
from discretion.store.events import EventStore
from discretion.store.identifiers import IdentifierStore
from discretion.store.identity_events import IdentityEventStore
from discretion.store.messages import MessageStore
from discretion.store.packages import PackageStore
from discretion.store.people import PeopleStore
from discretion.store.rulings import RulingStore
from discretion.store.source_records import SourceRecordStore
from discretion.store.transactions import Transactions


@dataclass(frozen=True, slots=True)
class PersonStores:
    """One repository for each collection that identity resolution reads or writes, and their transactions."""

    transactions: Transactions
    people: PeopleStore
    source_records: SourceRecordStore
    events: EventStore
    identifiers: IdentifierStore
    rulings: RulingStore
    identity_events: IdentityEventStore
    messages: MessageStore
    packages: PackageStore


def open_person_stores(database: Database) -> PersonStores:
    """Return the repositories of one database."""
    return PersonStores(
        transactions=Transactions(database),
        people=PeopleStore(database),
        source_records=SourceRecordStore(database),
        events=EventStore(database),
        identifiers=IdentifierStore(database),
        rulings=RulingStore(database),
        identity_events=IdentityEventStore(database),
        messages=MessageStore(database),
        packages=PackageStore(database),
    )
