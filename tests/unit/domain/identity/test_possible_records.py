"""Records that may be of a person: no number of other claims hides one that was there before."""

from __future__ import annotations

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.identity.possible_records import MAX_POSSIBLE_RECORDS, list_possible_records
from discretion.domain.profiles.identifier_index import MAX_NUMBERED_CLAIMS
from discretion.store.identifiers import NamedIdentifier, StoredIdentifier
from discretion.store.source_record import RecordIdentifier, SourceRecord

TYPES = {"email": IdentifierType("email", "email", "", "", verified_by="emailVerified")}
ADDRESS, PERSON = b"address", b"person"


def build_claim(record: bytes, born: int, source: str = "web-shop", at: int = 1) -> SourceRecord:
    """Build a record of another customer that was created then and claims the address."""
    identifiers = (RecordIdentifier(ADDRESS, "email", {Assurance.CLAIMED: at}, b""),)
    return SourceRecord(record, source, record, 1, 1, 1, born, identifiers=identifiers)


def build_flood(count: int, born: int) -> list[SourceRecord]:
    """Build claims of a stranger, with ids before all others and times long ago."""
    return [build_claim(b"\x00%03d" % number, born + number) for number in range(count)]


def name(*records: SourceRecord) -> NamedIdentifier:
    """Return the address with the records that claim it, as the index has them."""
    claims = tuple(record.id for record in records)
    return NamedIdentifier(StoredIdentifier(ADDRESS, "email", 1, claims=claims), records)


def test_the_oldest_records_come_first_whatever_time_a_claim_states() -> None:
    """A sender chooses the time of a claim, and not when its record was created here."""
    own = build_claim(b"own", born=10, at=1_000)
    listed = list_possible_records([name(*build_flood(150, born=11), own)], PERSON, TYPES)
    assert listed.records[0].record == b"own"
    assert len(listed.records) == 151, "joining finds all of them; only what is shown is limited"


def test_records_of_one_source_do_not_hide_those_of_another() -> None:
    own = build_claim(b"own", born=500, source="tills")
    listed = list_possible_records([name(*build_flood(150, born=11), own)], PERSON, TYPES)
    assert b"own" in [each.record for each in listed.shown]
    assert len(listed.shown) == MAX_POSSIBLE_RECORDS


def test_it_is_known_whether_all_are_shown() -> None:
    few, many = build_flood(MAX_POSSIBLE_RECORDS, born=1), build_flood(MAX_POSSIBLE_RECORDS + 1, born=1)
    assert not list_possible_records([name(*few)], PERSON, TYPES).are_more
    assert list_possible_records([name(*many)], PERSON, TYPES).are_more
    # The index of an identifier has only the first claims, and some of these may not count any more.
    full = StoredIdentifier(ADDRESS, "email", 1, claims=tuple(bytes([n]) for n in range(MAX_NUMBERED_CLAIMS)))
    assert list_possible_records([NamedIdentifier(full, ())], PERSON, TYPES).are_more
    assert not list_possible_records([], PERSON, TYPES).are_more
