"""The stored form of a ledger entry: the same content as its canonical bytes in less than half the space.

Attributes are numbers of the catalogue, which name the same attribute for ever; an attribute without a number
is kept as text, so that every entry can be stored. People of whom the same attributes were revealed share one
set of bits. Unpacking returns an entry with exactly the same canonical bytes; those are what is hashed and
proven.
"""

from __future__ import annotations

from collections.abc import Iterator

from discretion.catalogue.attribute_register import Register
from discretion.errors import Broken
from discretion.ledger.entry import LedgerEntry

PACKED_VERSION = 1
"""First byte of the stored form."""
RECEIPT_BYTES = 16
TIME_BYTES = 6
"""A receipt begins with the time of its disclosure (ms)."""
PSEUDONYM_BYTES = 16

_FORM_CODES = {"clear": 1, "masked": 2, "coarse": 3, "pseudonym": 4}
_FORMS = {code: form for form, code in _FORM_CODES.items()}
_AS_TEXT = 0
"""In the place of a number or a code: the text itself follows."""


class EntryPacker:
    """Packs entries with the numbers of a catalogue, and unpacks those of all earlier catalogues."""

    def __init__(self, register: Register) -> None:
        self._number_by_path = {line.path: line.number for line in register.values() if not line.retired}
        self._path_by_number = {number: line.path for number, line in register.items()}

    def pack_entry(self, entry: LedgerEntry) -> bytes:
        """Return the stored form of an entry, without its receipt.

        Raises:
            ValueError: The receipt or a pseudonym has another length or form.
        """
        packed = bytearray((PACKED_VERSION,))
        _write_integer(packed, _to_unsigned(entry.at - _read_receipt_time(encode_receipt(entry.receipt))))
        for text in (entry.client, entry.actor, entry.operation):
            _write_text(packed, text)
        for texts in (entry.purposes, entry.extra):
            _write_integer(packed, len(texts))
            for text in texts:
                _write_text(packed, text)
        _write_integer(packed, len(entry.attributes))
        for path, form in entry.attributes:
            _write_code(packed, self._number_by_path.get(path, _AS_TEXT), path)
            _write_code(packed, _FORM_CODES.get(form, _AS_TEXT), form)
        pseudonyms_by_bits: dict[int, list[bytes]] = {}
        for pseudonym, bits in sorted(entry.subjects.items()):
            if len(pseudonym) != PSEUDONYM_BYTES:
                raise ValueError(f"a pseudonym has {PSEUDONYM_BYTES} bytes")
            pseudonyms_by_bits.setdefault(bits, []).append(pseudonym)
        for bits, pseudonyms in sorted(pseudonyms_by_bits.items()):
            _write_integer(packed, bits)
            _write_integer(packed, len(pseudonyms))
            packed += b"".join(pseudonyms)
        return bytes(packed)

    def unpack_entry(self, receipt: bytes, packed: bytes) -> LedgerEntry:
        """Return the entry of a stored form.

        Raises:
            Broken: ``LEDGER_NUMBER_UNKNOWN``; the register of numbers lacks an attribute.
        """
        reader = _PackedReader(packed)
        at = _read_receipt_time(receipt) + _from_unsigned(reader.read_integer())
        client, actor, operation = reader.read_text(), reader.read_text(), reader.read_text()
        purposes, extra = reader.read_texts(), reader.read_texts()
        attributes = tuple(
            (self._read_path(reader), _read_form(reader)) for _ in range(reader.read_integer())
        )
        return LedgerEntry(
            receipt=receipt.hex(),
            at=at,
            client=client,
            actor=actor,
            operation=operation,
            purposes=purposes,
            attributes=attributes,
            extra=extra,
            subjects={pseudonym: bits for bits, group in reader.read_groups() for pseudonym in group},
        )

    def _read_path(self, reader: _PackedReader) -> str:
        number = reader.read_integer()
        if number == _AS_TEXT:
            return reader.read_text()
        path = self._path_by_number.get(number)
        if path is None:
            raise Broken(
                "LEDGER_NUMBER_UNKNOWN",
                f"The ledger names attribute {number}, which the register of numbers does not have.",
                "Restore its line in the catalogue's numbers.yaml.",
            )
        return path


