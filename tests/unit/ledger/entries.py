"""Ledger entries for tests: one with its bytes written by hand, a large one, and any."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import strategies as st

from discretion.catalogue.load import load_catalogue
from discretion.ledger.entry import LedgerEntry

GOLDEN_ENTRY = LedgerEntry(
    receipt="0193fe2a4c0000112233445566778899",
    at=1_732_000_000_000,
    client="campaigns",
    actor='staff "Zoë"@shop.example',
    operation="Who",
    purposes=("marketing.advertising.first_party", "marketing.communications.email"),
    attributes=(("contact.email", "clear"), ("demographics.birthDate", "coarse")),
    extra=("filter:contact.address.country",),
    subjects={b"\xff" * 16: 3, b"\x00" * 15 + b"\x01": 1, b"\x10" * 16: 0},
)
GOLDEN = (
    '{"actor":"staff \\"Zoë\\"@shop.example","at":1732000000000,'
    '"attributes":[["contact.email","clear"],["demographics.birthDate","coarse"]],'
    '"client":"campaigns","extra":["filter:contact.address.country"],"operation":"Who",'
    '"purposes":["marketing.advertising.first_party","marketing.communications.email"],'
    '"receipt":"0193fe2a4c0000112233445566778899",'
    '"subjects":[["00000000000000000000000000000001","1"],["10101010101010101010101010101010","0"],'
    '["ffffffffffffffffffffffffffffffff","3"]],"v":1}'
).encode()

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
PATHS = st.sampled_from(sorted(load_catalogue().attributes)) | TEXTS
FORMS = st.sampled_from(["clear", "masked", "coarse", "pseudonym"]) | TEXTS


def build_large_entry(people: int = 100, attributes: int = 13) -> LedgerEntry:
    """Return the entry of a page of people who permit all of it, as a list of customers makes it."""
    paths = sorted(load_catalogue().attributes)[:attributes]
    return LedgerEntry(
        receipt=GOLDEN_ENTRY.receipt,
        at=0x0193FE2A4C00,
        client="support-desk",
        actor="agent-007",
        operation="Customers",
        purposes=("essential.service.operations.support",),
        attributes=tuple((path, "clear") for path in paths),
        extra=(),
        subjects={
            sha256(number.to_bytes(4, "big")).digest()[:16]: (1 << attributes) - 1 - number % 3
            for number in range(people)
        },
    )


def stored_entries() -> st.SearchStrategy[LedgerEntry]:
    """Entries with a receipt and pseudonyms as ``disclose`` makes them, and anything else in them."""
    return st.builds(
        LedgerEntry,
        receipt=st.binary(min_size=16, max_size=16).map(bytes.hex),
        at=st.integers(0, 2**53),
        client=TEXTS,
        actor=TEXTS,
        operation=TEXTS,
        purposes=st.lists(TEXTS, max_size=3).map(tuple),
        attributes=st.lists(st.tuples(PATHS, FORMS), max_size=4).map(tuple),
        extra=st.lists(TEXTS, max_size=3).map(tuple),
        subjects=st.dictionaries(
            st.binary(min_size=16, max_size=16),
            st.sampled_from([0, 1, 3]) | st.integers(0, 2**200),
            max_size=6,
        ),
    )
