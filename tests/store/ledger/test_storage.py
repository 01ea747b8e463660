"""The ledger's storage: a group of entries is stored once and completely, whatever collides."""

from __future__ import annotations

from dataclasses import replace

from discretion.catalogue.load import load_catalogue
from discretion.ledger.entry import LedgerEntry
from discretion.ledger.storage import LedgerStorage
from discretion.ledger.subject_names import SubjectWindow
from discretion.store.driver.database import Database
from discretion.store.schema.apply import apply_schema
from tests.unit.ledger.entries import GOLDEN_ENTRY

ANN, BOB = b"a" * 16, b"b" * 16


def build_entry_about(number: int, *people: bytes) -> LedgerEntry:
    """Return an entry about these people; the number orders it."""
    return replace(GOLDEN_ENTRY, receipt=f"{number:032x}", subjects=dict.fromkeys(people, 1))


async def test_a_repeated_receipt_of_an_entry_about_one_person_loses_no_other(database: Database) -> None:
    """An entry about several people was stored before it, one about one person follows it."""
    await apply_schema(database)
    storage = LedgerStorage(database, load_catalogue().register, lambda _: b"\0")
    repeated = build_entry_about(2, ANN)
    await storage.insert([repeated])
    await storage.insert([build_entry_about(1, ANN, BOB), repeated, build_entry_about(3, ANN)])
    await storage.insert([build_entry_about(4, ANN, BOB)])
    listed = await storage.list_by_subject([SubjectWindow(ANN)], None, 10)
    assert [int(entry.receipt, 16) for entry in listed] == [4, 3, 2, 1]
