"""Numbers out of base64url text, six bits to a letter (IAB GPP and TCF, "Consent string")."""

from __future__ import annotations

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""The alphabet of RFC 4648, section 5; a letter's place is its value."""

_SIX = {letter: f"{value:06b}" for value, letter in enumerate(LETTERS)}
_FIBONACCI = [1, 2]
while len(_FIBONACCI) < 32:
    _FIBONACCI.append(_FIBONACCI[-1] + _FIBONACCI[-2])


class Bits:
    """Reads from the front, the most significant bit first.

    Past the end everything is 0 and ``over`` is true, so that one look at the end of a record is enough.
    """

    __slots__ = ("_at", "_bits")

    def __init__(self, bits: str) -> None:
        self._bits = bits
        self._at = 0

    @classmethod
    def of(cls, text: str) -> Bits | None:
        """The bits of a text, or None if it has a letter that the alphabet does not."""
        try:
            return cls("".join([_SIX[letter] for letter in text]))
        except KeyError:
            return None

    @property
    def over(self) -> bool:
        """Whether more was read than there is."""
        return self._at > len(self._bits)

    def __len__(self) -> int:
        return len(self._bits)

    def skip(self, count: int) -> None:
        """Pass over some bits."""
        self._at += count

    def number(self, count: int) -> int:
        """An unsigned number of some bits."""
        start, self._at = self._at, self._at + count
        return 0 if self.over else int(self._bits[start : self._at], 2)

    def flag(self) -> bool:
        """One bit."""
        return self.number(1) == 1

    def members(self, count: int) -> frozenset[int]:
        """Which of the numbers 1 to ``count`` have their bit set."""
        field = self.number(count)
        return frozenset(one for one in range(1, count + 1) if field >> (count - one) & 1)

    def fibonacci(self) -> int:
        """A number in Fibonacci coding, which ends at the first two set bits in a row; 0 if there is none.

        Codes longer than any section's id needs are taken for the end of the text.
        """
        end = self._bits.find("11", self._at, self._at + len(_FIBONACCI) + 1)
        if end < 0:
            self._at = len(self._bits) + 1
            return 0
        start, self._at = self._at, end + 2
        return sum(
            one for one, bit in zip(_FIBONACCI, self._bits[start : end + 1], strict=False) if bit == "1"
        )