def list_pseudonyms(packed: bytes) -> list[bytes]:
    """Return the pseudonyms in a stored entry. It needs no catalogue."""
    reader = _PackedReader(packed)
    reader.skip_to_subjects()
    return [pseudonym for _, group in reader.read_groups() for pseudonym in group]


def encode_receipt(receipt: str) -> bytes:
    """Return a receipt as bytes.

    Raises:
        ValueError: It is not 32 lower-case hexadecimal digits.
    """
    encoded = bytes.fromhex(receipt)
    if len(encoded) != RECEIPT_BYTES or encoded.hex() != receipt:
        raise ValueError(f"a receipt has {2 * RECEIPT_BYTES} lower-case hexadecimal digits")
    return encoded


def encode_receipt_time(at: int) -> bytes:
    """Return the lowest receipt of a time (ms)."""
    return max(at, 0).to_bytes(TIME_BYTES, "big") + bytes(RECEIPT_BYTES - TIME_BYTES)


class _PackedReader:
    """Reads a stored entry from its beginning to its end."""

    def __init__(self, packed: bytes) -> None:
        if packed[0] != PACKED_VERSION:
            raise Broken("LEDGER_FORM_UNKNOWN", f"A ledger entry has the unknown stored form {packed[0]}.")
        self._packed = packed
        self._offset = 1

    def read_integer(self) -> int:
        """Read an integer of any size: 7 bits a byte, the lowest first."""
        packed, offset, value, shift = self._packed, self._offset, 0, 0
        while (byte := packed[offset]) & 0x80:
            value |= (byte & 0x7F) << shift
            offset, shift = offset + 1, shift + 7
        self._offset = offset + 1
        return value | byte << shift

    def read_bytes(self, length: int) -> bytes:
        """Read the next bytes."""
        self._offset += length
        return self._packed[self._offset - length : self._offset]

    def read_text(self) -> str:
        """Read a text after its length."""
        return self.read_bytes(self.read_integer()).decode()

    def read_texts(self) -> tuple[str, ...]:
        """Read a list of texts after its length."""
        return tuple(self.read_text() for _ in range(self.read_integer()))

    def read_groups(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the bits of each group of people, with their pseudonyms."""
        while self._offset < len(self._packed):
            bits, count = self.read_integer(), self.read_integer()
            joined = self.read_bytes(count * PSEUDONYM_BYTES)
            yield bits, [joined[at : at + PSEUDONYM_BYTES] for at in range(0, len(joined), PSEUDONYM_BYTES)]

    def skip_to_subjects(self) -> None:
        """Go on to the first group of people."""
        self.read_integer()
        self._skip_texts(3)
        self._skip_texts(self.read_integer())
        self._skip_texts(self.read_integer())
        for _ in range(2 * self.read_integer()):
            if self.read_integer() == _AS_TEXT:
                self._skip_texts(1)

    def _skip_texts(self, count: int) -> None:
        for _ in range(count):
            length = self.read_integer()
            self._offset += length


def _read_form(reader: _PackedReader) -> str:
    code = reader.read_integer()
    return reader.read_text() if code == _AS_TEXT else _FORMS[code]


def _read_receipt_time(receipt: bytes) -> int:
    return int.from_bytes(receipt[:TIME_BYTES], "big")


def _to_unsigned(value: int) -> int:
    """Map integers to unsigned ones, small to small: 0, -1, 1, -2 become 0, 1, 2, 3."""
    return value << 1 if value >= 0 else (-value << 1) - 1


def _from_unsigned(value: int) -> int:
    return -(value + 1 >> 1) if value & 1 else value >> 1


def _write_integer(packed: bytearray, value: int) -> None:
    while value > 0x7F:
        packed.append(value & 0x7F | 0x80)
        value >>= 7
    packed.append(value)


def _write_text(packed: bytearray, text: str) -> None:
    encoded = text.encode()
    _write_integer(packed, len(encoded))
    packed += encoded


def _write_code(packed: bytearray, code: int, text: str) -> None:
    _write_integer(packed, code)
    if code == _AS_TEXT:
        _write_text(packed, text)
