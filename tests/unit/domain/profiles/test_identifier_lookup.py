"""Whom an identifier leads to: the strongest current mention decides, and claims take nothing away."""

from __future__ import annotations

from discretion.catalogue.assurance import Assurance
from discretion.catalogue.identifier_type import IdentifierType
from discretion.domain.profiles.identifier_index import (
    MAX_ANONYMOUS_CLAIMS,
    NamingList,
    apply_naming_changes,
    find_naming_changes,
)
from discretion.domain.profiles.identifier_lookup import select_customer
from discretion.store.identifiers import NamedIdentifier, StoredIdentifier
from discretion.store.source_record import RecordIdentifier, SourceRecord, StatedPeriod

TYPES = {"email": IdentifierType("email", "email", "", "", verified_by="emailVerified")}
ADDRESS, OTHER = b"address", b"other"


def build_record(
    name: str, assurance: Assurance, *, customer: str = "", is_login: bool = True, replaced: bool = False
) -> SourceRecord:
    """Build a record that names the address, and may have replaced it by another one."""
    identifiers = [RecordIdentifier(ADDRESS, "email", {assurance: 1}, b"", stated=StatedPeriod(1, 1))]
    if replaced:
        later = RecordIdentifier(OTHER, "email", {Assurance.CLAIMED: 5}, b"", stated=StatedPeriod(5, 5))
        identifiers.append(later)
    record = SourceRecord(name.encode(), "web-shop", (customer or name).encode(), 1, 1, 1, 1)
    record.identifiers = tuple(identifiers)
    record.number_assurance = Assurance.PROVEN if is_login else None
    return record


def select(*records: SourceRecord, finds_replaced: bool = False) -> str | None:
    """Return the customer that the address leads to if these records name it."""
    changes = [
        change
        for record in records
        for change in find_naming_changes(None, record)
        if change.entry == ADDRESS
    ]
    stored = apply_naming_changes(None, changes, TYPES, 1)
    listed = tuple(record for record in records if record.id in stored.naming_records)
    match = select_customer(NamedIdentifier(stored, listed), TYPES, finds_replaced=finds_replaced)
    return None if match is None else match.id.decode()


PROVEN, PRESENTED, CLAIMED = Assurance.PROVEN, Assurance.PRESENTED, Assurance.CLAIMED


def test_the_strongest_mention_decides() -> None:
    """Proven before presented, claimed under a login before claimed without one."""
    records = [
        build_record("anonymous", CLAIMED, is_login=False),
        build_record("claimed", CLAIMED),
        build_record("presented", PRESENTED),
        build_record("proven", PROVEN),
    ]
    expected = ["anonymous", "claimed", "presented", "proven"]
    assert [select(*records[: number + 1]) for number in range(4)] == expected


def test_two_customers_of_equal_strength_are_nobody() -> None:
    assert select(build_record("a", PROVEN), build_record("b", PROVEN), build_record("c", CLAIMED)) is None
    assert (
        select(build_record("a", PROVEN, customer="ann"), build_record("b", PROVEN, customer="ann")) == "ann"
    )


def test_any_number_of_claims_takes_an_address_from_nobody() -> None:
    """Neither from whoever proved it nor from whoever typed it under a login."""
    claims = [build_record(f"x{number}", CLAIMED, is_login=False) for number in range(50)]
    assert select(*claims, build_record("ann", PROVEN)) == "ann"
    assert select(*claims, build_record("ann", CLAIMED)) == "ann"
    assert select(*claims) is None


def test_a_full_list_leads_to_nobody() -> None:
    """It lacks records that came later, so the answer must not depend on who came first."""
    claims = [
        build_record(f"x{number:02}", CLAIMED, customer="ann", is_login=False)
        for number in range(MAX_ANONYMOUS_CLAIMS)
    ]
    assert select(*claims[:-1]) == "ann"
    assert select(*claims) is None


def test_a_replaced_address_leads_to_whoever_has_it_now() -> None:
    """Its former owner is found by the privacy office only, and only if nobody has it now."""
    former, holder = build_record("former", PROVEN, replaced=True), build_record("holder", CLAIMED)
    assert select(former, holder) == "holder"
    assert select(former) is None
    assert select(former, finds_replaced=True) == "former"
    assert select(former, holder, finds_replaced=True) == "holder"


def test_a_claim_that_is_proven_later_moves_to_the_links() -> None:
    """A record is in one list of an identifier at a time."""
    before, after = build_record("a", CLAIMED, is_login=False), build_record("a", PROVEN)
    stored = apply_naming_changes(None, find_naming_changes(None, before), TYPES, 1)
    assert (stored.records, stored.claims, stored.anonymous_claims) == ((), (), (b"a",))
    changes = find_naming_changes(before, after)
    assert [change.target for change in changes] == [NamingList.LINKS]
    stored = apply_naming_changes(stored, changes, TYPES, 1)
    assert (stored.records, stored.claims, stored.anonymous_claims) == ((b"a",), (), ())
    assert stored == StoredIdentifier(ADDRESS, "email", 1, (b"a",))
