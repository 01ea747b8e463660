"""Both measured layouts hold the same entries and answer alike."""

from __future__ import annotations

from discretion.ledger.storage import LedgerStorage
from discretion.ledger.subject_names import SubjectWindow
from discretion.store.driver.database import Database
from discretion.store.schema.apply import apply_schema
from tests.bench.ledger.layouts import EntryGenerator, IndexedLedger, open_layouts


async def test_both_layouts_list_the_same_entries_about_a_person(database: Database) -> None:
    await apply_schema(database)
    generator = EntryGenerator(people=50)
    entries = [generator.build_entry(10) for _ in range(40)]
    layouts = await open_layouts(database)
    for _, storage in layouts.values():
        await storage.insert(entries)
    indexed, packed = (storage for _, storage in layouts.values())
    assert isinstance(indexed, IndexedLedger)
    assert isinstance(packed, LedgerStorage)
    for person in entries[7].subjects:
        listed = await packed.list_by_subject([SubjectWindow(person)], None, 5)
        assert listed == await indexed.list_by_subject(person, 5)
        assert listed
