"""The stored form of an entry is smaller and says exactly the same."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import example, given

from discretion.catalogue.attribute_register import RegisteredAttribute
from discretion.catalogue.load import load_catalogue
from discretion.errors import Broken
from discretion.ledger.entry import LedgerEntry, parse_entry
from discretion.ledger.packed_entry import EntryPacker, encode_receipt, list_pseudonyms
from tests.unit.ledger.entries import GOLDEN, GOLDEN_ENTRY, build_large_entry, stored_entries

REGISTER = load_catalogue().register
PACKER = EntryPacker(REGISTER)


@given(stored_entries())
@example(GOLDEN_ENTRY)
def test_an_entry_is_unpacked_to_the_same_canonical_bytes(entry: LedgerEntry) -> None:
    """Any texts, forms, times and bits; also attributes that no catalogue has."""
    unpacked = PACKER.unpack_entry(encode_receipt(entry.receipt), PACKER.pack_entry(entry))
    assert unpacked == entry
    assert unpacked.canonical_bytes() == entry.canonical_bytes()


def test_the_golden_bytes_come_out_of_the_stored_form() -> None:
    """They were written by hand, so what is proven of earlier releases stays provable."""
    packed = PACKER.pack_entry(parse_entry(GOLDEN))
    assert PACKER.unpack_entry(encode_receipt(GOLDEN_ENTRY.receipt), packed).canonical_bytes() == GOLDEN


def test_the_stored_form_never_changes() -> None:
    """Written by hand: version, time after the receipt's, texts, numbers 7 and 18 with forms, groups."""
    entry = LedgerEntry(
        receipt="0193fe2a4c00" + "11" * 10,
        at=0x0193FE2A4C00 + 1,
        client="shop",
        actor="ann",
        operation="Q",
        purposes=("a", "b"),
        attributes=(("contact.email", "clear"), ("demographics.birthDate", "coarse"), ("x.y", "new")),
        extra=("filter:x",),
        subjects={b"\x02" * 16: 5, b"\x01" * 16: 5, b"\x03" * 16: 0},
    )
    assert PACKER.pack_entry(entry) == b"".join(
        [
            b"\x01\x02\x04shop\x03ann\x01Q",
            b"\x02\x01a\x01b\x01\x08filter:x",
            b"\x03\x07\x01" + bytes([REGISTER_BIRTH_DATE]) + b"\x03\x00\x03x.y\x00\x03new",
            b"\x00\x01" + b"\x03" * 16 + b"\x05\x02" + b"\x01" * 16 + b"\x02" * 16,
        ]
    )


REGISTER_BIRTH_DATE = next(
    number for number, line in REGISTER.items() if line.path == "demographics.birthDate"
)


def test_a_page_of_a_hundred_people_takes_less_than_half_the_space() -> None:
    entry = build_large_entry()
    assert len(PACKER.pack_entry(entry)) * 2 < len(entry.canonical_bytes())
    assert len(PACKER.pack_entry(entry)) < 2_000


@given(stored_entries())
def test_people_are_found_without_a_catalogue(entry: LedgerEntry) -> None:
    assert sorted(list_pseudonyms(PACKER.pack_entry(entry))) == sorted(entry.subjects)


def test_a_later_catalogue_reads_the_entries_of_an_earlier_one() -> None:
    """Also after an attribute was retired, and after its path came back under another number."""
    packed = PACKER.pack_entry(GOLDEN_ENTRY)
    email = REGISTER[7]
    later = EntryPacker(
        {
            **REGISTER,
            7: replace(email, retired=True),
            90: RegisteredAttribute(90, email.path, "Int", sealed=True),
        }
    )
    receipt = encode_receipt(GOLDEN_ENTRY.receipt)
    assert later.unpack_entry(receipt, packed) == GOLDEN_ENTRY
    repacked = later.pack_entry(GOLDEN_ENTRY)
    assert repacked != packed
    assert later.unpack_entry(receipt, repacked) == GOLDEN_ENTRY


def test_a_lost_line_of_the_register_is_reported_and_guessed_by_nobody() -> None:
    packed = PACKER.pack_entry(GOLDEN_ENTRY)
    shorter = EntryPacker({number: line for number, line in REGISTER.items() if number != 7})
    with pytest.raises(Broken) as refusal:
        shorter.unpack_entry(encode_receipt(GOLDEN_ENTRY.receipt), packed)
    assert refusal.value.code == "LEDGER_NUMBER_UNKNOWN"
    assert "attribute 7" in refusal.value.message


def test_an_unknown_stored_form_is_refused() -> None:
    with pytest.raises(Broken) as refusal:
        list_pseudonyms(b"\x02")
    assert refusal.value.code == "LEDGER_FORM_UNKNOWN"


@pytest.mark.parametrize("receipt", ["", "00", "0" * 31, "A" * 32, "0" * 30 + " 0", "g" * 32])
def test_only_a_receipt_of_32_digits_is_stored(receipt: str) -> None:
    with pytest.raises(ValueError, match="hexadecimal"):
        encode_receipt(receipt)


def test_only_a_pseudonym_of_16_bytes_is_stored() -> None:
    with pytest.raises(ValueError, match="16 bytes"):
        PACKER.pack_entry(replace(GOLDEN_ENTRY, subjects={b"short": 1}))
