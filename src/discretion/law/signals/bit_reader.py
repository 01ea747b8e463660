"""Reads numbers from base64url text, six bits per letter (IAB GPP and TCF, "Consent string")."""

from __future__ import annotations

BASE64URL_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""The alphabet of RFC 4648, section 5; the position of a letter is its value."""

_BITS_BY_CHARACTER = {character: f"{value:06b}" for value, character in enumerate(BASE64URL_ALPHABET)}
_FIBONACCI_NUMBERS = [1, 2]
while len(_FIBONACCI_NUMBERS) < 32:
    _FIBONACCI_NUMBERS.append(_FIBONACCI_NUMBERS[-1] + _FIBONACCI_NUMBERS[-2])


class BitReader:
    """Reads bits from the front, the most significant bit first.

    Past the end every bit is 0 and ``is_exhausted`` is true, so a caller needs to check it only once per
    record.
    """

    __slots__ = ("_bits", "_position")

    def __init__(self, bits: str) -> None:
        self._bits = bits
        self._position = 0

    @classmethod
    def decode_text(cls, text: str) -> BitReader | None:
        """Return a reader of a text's bits, or None if a letter is not in the alphabet."""
        try:
            return cls("".join([_BITS_BY_CHARACTER[character] for character in text]))
        except KeyError:
            return None

    @property
    def is_exhausted(self) -> bool:
        """Whether more bits were read than the text has."""
        return self._position > len(self._bits)

    def __len__(self) -> int:
        return len(self._bits)

    def skip(self, count: int) -> None:
        """Skip a number of bits."""
        self._position += count

    def read_number(self, count: int) -> int:
        """Read an unsigned number of ``count`` bits."""
        start, self._position = self._position, self._position + count
        return 0 if self.is_exhausted else int(self._bits[start : self._position], 2)

    def read_flag(self) -> bool:
        """Read one bit as a boolean."""
        return self.read_number(1) == 1

    def read_members(self, count: int) -> frozenset[int]:
        """Read a bit field; return which of the numbers 1 to ``count`` have their bit set."""
        field = self.read_number(count)
        return frozenset(number for number in range(1, count + 1) if field >> (count - number) & 1)

    def read_fibonacci(self) -> int:
        """Read a number in Fibonacci coding, which ends at the first two set bits in a row; 0 if none follow.

        The search is limited to the longest code that a section id needs. A longer code is treated as the end
        of the text.
        """
        end = self._bits.find("11", self._position, self._position + len(_FIBONACCI_NUMBERS) + 1)
        if end < 0:
            self._position = len(self._bits) + 1
            return 0
        start, self._position = self._position, end + 2  # the second set bit only ends the code
        return sum(
            fibonacci_number
            for fibonacci_number, bit in zip(_FIBONACCI_NUMBERS, self._bits[start : end + 1], strict=False)
            if bit == "1"
        )
