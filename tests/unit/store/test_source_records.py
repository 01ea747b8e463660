"""The codec of source records loses nothing, and a save writes only what changed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pymongo import InsertOne, UpdateOne

from discretion.catalogue.assurance import Assurance
from discretion.purpose.statements import AmbientChoice
from discretion.store.source_record import (
    Cell,
    Choice,
    DeviceCountry,
    ErasedPart,
    RecordIdentifier,
    SignalTimes,
    SourceRecord,
    StatedPeriod,
    Total,
)
from discretion.store.source_record_codec import build_record_document, parse_record
from discretion.store.source_records import SourceRecordStore

RECORD = SourceRecord(
    id=b"r" * 16,
    source="tills",
    customer=b"c" * 16,
    version=3,
    first=1,
    last=9,
    born=2,
    identifiers=(
        RecordIdentifier(b"u" * 16, "user_id", {Assurance.PROVEN: 2}, b"sealed", is_own=True),
        RecordIdentifier(
            b"e" * 16,
            "email",
            {Assurance.PRESENTED: 3, Assurance.CLAIMED: 1},
            b"sealed",
            stated=StatedPeriod(1, 4),
        ),
    ),
    cells={
        "1": Cell(1, "m1", sealed=b"s"),
        "16": Cell(2, "m2", value="DE"),
        "18": Cell(3, "m3", sealed=b"b", born=4),
        "23": Cell(5, "m5"),
    },
    totals={"26": Total(7, 2), "27": Total(8, 5, earliest=6)},
    ambient_choices={"marketing.email": AmbientChoice(1, 2, 3, 4)},
    explicit_choices={"marketing": Choice(permits=False, at=2, message="m2", until=3)},
    guardian_choices={"analytics": Choice(permits=True, at=3, message="m3", refused_at=2)},
    own_choices={"marketing.email": Choice(permits=False, at=4, message="m4")},
    own_guardian_choices={"marketing": Choice(permits=True, at=5, message="m5")},
    joined_choices={"marketing.email": Choice(permits=True, at=6, message="m6")},
    signals={"gpc": SignalTimes(1, 2)},
    home=b"c" * 16,
    rulings=(b"u" * 16,),
    restricted=True,
    place=DeviceCountry("FR", 4, "m4"),
    erased_parts=(ErasedPart("channel:web", 5),),
    corrects=b"o" * 16,
    claim_refusals={"0a": ("marketing", "marketing.email")},
    contested={"1": (b"q" * 16,)},
)
MINIMAL = SourceRecord(b"r" * 16, "tills", b"c" * 16, 1, 1, 1, 1)


@pytest.mark.parametrize("record", [RECORD, MINIMAL], ids=["full", "minimal"])
def test_a_record_is_the_same_after_encoding_and_parsing(record: SourceRecord) -> None:
    assert parse_record(build_record_document(record)) == record


def test_stored_member_names_contain_no_dots() -> None:
    assert list(build_record_document(RECORD)["d"]) == ["marketing/email"]


def test_saving_an_equal_record_writes_nothing(store: SourceRecordStore) -> None:
    assert store.plan_save(RECORD, RECORD.copy()) is None


def test_saving_a_new_record_inserts_its_first_version(store: SourceRecordStore) -> None:
    write = store.plan_save(None, replace(RECORD, version=0))
    assert write is not None
    assert isinstance(write.operation, InsertOne)
    assert write.operation._doc == {**build_record_document(RECORD), "v": 1}


def test_saving_a_changed_record_writes_only_what_changed(store: SourceRecordStore) -> None:
    changed = RECORD.copy()
    changed.cells["1"] = Cell(6, "m6", sealed=b"t")
    del changed.cells["23"]
    changed.explicit_choices["marketing.email"] = Choice(permits=False, at=7, message="m7")
    changed.restricted, changed.last = False, 10
    write = store.plan_save(RECORD, changed)
    assert write is not None
    assert isinstance(write.operation, UpdateOne)
    assert write.operation._doc == {
        "$set": {
            "l": 10,
            "a.1": {"t": 6, "m": "m6", "c": b"t"},
            "e.marketing/email": {"g": False, "t": 7, "m": "m7"},
        },
        "$unset": {"q": "", "a.23": ""},
        "$inc": {"v": 1},
    }


@pytest.fixture
def store() -> SourceRecordStore:
    """Return a store whose methods that only plan writes can be called."""
    return SourceRecordStore(None)  # type: ignore[arg-type]
